/**
 * Tell Versioner what is built and what is deployed where, and stop when it says no.
 *
 * ```js
 * import { Client } from 'versioner';
 *
 * const client = new Client();
 * await client.trackBuild({ product: 'api', version: '1.2.3' });
 * await client.deploy({ product: 'api', environment: 'production', version: '1.2.3' }, async () => {
 *   // Not reached if policy rejects the deployment.
 * });
 * ```
 *
 * @packageDocumentation
 */

import { Client } from './client.js';
import type {
  BuildFields,
  BuildSpanFields,
  DeploymentFields,
  DeploymentSpanFields,
} from './fields.js';
import type { Outcome } from './outcome.js';
import type { Body } from './span.js';

export { Client } from './client.js';
export {
  APIError,
  ApprovalRequiredError,
  ArgumentError,
  CancelledError,
  ConfigError,
  DeploymentConflictError,
  FlowViolationError,
  InsufficientSoakTimeError,
  InternalError,
  NetworkError,
  NoDeployWindowError,
  QualityApprovalRequiredError,
  RejectedError,
  SupersededError,
  TimeoutError,
  VersionConflictError,
  VersionerError,
} from './errors.js';
export type {
  BuildFields,
  BuildSpanFields,
  CallOptions,
  DeploymentFields,
  DeploymentSpanFields,
  EndFields,
  EndStatus,
  ExtraMetadata,
  Status,
} from './fields.js';
export type { LogHandler, LogLevel } from './log.js';
export { VERSION } from './native.js';
export type { ClientOptions, Explained, Explanation } from './options.js';
export { Outcome, type OutcomeValues, type OutcomeWarning } from './outcome.js';
export { type Body, Span } from './span.js';

/** Does as `Client.trackBuild` of a new client. For many events, make a {@link Client} and keep it. */
export async function trackBuild(fields: BuildFields = {}): Promise<Outcome> {
  return new Client().trackBuild(fields);
}

/** Does as `Client.trackDeployment` of a new client. */
export async function trackDeployment(fields: DeploymentFields = {}): Promise<Outcome> {
  return new Client().trackDeployment(fields);
}

/** Does as `Client.build` of a new client: tracks what a body does as a build. */
export async function build<Result>(fields: BuildSpanFields, body: Body<Result>): Promise<Result> {
  return new Client().build(fields, body);
}

/** Does as `Client.deploy` of a new client: tracks what a body does as a deployment. */
export async function deploy<Result>(
  fields: DeploymentSpanFields,
  body: Body<Result>,
): Promise<Result> {
  return new Client().deploy(fields, body);
}
