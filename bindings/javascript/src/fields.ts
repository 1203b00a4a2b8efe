/** What a caller says of builds and deployments. */

/** A JSON object of the caller's own, or the text of one, at most 102,400 bytes as JSON. */
export type ExtraMetadata = Readonly<Record<string, unknown>> | string;

/**
 * Where a build or a deployment stands. When the program runs, other words for the same pass too,
 * such as `success` and `cancelled`, and any other text is sent with a warning: `text as Status`.
 */
export type Status = 'pending' | 'started' | 'completed' | 'failed' | 'aborted';

/** How something ended. */
export type EndStatus = 'completed' | 'failed' | 'aborted';

/** What a call may be given that waits for the service. */
export interface CallOptions {
  /**
   * Ends the call with a {@link CancelledError}, whose `cause` is the reason of the signal. What was
   * sent may be recorded all the same.
   */
  signal?: AbortSignal | null | undefined;
  /**
   * The milliseconds that this call may take with all its attempts and pauses; the client's
   * `totalTimeout`.
   */
  timeout?: number | null | undefined;
}

/**
 * What both events share but their status and their end. What is left out (or `undefined` or `null`)
 * is taken from `VERSIONER_*` variables, then from the configuration file, then from the CI system; a
 * product, version, environment or status that is given and blank is an {@link ArgumentError}.
 */
export interface SpanFields extends CallOptions {
  /** Name of the product. Required, or detected. */
  product?: string | null | undefined;
  /** The version. Required, or detected. */
  version?: string | null | undefined;
  /** CI system that sends the event, such as `github`; detected. */
  sourceSystem?: string | null | undefined;
  /** Number of the build in its CI system; detected. */
  buildNumber?: string | null | undefined;
  /** The commit; detected. */
  scmSha?: string | null | undefined;
  /** The branch; detected. */
  scmBranch?: string | null | undefined;
  /** Repository, such as `owner/name`; detected. */
  scmRepository?: string | null | undefined;
  /** Link to the build; of a build it is detected. */
  buildUrl?: string | null | undefined;
  /** Identifier of the run in its CI system; detected. */
  invokeId?: string | null | undefined;
  /**
   * Facts of your own. Numbers travel as JavaScript writes them, a `bigint` with all its digits; in a
   * text they travel as they stand there.
   */
  extraMetadata?: ExtraMetadata | null | undefined;
  /**
   * Sends product, environment and version as they are, even if one looks like a placeholder that
   * nobody replaced; `false`.
   */
  allowLiteral?: boolean | null | undefined;
}

/** What one event has beyond a span. */
export interface EventFields {
  /** Where it stands; `completed`. */
  status?: Status | null | undefined;
  /** When it ended: a `Date`, or RFC 3339 text with a zone. */
  completedAt?: Date | string | null | undefined;
  /**
   * Makes two calls one event, such as a CI's retry of a step: 1 to 255 visible ASCII characters; a
   * new one for each call.
   */
  idempotencyKey?: string | null | undefined;
}

/** What `Client.build` and `Client.prepareBuild` take. */
export interface BuildSpanFields extends SpanFields {
  /** Login of whoever built it; detected. */
  builtBy?: string | null | undefined;
  /** Mail address of whoever built it; detected. */
  builtByEmail?: string | null | undefined;
  /** Name of whoever built it; detected. */
  builtByName?: string | null | undefined;
  /** When the build started: a `Date`, or RFC 3339 text with a zone. */
  startedAt?: Date | string | null | undefined;
}

/** What a deployment has as a span and as one event. */
export interface DeploymentBaseFields extends SpanFields {
  /** Environment it is deployed to. Required, or detected. */
  environment?: string | null | undefined;
  /** Link to the run that deploys; detected. */
  deployUrl?: string | null | undefined;
  /** Login of whoever deploys; detected. */
  deployedBy?: string | null | undefined;
  /** Mail address of whoever deploys; detected. */
  deployedByEmail?: string | null | undefined;
  /** Name of whoever deploys; detected. */
  deployedByName?: string | null | undefined;
  /**
   * Asks the service to skip its preflight checks.
   * @deprecated Set the rule to report-only on the server instead.
   */
  skipPreflightChecks?: boolean | null | undefined;
  /** Why the preflight checks are skipped; kept with the event. */
  skipReason?: string | null | undefined;
  /**
   * Which of several legs of one run this is, such as a region of a matrix, in at most 64 characters;
   * the deployment ends when every part that started has, as the worst of them.
   */
  part?: string | null | undefined;
  /**
   * The milliseconds that a start waits for its gate, if a window, a soak time, an approval or another
   * deployment keeps it closed, or if the service cannot be reached; 0. `timeout` is then of each
   * asking.
   */
  wait?: number | null | undefined;
  /** `flow` waits for the environments that come first, too; without it that ends the wait at once. */
  waitFor?: 'flow' | null | undefined;
  /**
   * What to do if another version was started there meanwhile: `stop` ends with a
   * {@link SupersededError}, `go` waits on; `stop`.
   */
  waitSuperseded?: 'stop' | 'go' | null | undefined;
}

/** What `Client.deploy`, `Client.begin` and `Client.prepareDeployment` take. */
export interface DeploymentSpanFields extends DeploymentBaseFields {
  /**
   * The milliseconds after the last sign of life that the service waits before it lets another
   * deployment begin, from a second to 24 hours; 24 hours. The form with a body gives the signs by
   * itself.
   */
  lease?: number | null | undefined;
}

/** What `Client.trackBuild` takes. */
export interface BuildFields extends BuildSpanFields, EventFields {}

/** What `Client.trackDeployment` takes. */
export interface DeploymentFields extends DeploymentBaseFields, EventFields {}

/** What `Span.end` takes beside the status. */
export interface EndFields {
  /** The class of the error that ended it, never its message; kept as `vi_error_class`. */
  errorClass?: string | null | undefined;
  /** The exit code of what deployed; kept as `vi_exit_code`. */
  exitCode?: number | null | undefined;
  /** The signal that ended what deployed, such as `TERM`; kept as `vi_signal`. */
  signal?: string | null | undefined;
  /** Facts of your own, over those of the start. */
  extraMetadata?: ExtraMetadata | null | undefined;
  /** The milliseconds that the telling may take; the client's `totalTimeout`. */
  timeout?: number | null | undefined;
}
