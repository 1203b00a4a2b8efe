/** What a call rejects with: one class for each thing that a caller may do about it. */

import { Outcome } from './outcome.js';

/**
 * A call that ended with another code than 0, for whichever reason. Everything about it is in
 * `outcome`; the properties beside it are its most used ones.
 */
export class VersionerError extends Error {
  /** How the call ended. */
  readonly outcome: Outcome;

  constructor(outcome: Outcome, options?: { cause?: unknown }) {
    super(outcome.message || outcome.text, options);
    this.outcome = outcome;
    // Not among the properties that `console.log` shows beside message and stack.
    Object.defineProperty(this, 'outcome', { enumerable: false });
    Object.defineProperty(this, 'name', {
      value: new.target.name,
      enumerable: false,
      configurable: true,
      writable: true,
    });
  }

  /** 1, 4 or 5: the exit code of the command line for this. */
  get code(): number {
    return this.outcome.code;
  }

  /** The finer reason, such as `timeout` or `flow_violation`. */
  get kind(): string {
    return this.outcome.kind;
  }

  /** The block that the command line prints for people. */
  get text(): string {
    return this.outcome.text;
  }

  /** The argument or setting at fault, if one is; else empty. */
  get argument(): string {
    return this.outcome.argument;
  }

  /** The HTTP status of the last answer; 0 if there was none. */
  get httpStatus(): number {
    return this.outcome.httpStatus;
  }

  /** How often the event was sent. */
  get attempts(): number {
    return this.outcome.attempts;
  }

  /** Name of the rule that rejects; else empty. */
  get rule(): string {
    return this.outcome.rule;
  }

  /** The service's code for the rejection, such as `FLOW_VIOLATION`; else empty. */
  get policyCode(): string {
    return this.outcome.policyCode;
  }

  /** When to try again, if the service says so. */
  get retryAfter(): Date | undefined {
    return this.outcome.retryAfter;
  }

  /** Further facts about a rejection, if there are any. */
  get details(): Record<string, unknown> | undefined {
    return this.outcome.details;
  }

  /** What a log keeps of it. */
  toJSON(): Record<string, unknown> {
    return { name: this.name, ...this.outcome.toJSON() };
  }
}

/** An argument is missing or malformed; nothing was sent. `argument` names it. */
export class ArgumentError extends VersionerError {}

/** A setting, the configuration file, a proxy or a certificate is unusable; nothing was sent. */
export class ConfigError extends VersionerError {}

/** The service could not be reached, hung up (`network`), or is not trusted (`tls`). */
export class NetworkError extends VersionerError {}

/** The service did not answer in time. */
export class TimeoutError extends NetworkError {}

/**
 * An `AbortSignal`, `Client.cancel` or `Client.close` ended the call; the event may or may not be
 * recorded. `cause` is the reason of the signal, if it was one.
 */
export class CancelledError extends VersionerError {}

/** A fault of this library. */
export class InternalError extends VersionerError {}

/** The service answered, neither with success nor with a rejection. `kind` tells more. */
export class APIError extends VersionerError {}

/**
 * Policy forbids it: the deployment must not happen. The subclasses are the known reasons; this class
 * itself is any other.
 */
export class RejectedError extends VersionerError {}

/** Another deployment of the product to the environment is in progress. */
export class DeploymentConflictError extends RejectedError {}

/** The schedule forbids deployments now; `retryAfter` may say until when. */
export class NoDeployWindowError extends RejectedError {}

/** The version has not been through the environments that come first. */
export class FlowViolationError extends RejectedError {}

/** The version has not been long enough in an environment that comes first. */
export class InsufficientSoakTimeError extends RejectedError {}

/** Quality approval is missing. */
export class QualityApprovalRequiredError extends RejectedError {}

/** Release approval is missing. */
export class ApprovalRequiredError extends RejectedError {}

/** The version exists already with other content. */
export class VersionConflictError extends RejectedError {}

/** Another version was started there while this one waited: it must not go out last by luck. */
export class SupersededError extends RejectedError {}

type ErrorClass = new (outcome: Outcome, options?: { cause?: unknown }) => VersionerError;

const BY_KIND: Readonly<Record<string, ErrorClass>> = {
  invalid_argument: ArgumentError,
  config: ConfigError,
  network: NetworkError,
  tls: NetworkError,
  timeout: TimeoutError,
  interrupted: CancelledError,
  internal: InternalError,
  deployment_conflict: DeploymentConflictError,
  no_deploy_window: NoDeployWindowError,
  flow_violation: FlowViolationError,
  insufficient_soak_time: InsufficientSoakTimeError,
  quality_approval_required: QualityApprovalRequiredError,
  approval_required: ApprovalRequiredError,
  version_conflict: VersionConflictError,
  superseded: SupersededError,
};

const BY_CODE: Readonly<Record<number, ErrorClass>> = { 4: APIError, 5: RejectedError };

/** The error for an outcome of another code than 0. */
export function errorOf(outcome: Outcome, cause?: unknown): VersionerError {
  const Class = BY_KIND[outcome.kind] ?? BY_CODE[outcome.code] ?? VersionerError;
  return new Class(outcome, cause === undefined ? undefined : { cause });
}

/** The error for a setting that the core never saw. */
export function configError(argument: string, message: string): ConfigError {
  const text = `error: ${message}`;
  return new ConfigError(new Outcome({ code: 1, kind: 'config', argument, message, text }));
}

/** The error for an argument that the core never saw. */
export function argumentError(argument: string, message: string): ArgumentError {
  const text = `error: ${message}`;
  return new ArgumentError(
    new Outcome({ code: 1, kind: 'invalid_argument', argument, message, text }),
  );
}
