/** How a call ended. */

/** Something that went well enough, but that somebody should know. */
export interface OutcomeWarning {
  /** A word for programs, such as `not_recorded` or `report_only`; later versions may add more. */
  readonly kind: string;
  /** What to tell people. */
  readonly message: string;
  /** Name of the violated rule, of kind `report_only`; else empty. */
  readonly rule: string;
}

/** What an {@link Outcome} is made of; what is left out is empty. */
export type OutcomeValues = Pick<Outcome, 'code' | 'kind'> &
  Partial<Omit<Outcome, 'deployedAt' | 'retryAfter' | 'details' | 'data' | 'toJSON'>>;

/**
 * How a call ended: what it resolves to, or what its error has as `outcome`. Absent texts are empty.
 */
export class Outcome {
  /**
   * 0 recorded (or not, in best-effort mode: see {@link Outcome.recorded}); 1 a bad argument, a bad
   * setting or the network; 4 the service refused or failed; 5 rejected by policy.
   */
  readonly code: number;
  /**
   * The finer reason, such as `ok`, `timeout` or `flow_violation`; if best-effort mode turned a
   * failure into code 0, the reason of that.
   */
  readonly kind: string;
  /** One or more sentences for people: what went wrong and what to do. */
  readonly message: string;
  /**
   * The argument or setting at fault, of kinds `invalid_argument` and `config`, if there is one, by
   * the name that every language shares, such as `scm_sha`.
   */
  readonly argument: string;
  /** The HTTP status of the last answer; 0 if there was none. */
  readonly httpStatus: number;
  /** How often the event was sent. */
  readonly attempts: number;
  /** Whether the service recorded the event. */
  readonly recorded: boolean;
  /** Identifier of the event. */
  readonly eventId: string;
  /** Identifier of the product. */
  readonly productId: string;
  /** Identifier of the version. */
  readonly versionId: string;
  /** Identifier of the environment, of deployments. */
  readonly environmentId: string;
  /**
   * The recorded status; of an event that could not be recorded `queued` if the outbox keeps it, and
   * in best-effort mode `not_recorded`.
   */
  readonly status: string;
  /** When the service says that the deployment was, as it wrote it. */
  readonly deployedAtText: string;
  /** The version that is deployed, of `Client.deployedVersion`. */
  readonly version: string;
  /** The CI system that was named or detected. */
  readonly sourceSystem: string;
  /** What the service offers beyond events, such as `preflight`; empty if it lists nothing. */
  readonly features: readonly string[];
  /** Name of the rule that rejects, of code 5. */
  readonly rule: string;
  /** The service's code for the rejection, such as `FLOW_VIOLATION`. */
  readonly policyCode: string;
  /** When to try again, of code 5, as the service wrote it. */
  readonly retryAfterText: string;
  /** Further facts about a rejection as the text of a JSON object, if there are any. */
  readonly detailsJson: string;
  /**
   * What was asked for as the text of JSON, of calls that ask; numbers stand in it as the service
   * wrote them.
   */
  readonly dataJson: string;
  /** The block that the command line prints for people, without a line end after it. */
  readonly text: string;
  /** In the order in which they came up. They were logged too. */
  readonly warnings: readonly OutcomeWarning[];

  /** Tests of your own make outcomes: `new Outcome({ code: 5, kind: 'rejected' })`. */
  constructor(values: OutcomeValues) {
    this.code = values.code;
    this.kind = values.kind;
    this.message = values.message ?? '';
    this.argument = values.argument ?? '';
    this.httpStatus = values.httpStatus ?? 0;
    this.attempts = values.attempts ?? 0;
    this.recorded = values.recorded ?? false;
    this.eventId = values.eventId ?? '';
    this.productId = values.productId ?? '';
    this.versionId = values.versionId ?? '';
    this.environmentId = values.environmentId ?? '';
    this.status = values.status ?? '';
    this.deployedAtText = values.deployedAtText ?? '';
    this.version = values.version ?? '';
    this.sourceSystem = values.sourceSystem ?? '';
    this.features = values.features ?? [];
    this.rule = values.rule ?? '';
    this.policyCode = values.policyCode ?? '';
    this.retryAfterText = values.retryAfterText ?? '';
    this.detailsJson = values.detailsJson ?? '';
    this.dataJson = values.dataJson ?? '';
    this.text = values.text ?? '';
    this.warnings = values.warnings ?? [];
  }

  /** When the deployment was; `undefined` if the service says none, or no time. */
  get deployedAt(): Date | undefined {
    return time(this.deployedAtText);
  }

  /** When to try again; `undefined` if the service says none, or no time. */
  get retryAfter(): Date | undefined {
    return time(this.retryAfterText);
  }

  /** Further facts about a rejection, as a new object each time. */
  get details(): Record<string, unknown> | undefined {
    return this.detailsJson === '' ? undefined : JSON.parse(this.detailsJson);
  }

  /** What was asked for, as new objects each time; `undefined` of calls that do not ask. */
  // biome-ignore lint/suspicious/noExplicitAny: any JSON that the service knows.
  get data(): any {
    return this.dataJson === '' ? undefined : JSON.parse(this.dataJson);
  }

  /** Every value under the name that the other languages share. */
  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      kind: this.kind,
      message: this.message,
      argument: this.argument,
      http_status: this.httpStatus,
      attempts: this.attempts,
      recorded: this.recorded,
      event_id: this.eventId,
      product_id: this.productId,
      version_id: this.versionId,
      environment_id: this.environmentId,
      status: this.status,
      deployed_at: this.deployedAtText,
      version: this.version,
      source_system: this.sourceSystem,
      features: this.features,
      rule: this.rule,
      policy_code: this.policyCode,
      retry_after: this.retryAfterText,
      details: this.details ?? null,
      data: this.data ?? null,
      text: this.text,
      warnings: this.warnings,
    };
  }
}

/** The outcome that the native half tells. */
export function outcomeOf(json: string): Outcome {
  const told = JSON.parse(json);
  return new Outcome({
    code: told.code,
    kind: told.kind,
    message: told.message,
    argument: told.argument,
    httpStatus: told.http_status,
    attempts: told.attempts,
    recorded: told.recorded,
    eventId: told.event_id,
    productId: told.product_id,
    versionId: told.version_id,
    environmentId: told.environment_id,
    status: told.status,
    deployedAtText: told.deployed_at,
    version: told.version,
    sourceSystem: told.source_system,
    features: told.features,
    rule: told.rule,
    policyCode: told.policy_code,
    retryAfterText: told.retry_after,
    detailsJson: told.details,
    dataJson: told.data,
    text: told.text,
    warnings: told.warnings,
  });
}

/** An RFC 3339 time; JavaScript reads other forms too, each in its own way. */
function time(text: string): Date | undefined {
  const form = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
  const date = new Date(form.test(text.trim()) ? text.trim().replace(' ', 'T') : Number.NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
