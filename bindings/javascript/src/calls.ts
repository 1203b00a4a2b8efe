/** Calls of the native half. */

import { argumentError, CancelledError, errorOf } from './errors.js';
import type { Log } from './log.js';
import { type Hear, type NativeCancellation, native } from './native.js';
import { Outcome, outcomeOf } from './outcome.js';
import { kindOf } from './values.js';

/** What a call of another thread is begun with. */
export type Start = (cancellation: NativeCancellation, hear: Hear) => void;

/** What may end a call before it is over. */
export interface Stops {
  /** The caller's own. */
  readonly signal?: AbortSignal | null | undefined;
  /** How the calls in progress are ended, of which the call is one meanwhile. */
  readonly calls: Set<() => void>;
}

/** Runs a call on another thread. Without `stops` nothing ends it. */
export async function called(start: Start, log: Log, stops?: Stops): Promise<Outcome> {
  const outcome = outcomeOf(await answered(start, log, stops));
  if (outcome.code !== 0) {
    // Made here, so that its stack leads to whoever awaits the call.
    throw errorOf(outcome, outcome.kind === 'interrupted' ? stops?.signal?.reason : undefined);
  }
  return outcome;
}

/** The same of a call that succeeds without an outcome. */
export async function done(start: Start, log: Log, stops?: Stops): Promise<void> {
  const answer = await answered(start, log, stops);
  if (answer !== '') {
    const outcome = outcomeOf(answer);
    throw errorOf(outcome, outcome.kind === 'interrupted' ? stops?.signal?.reason : undefined);
  }
}

async function answered(start: Start, log: Log, stops?: Stops): Promise<string> {
  const signal = stops?.signal;
  checkSignal(signal);
  if (signal?.aborted) {
    throw aborted(signal);
  }
  const cancellation = new native.Cancellation();
  let abort = () => {};
  try {
    return await new Promise<string>((resolve, reject) => {
      abort = () => {
        if (cancellation.cancel()) {
          // It was waiting for a thread, and does not begin any more.
          reject(aborted(signal));
        }
      };
      stops?.calls.add(abort);
      signal?.addEventListener('abort', abort, { once: true });
      start(cancellation, (level, text) => {
        if (level === 0) {
          resolve(text);
        } else {
          log.tell(level, text);
        }
      });
    });
  } finally {
    stops?.calls.delete(abort);
    signal?.removeEventListener('abort', abort);
  }
}

/** The error of a call that was aborted before anything was sent. */
function aborted(signal?: AbortSignal | null): CancelledError {
  const message = 'the call was aborted before anything was sent';
  const outcome = new Outcome({ code: 1, kind: 'interrupted', message, text: `error: ${message}` });
  return new CancelledError(outcome, signal?.aborted ? { cause: signal.reason } : undefined);
}

/** Refuses what is no `AbortSignal`, such as an `AbortController`. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal === null) {
    return;
  }
  const { aborted: isAborted, addEventListener, removeEventListener } = Object(signal);
  if (
    typeof isAborted !== 'boolean' ||
    typeof addEventListener !== 'function' ||
    typeof removeEventListener !== 'function'
  ) {
    throw argumentError('signal', `signal must be an AbortSignal, but it ${kindOf(signal)}`);
  }
}

/** Runs a call that returns at once, and throws the errors of this package. */
export function immediate<Made>(call: () => Made): Made {
  try {
    return call();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'GenericFailure' || !message.startsWith('{')) {
      throw error;
    }
    throw errorOf(outcomeOf(message));
  }
}
