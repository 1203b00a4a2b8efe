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
import { Log } from './log.js';
import { type NativeClient, native } from './native.js';
import type { ClientOptions, Explanation } from './options.js';
import type { Outcome } from './outcome.js';
import { type Body, type Host, resumed, Span } from './span.js';
import {
  BUILD,
  BUILD_SPAN,
  DEPLOYMENT,
  DEPLOYMENT_SPAN,
  flag,
  isPlain,
  kindOf,
  ownOf,
  READING,
  SETTINGS,
  type Shape,
  text,
  written,
} from './values.js';

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
    this.#host = { log, bodies: new Set(), calls: new Set() };
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
   * `failed` as its code says, and an exception of the body's that nobody catches is `failed`; if the
   * process ends in another way while the body runs, it is `aborted`.
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
    return new Span(own, this.#host, ownOf(fields, 'signal'));
  }

  /** A build that is not asked for yet; see {@link Client.prepareDeployment}. */
  prepareBuild(fields: BuildSpanFields = {}): Span {
    const json = this.#json(BUILD_SPAN, fields, 'a build');
    const own = immediate(() => this.#usable().prepareBuild(json, this.#log.tell));
    return new Span(own, this.#host, ownOf(fields, 'signal'));
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
    written({}, options, 'resume', ['ask', 'signal']);
    const asks = flag('ask', ownOf(options, 'ask') ?? true);
    const own = immediate(() => this.#usable().restore(text('saved', saved), this.#log.tell));
    return resumed(new Span(own, this.#host, ownOf(options, 'signal')), own, asks);
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
    query: Readonly<Record<string, string | number | null | undefined>> = {},
    options: CallOptions = {},
  ): Promise<Outcome> {
    if (!isPlain(query)) {
      throw argumentError('query', `query must be a plain object, but it ${kindOf(query)}`);
    }
    const pairs = Object.entries(query)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [
        name,
        Number.isFinite(value) ? String(value) : text(`query.${name}`, value),
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
      { signal: ownOf(fields, 'signal'), calls: this.#host.calls },
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
      { signal: ownOf(options, 'signal'), calls: this.#host.calls },
    );
  }

  #json(shape: Shape, fields: CallOptions, called: string): string {
    const json = JSON.stringify(written(shape, fields, called, ['signal']));
    checkSignal(ownOf(fields, 'signal'));
    return json;
  }

  #stop(): void {
    // Those of which the core does not know yet, too.
    for (const abort of this.#host.calls) {
      abort();
    }
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
  if (typeof source !== 'object' || source === null || Array.isArray(source)) {
    throw argumentError('env', `env must be an object of strings, but it ${kindOf(source)}`);
  }
  // Without what every object inherits, which would count as variables.
  const variables: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(source)) {
    if (value !== undefined) {
      variables[name] = text(`env.${name}`, value);
    }
  }
  return variables;
}
