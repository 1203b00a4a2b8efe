/** The settings of a client, and what it explains. */

import type { LogHandler, LogLevel } from './log.js';

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
