/** The client. */

import { inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';

import { called, checkSignal, immediate } from './calls.js';
import { argumentError } from './errors.js';
import type {
  BuildFields,
  BuildSpanFields,
  CallOptions,
  DeploymentFields,
  DeploymentSpanFields,
} from './fields.js';
import { Log, type LogHandler, type LogLevel } from './log.js';
import { type NativeClient, native } from './native.js';
import type { Outcome } from './outcome.js';
import { type Body, type Host, resumed, Span } from './span.js';
import {
  BUILD,
  BUILD_SPAN,
  DEPLOYMENT,
  DEPLOYMENT_SPAN,
  kindOf,
  READING,
  SETTINGS,
  type Shape,
  text,
  written,
} from './values.js';

/**
 * The settings of a {@link Client}. What is left out is taken from the `VERSIONER_*` variable of the
 * same name (`VERSIONER_API_KEY` for `apiKey`), then from the configuration file, then from the
 * default.
 */
export interface ClientOptions {
  /** The API key, `sk_account_id_random`. Required from somewhere. */
  apiKey?: string | null | undefined;
  /** Base URL of the service; `https://api.versioner.io`. */
  apiUrl?: string | null | undefined;
  /** Base URL of the web interface, for links; `https://app.versioner.io`. */
  uiUrl?: string | null | undefined;
  /** Path of the configuration file; `~/.versioner/config.yaml` if it exists. */
  config?: string | URL | null | undefined;
  /**
   * Whether an event that could not be recorded is an error; `true`. With `false` (best effort) it is
   * a warning. Rejections and bad arguments stay errors.
   */
  failOnApiError?: boolean | null | undefined;
  /** Attempts after the first, on network failures, HTTP 429 and 5xx; 3. */
  maxRetries?: number | null | undefined;
  /** Milliseconds before the first retry, doubled for each further one; 1000. */
  retryPause?: number | null | undefined;
  /** Milliseconds for one attempt; 30,000. */
  attemptTimeout?: number | null | undefined;
  /** Milliseconds for all attempts and pauses together; 120,000. */
  totalTimeout?: number | null | undefined;
  /** PEM file of the only certificate authorities to trust; the system's. */
  caFile?: string | URL | null | undefined;
  /** PEM file of a client certificate, with its chain. */
  clientCert?: string | URL | null | undefined;
  /** PEM file of its key; the file of the certificate. */
  clientKey?: string | URL | null | undefined;
  /**
   * Directory that keeps an event which best effort could not deliver, and the end of a span which
   * could not be told, until a later event or `versioner outbox send` delivers them; none. An outcome
   * of that has `status` `queued`.
   */
  outbox?: string | URL | null | undefined;
  /** The variables for settings, proxies and the detection of the CI system; `process.env`, as it is now. */
  env?: Readonly<Record<string, string | undefined>> | null | undefined;
  /** Receives messages; without one, warnings are shown as Node shows its own. */
  onLog?: LogHandler | null | undefined;
  /** The least important messages that are wanted; `info` if there is an `onLog`, else `warning`. */
  logLevel?: LogLevel | null | undefined;
  /** What the `User-Agent` names as the sender. */
  surface?: string | null | undefined;
}

/** What `Client.explainBuild` and `Client.explainDeployment` tell. */
export interface Explanation {
  /** Method of the request. */
  readonly method: string;
  /** Where it goes. */
  readonly url: string;
  /** Its headers, without the key. */
  readonly headers: Readonly<Record<string, string>>;
  /** What it says. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Each value of the body, and where it comes from. */
  readonly values: readonly Explained[];
  /** Each setting, and where it comes from. */
  readonly settings: readonly Explained[];
}

/** A value and where it comes from. */
export interface Explained {
  /** Its name, such as `scm_sha`. */
  readonly field: string;
  /** What it is. */
  readonly value: string;
  /** Where it comes from, such as `VERSIONER_VERSION`. */
  readonly source: string;
}

/**
 * Tells the service about builds and deployments. Made once and used for many events: it keeps
 * connections open until {@link Client.close}. Calls run on threads of their own, many at once.
 *
 * A worker thread makes one of its own.
 */
export class Client {
  #core: NativeClient | undefined;
  readonly #log: Log;
  readonly #host: Host;

  /**
   * Decides every setting and reads files; sends nothing.
   *
   * @throws {@link ConfigError} if there is no API key, or a setting, file or proxy cannot be used
   * @throws {@link ArgumentError} for a value of the wrong type, or a name that is no setting
   */
  constructor(options: ClientOptions = {}) {
    const settings = written(SETTINGS, options, 'Client', ['env', 'onLog', 'logLevel']);
    const log = new Log(options.onLog, options.logLevel);
    settings.surface ??= 'javascript';
    this.#log = log;
    this.#host = { log, bodies: new Set() };
    const variables = environment(options.env);
    this.#core = immediate(
      () => new native.Client(JSON.stringify(settings), variables, log.level, log.tell),
    );
  }

  /**
   * Tells that something was built. Resolves once it is recorded.
   *
   * @throws {@link VersionerError}, one of its subclasses, if it is not recorded
   */
  async trackBuild(fields: BuildFields = {}): Promise<Outcome> {
    return this.#track('trackBuild', BUILD, fields);
  }

  /**
   * Tells that something is deployed. Resolves once it is recorded. With status `started` it is checked
   * against policy first: on a {@link RejectedError} the deployment must not happen.
   *
   * @throws {@link VersionerError}, one of its subclasses, if it is not recorded
   */
  async trackDeployment(fields: DeploymentFields = {}): Promise<Outcome> {
    return this.#track('trackDeployment', DEPLOYMENT, fields);
  }

  /**
   * Tells `started`, runs the body, and tells how it ended: `completed` if it returned, `failed` if it
   * threw or its promise was rejected, `aborted` if that was because of an abort: of the `signal` of
   * the fields, of `Client.cancel`, of an `AbortError` from elsewhere, or of SIGINT, SIGTERM or SIGHUP,
   * if the program has no listener of its own for them. `process.exit` in the body is `completed` or
   * `failed` as its code says; if the process ends in another way while the body runs, it is `aborted`.
   *
   * Resolves to what the body returned, and rejects with what it threw. Nothing that happens after the
   * body changes what it was: an end that cannot be told is a warning, and is in `Span.ended`.
   *
   * @throws {@link RejectedError} if policy forbids it; the body does not run
   * @throws {@link VersionerError}, one of its subclasses, if it cannot be asked for; the body does not
   * run, and if nobody knows whether the start was recorded, `aborted` is told for it
   */
  async deploy<Result>(fields: DeploymentSpanFields, body: Body<Result>): Promise<Result> {
    return this.prepareDeployment(fields).run(body);
  }

  /** Does for a build what {@link Client.deploy} does for a deployment. */
  async build<Result>(fields: BuildSpanFields, body: Body<Result>): Promise<Result> {
    return this.prepareBuild(fields).run(body);
  }

  /**
   * Begins a deployment that ends elsewhere, with `Span.end`. Asks whether it may begin, as
   * {@link Client.deploy} does before its body.
   *
   * @throws as {@link Client.trackDeployment}; then the deployment must not happen
   */
  async begin(fields: DeploymentSpanFields = {}): Promise<Span> {
    const span = this.prepareDeployment(fields);
    await span.ask();
    return span;
  }

  /** Begins a build that ends elsewhere; see {@link Client.begin}. */
  async beginBuild(fields: BuildSpanFields = {}): Promise<Span> {
    const span = this.prepareBuild(fields);
    await span.ask();
    return span;
  }

  /**
   * A deployment that is not asked for yet, so that it can be saved first; `Span.ask` asks. Sends
   * nothing.
   *
   * @throws {@link ArgumentError} if a value is missing or malformed
   */
  prepareDeployment(fields: DeploymentSpanFields = {}): Span {
    const json = this.#json(DEPLOYMENT_SPAN, fields, 'a deployment');
    const { tell } = this.#log;
    const own = immediate(() => this.#usable().prepareDeployment(json, tell));
    return new Span(own, this.#host, fields.signal);
  }

  /** A build that is not asked for yet; see {@link Client.prepareDeployment}. */
  prepareBuild(fields: BuildSpanFields = {}): Span {
    const json = this.#json(BUILD_SPAN, fields, 'a build');
    const own = immediate(() => this.#usable().prepareBuild(json, this.#log.tell));
    return new Span(own, this.#host, fields.signal);
  }

  /**
   * Makes a span of the text that `Span.save` gave, in this process or another. It belongs to this
   * process from now on. One that was saved before it was allowed asks again under the same key: it is
   * the same deployment. With `ask: false` it does not, and can only be ended, if the process that asked
   * is gone.
   *
   * @throws {@link ArgumentError} if the text is none, or of another service or account
   * @throws as {@link Client.begin} if it asks
   */
  async resume(
    saved: string,
    options: { ask?: boolean; signal?: AbortSignal | null | undefined } = {},
  ): Promise<Span> {
    const own = immediate(() => this.#usable().restore(text('saved', saved), this.#log.tell));
    return resumed(new Span(own, this.#host, options.signal), own, options.ask ?? true);
  }

  /**
   * Checks a build as {@link Client.trackBuild} would, and sends nothing; warnings are logged.
   *
   * @throws {@link ArgumentError}
   */
  validateBuild(fields: BuildFields = {}): void {
    const json = this.#json(BUILD, fields, 'validateBuild');
    immediate(() => this.#usable().validateBuild(json, this.#log.tell));
  }

  /** Checks a deployment and sends nothing; see {@link Client.validateBuild}. Policy is not asked. */
  validateDeployment(fields: DeploymentFields = {}): void {
    const json = this.#json(DEPLOYMENT, fields, 'validateDeployment');
    immediate(() => this.#usable().validateDeployment(json, this.#log.tell));
  }

  /**
   * Tells what {@link Client.trackBuild} would send, and where each value comes from. Sends nothing.
   *
   * @throws {@link ArgumentError}
   */
  explainBuild(fields: BuildFields = {}): Explanation {
    const json = this.#json(BUILD, fields, 'explainBuild');
    return JSON.parse(immediate(() => this.#usable().explainBuild(json, this.#log.tell)));
  }

  /** Tells what {@link Client.trackDeployment} would send; see {@link Client.explainBuild}. */
  explainDeployment(fields: DeploymentFields = {}): Explanation {
    const json = this.#json(DEPLOYMENT, fields, 'explainDeployment');
    return JSON.parse(immediate(() => this.#usable().explainDeployment(json, this.#log.tell)));
  }

  /**
   * Asks whether a deployment might start now, and records nothing. `data` of the outcome has the
   * verdict of every rule. Needs versioner-server.
   *
   * @throws {@link RejectedError} if a rule forbids it
   * @throws {@link VersionerError}, one of its subclasses, if there is no clear answer, in best-effort
   * mode too
   */
  async checkDeployment(fields: DeploymentFields = {}): Promise<Outcome> {
    return this.#track('checkDeployment', DEPLOYMENT, fields);
  }

  /**
   * Reads what the service knows; `data` of the outcome is its answer. Needs versioner-server and a key
   * with the scope `read`. Never rejects with a {@link RejectedError}.
   *
   * @param path below the API URL, such as `deployments/`
   * @param query names and values of parameters, such as `{ product: 'api', limit: 10 }`
   */
  async read(
    path: string,
    query: Readonly<Record<string, string | number>> = {},
    options: CallOptions = {},
  ): Promise<Outcome> {
    const pairs = Object.entries(query).map(([name, value]) => [
      name,
      typeof value === 'number' ? String(value) : text(`query.${name}`, value),
    ]);
    return this.#read('read', { path }, options, { query: pairs });
  }

  /**
   * Reads what runs where: `data` has `products`, each with its `environments`. Of one product, or of
   * all. See {@link Client.read}.
   */
  async state(product?: string | null, options: CallOptions = {}): Promise<Outcome> {
    return this.#read('state', { product }, options);
  }

  /**
   * Reads the version whose deployment was the last that completed: `version`. A name that is left out
   * is taken from `VERSIONER_*` variables, the configuration file and the CI system. See
   * {@link Client.read}.
   *
   * @throws {@link APIError} of kind `not_deployed` if nothing is deployed there or a name is not known
   */
  async deployedVersion(
    product?: string | null,
    environment?: string | null,
    options: CallOptions = {},
  ): Promise<Outcome> {
    return this.#read('deployedVersion', { product, environment }, options);
  }

  /**
   * Ends every call in progress with a {@link CancelledError} and lets every body know that it is to
   * stop, by `Span.signal`; the telling of ends goes on. Later calls are not touched.
   */
  cancel(): void {
    this.#usable().cancel();
    this.#stop();
  }

  /**
   * Ends every call in progress as {@link Client.cancel} does, and lets go of connections. Later calls
   * are an {@link ArgumentError}, but spans can be ended; to close again does nothing.
   */
  close(): void {
    const core = this.#core;
    this.#core = undefined;
    if (core !== undefined) {
      core.cancel();
      this.#stop();
    }
  }

  /** For `using`: as {@link Client.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** For `await using`: as {@link Client.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** Base URL of the service. */
  get apiUrl(): string {
    return this.#usable().apiUrl;
  }

  /** Base URL of the web interface, for links to what was recorded. */
  get uiUrl(): string {
    return this.#usable().uiUrl;
  }

  /** Never shows the key. */
  [inspect.custom](): string {
    return this.#core === undefined ? 'Client <closed>' : `Client <${this.#core.apiUrl}>`;
  }

  async #track(question: string, shape: Shape, fields: BuildFields): Promise<Outcome> {
    const json = this.#json(shape, fields, question);
    const core = this.#usable();
    return called(
      (cancellation, hear) => core.call(question, json, cancellation, hear),
      this.#log,
      fields.signal,
    );
  }

  async #read(
    question: string,
    names: object,
    options: CallOptions,
    more: object = {},
  ): Promise<Outcome> {
    const limits = written({ timeout: READING.timeout } as Shape, options, question, ['signal']);
    const json = JSON.stringify({ ...written(READING, names, question), ...limits, ...more });
    const core = this.#usable();
    return called(
      (cancellation, hear) => core.call(question, json, cancellation, hear),
      this.#log,
      options.signal,
    );
  }

  #json(shape: Shape, fields: CallOptions, called: string): string {
    const json = JSON.stringify(written(shape, fields, called, ['signal']));
    checkSignal(fields.signal);
    return json;
  }

  #stop(): void {
    for (const controller of this.#host.bodies) {
      controller.abort();
    }
  }

  #usable(): NativeClient {
    if (this.#core === undefined) {
      throw argumentError('client', 'this Client is closed: make a new one');
    }
    return this.#core;
  }
}

/** The variables to hand in; `null` if they are those of the process, which the core reads itself. */
function environment(given: ClientOptions['env']): Record<string, string> | null {
  if ((given === undefined || given === null) && isMainThread) {
    return null;
  }
  const source: unknown = given ?? process.env;
  if (typeof source !== 'object' || source === null) {
    throw argumentError('env', `env must be an object of strings, but it ${kindOf(source)}`);
  }
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(source)) {
    if (value !== undefined) {
      variables[name] = text(`env.${name}`, value);
    }
  }
  return variables;
}
