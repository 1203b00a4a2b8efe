/** Where messages go. */

import { inspect } from 'node:util';

import { argumentError } from './errors.js';
import type { Hear } from './native.js';
import { kindOf } from './values.js';

/** How much a message matters. */
export type LogLevel = 'warning' | 'info' | 'debug';

/** Receives messages; none holds the API key. */
export type LogHandler = (level: LogLevel, message: string) => void;

const LEVELS: readonly LogLevel[] = ['warning', 'info', 'debug'];

/** The messages of one client. */
export class Log {
  /** The least important level that is wanted, as the native half counts. */
  readonly level: number;
  readonly #handler: LogHandler;

  constructor(handler: LogHandler | null | undefined, level: LogLevel | null | undefined) {
    if (handler !== undefined && handler !== null && typeof handler !== 'function') {
      throw argumentError('onLog', `onLog must be a function, but it ${kindOf(handler)}`);
    }
    const wanted = level ?? (handler ? 'info' : 'warning');
    if (!LEVELS.includes(wanted)) {
      throw argumentError('logLevel', `logLevel must be one of ${LEVELS.join(', ')}`);
    }
    this.level = LEVELS.indexOf(wanted) + 1;
    this.#handler = handler ?? show;
  }

  /** Hands a message to whoever wants it, who cannot stop what it is about. */
  readonly tell: Hear = (level, message) => {
    const name = LEVELS[level - 1];
    if (name === undefined || level > this.level) {
      return;
    }
    try {
      const returned: unknown = this.#handler(name, message);
      if (typeof returned === 'object' && returned !== null) {
        // An asynchronous one fails later, which would end the process with whatever it is doing.
        Promise.resolve(returned).catch(complain);
      }
    } catch (error) {
      complain(error);
    }
  };
}

/** Shows what a handler threw, which may be anything. */
function complain(error: unknown): void {
  let thrown = 'something that cannot be shown';
  try {
    thrown = inspect(error);
  } catch {
    // So be it.
  }
  show('warning', `onLog threw ${thrown}`);
}

/** Shows a message as Node shows its own warnings. */
function show(level: LogLevel, message: string): void {
  if (isExiting) {
    // Node would do so in a moment, and there is none.
    process.stderr.write(`(node:${process.pid}) VersionerWarning: ${message}\n`);
    return;
  }
  process.emitWarning(message, { type: level === 'warning' ? 'VersionerWarning' : 'Versioner' });
}

let isExiting = false;

/** Says that the process ends, and nothing comes after this. */
export function exiting(): void {
  isExiting = true;
}
