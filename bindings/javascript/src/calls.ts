/** Calls of the native half. */

import { argumentError, CancelledError, errorOf } from './errors.js';
import type { Log } from './log.js';
import { type Hear, type NativeCancellation, native } from './native.js';
import { Outcome, outcomeOf } from './outcome.js';
import { kindOf } from './values.js';

/** What a call of another thread is begun with. */
export type Start = (cancellation: NativeCancellation, hear: Hear) => void;

/** Runs a call on another thread; to abort the signal ends it. */
export async function called(
  start: Start,
  log: Log,
  signal?: AbortSignal | null,
): Promise<Outcome> {
  const answer = await answered(start, log, signal);
  const outcome = outcomeOf(answer);
  if (outcome.code !== 0) {
    // Made here, so that its stack leads to whoever awaits the call.
    throw errorOf(outcome, outcome.kind === 'interrupted' ? signal?.reason : undefined);
  }
  return outcome;
}

/** The same of a call that succeeds without an outcome. */
export async function done(start: Start, log: Log, signal?: AbortSignal | null): Promise<void> {
  const answer = await answered(start, log, signal);
  if (answer !== '') {
    const outcome = outcomeOf(answer);
    throw errorOf(outcome, outcome.kind === 'interrupted' ? signal?.reason : undefined);
  }
}

async function answered(start: Start, log: Log, signal?: AbortSignal | null): Promise<string> {
  checkSignal(signal);
  if (signal?.aborted) {
    throw aborted(signal);
  }
  const cancellation = new native.Cancellation();
  const abort = () => cancellation.cancel();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await new Promise<string>((resolve) => {
      start(cancellation, (level, text) => {
        if (level === 0) {
          resolve(text);
        } else {
          log.tell(level, text);
        }
      });
    });
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** The error of a call that was aborted before anything was sent. */
function aborted(signal: AbortSignal): CancelledError {
  const message = 'the call was aborted before anything was sent';
  const outcome = new Outcome({ code: 1, kind: 'interrupted', message, text: `error: ${message}` });
  return new CancelledError(outcome, { cause: signal.reason });
}

/** Refuses what is no `AbortSignal`, such as an `AbortController`. */
export function checkSignal(signal: unknown): void {
  if (signal === undefined || signal === null) {
    return;
  }
  const { aborted: isAborted, addEventListener } = Object(signal);
  if (typeof isAborted !== 'boolean' || typeof addEventListener !== 'function') {
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
