/** A build or a deployment from its start to its end. */

import { inspect } from 'node:util';

import { called, checkSignal, done, immediate } from './calls.js';
import { argumentError, CancelledError, errorOf, VersionerError } from './errors.js';
import { type Block, type Ending, enter, leave, PATIENCE, runInside } from './exits.js';
import type { CallOptions, EndFields, EndStatus } from './fields.js';
import type { Log } from './log.js';
import type { NativeCancellation, NativeSpan } from './native.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { classOf, END, ownOf, text, written } from './values.js';

/** What runs between a start and an end. */
export type Body<Result> = (span: Span) => Result | PromiseLike<Result>;

/** What a span shares with the client that made it. */
export interface Host {
  readonly log: Log;
  /** The bodies that `Client.cancel` stops. */
  readonly bodies: Set<AbortController>;
  /** How the calls in progress are ended. */
  readonly calls: Set<() => void>;
}

/**
 * One deployment or build: `started` once, then one end. `Client.deploy` and `Client.build` do both
 * around a body. What begins in one place and ends in another uses `Client.begin`, {@link Span.end},
 * {@link Span.save} and `Client.resume`.
 *
 * It belongs to the process that began or resumed it. One that is forgotten without an end sends
 * nothing, because nobody knows how it went; that is logged as a warning once it is collected.
 */
export class Span {
  readonly #native: NativeSpan;
  readonly #host: Host;
  readonly #controller = new AbortController();
  #isUsed = false;
  #canStop = false;
  #asking: NativeCancellation | undefined;
  #ended: Outcome | undefined;
  /** The telling of an end that came before. */
  #telling: Promise<unknown> | undefined;
  /** Lets go of the caller's signal, which may live longer. */
  readonly #unfollow: () => void;

  /** @internal */
  constructor(own: NativeSpan, host: Host, signal?: AbortSignal | null) {
    checkSignal(signal);
    this.#native = own;
    this.#host = host;
    this.#unfollow = follow(this.#controller, signal);
  }

  /** Its identifier, a UUID. */
  get id(): string {
    return this.#native.id;
  }

  /** How its start was recorded; `undefined` if it was not asked for by this object. */
  get started(): Outcome | undefined {
    const started = this.#native.started;
    return started === null ? undefined : outcomeOf(started);
  }

  /**
   * How the telling of the end went; its `code` is not 0 if it could not be told. `undefined` until
   * then.
   */
  get ended(): Outcome | undefined {
    return this.#ended;
  }

  /**
   * Aborted once the body is to stop: by the `signal` of its fields, by `Client.cancel`, or by a
   * signal that ends the process, which then waits up to 5 s for a body that has asked for this.
   */
  get signal(): AbortSignal {
    this.#canStop = true;
    return this.#controller.signal;
  }

  /**
   * Asks whether one that was prepared may begin, and begins it. Of one that has begun it gives the
   * first answer.
   *
   * @throws as `Client.begin`
   */
  async ask(options: Pick<CallOptions, 'signal'> = {}): Promise<Outcome> {
    written({}, options, 'ask', ['signal']);
    const signal = ownOf(options, 'signal');
    checkSignal(signal);
    const unfollow = follow(this.#controller, signal);
    try {
      return await this.#ask();
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      unfollow();
    }
  }

  /**
   * Everything about it as a line of JSON without the API key. `Client.resume` makes a span of it, in
   * any process. Save before it begins and after each change to survive a crash at any moment. Whoever
   * keeps the text goes on with it: {@link Span.close} then tells nothing.
   */
  save(): string {
    return immediate(() => this.#native.save(this.#host.log.tell));
  }

  /**
   * Tells how it ended. The first end counts; a later one gives the first's result, or tells it again
   * if it could not be told. Nothing ends the telling. A service that rejects an end is asked once
   * more after 5 s, if the time allows it.
   *
   * @throws {@link ArgumentError} for a status that is no end, or in another process than its own
   * @throws {@link VersionerError} if it could not be told; what has happened has happened
   */
  async end(status: EndStatus, fields: EndFields = {}): Promise<Outcome> {
    const ending = written(END, fields, 'end');
    return this.#end({ ...ending, status: text('status', status) });
  }

  /**
   * Says that it goes on, so that the service does not take it for lost: for another `lease`, or for
   * as long as the service has it. A body needs none of this; other programs say so every third of the
   * lease, or every hour. If the service offers no such thing, it does nothing.
   */
  async renew(options: Pick<CallOptions, 'signal'> = {}): Promise<void> {
    written({}, options, 'renew', ['signal']);
    const { log, calls } = this.#host;
    const stops = { signal: ownOf(options, 'signal'), calls };
    await done((cancel, hear) => this.#native.renew(cancel, hear), log, stops);
  }

  /**
   * Lets go of it without an end. One that is open, and that nobody has saved as it is, is told
   * `aborted`: one attempt, 5 s at most.
   */
  async close(): Promise<void> {
    await done((_, hear) => this.#native.letGo(hear), this.#host.log);
    this.#unfollow();
  }

  /** For `await using`: as {@link Span.close}, because leaving a block says nothing of how it went. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Asks whether it may begin, if that is not known yet, runs the body, and tells how that ended; see
   * `Client.deploy`. A span is for one body.
   */
  async run<Result>(body: Body<Result>): Promise<Result> {
    if (typeof body !== 'function') {
      throw argumentError('body', 'body must be a function, which gets the span');
    }
    if (this.#isUsed) {
      throw argumentError('span', 'a span is for one body: prepare another one');
    }
    this.#isUsed = true;
    const [block, settle] = this.#block();
    this.#host.bodies.add(this.#controller);
    enter(block);
    try {
      if (this.#native.isAsking) {
        await this.ask();
      }
      this.#native.keepRenewed();
      let result: Result;
      try {
        result = await runInside(block, () => body(this));
      } catch (error) {
        await this.#tell(this.#ending(error, block));
        throw error;
      }
      await this.#tell({ status: 'completed' });
      return result;
    } finally {
      this.#host.bodies.delete(this.#controller);
      this.#unfollow();
      settle();
      leave(block);
    }
  }

  /** Shows no more than which one it is. */
  [inspect.custom](): string {
    return `Span <${this.id}>`;
  }

  async #ask(): Promise<Outcome> {
    const { signal } = this.#controller;
    const ask = (cancellation: NativeCancellation, hear: Parameters<NativeSpan['ask']>[1]) => {
      this.#asking = cancellation;
      this.#native.ask(cancellation, hear);
    };
    try {
      return await called(ask, this.#host.log, { signal, calls: this.#host.calls });
    } finally {
      this.#asking = undefined;
    }
  }

  async #end(ending: Ending): Promise<Outcome> {
    const json = JSON.stringify(ending);
    const tell = () => called((_, hear) => this.#native.end(json, hear), this.#host.log);
    // One after the other, because threads may overtake each other, and the first end counts.
    const told = this.#telling === undefined ? tell() : this.#telling.then(tell);
    this.#telling = told.catch(() => {});
    try {
      this.#ended = await told;
      this.#unfollow();
    } catch (error) {
      if (error instanceof VersionerError) {
        this.#ended = error.outcome;
      }
      throw error;
    }
    return this.#ended;
  }

  /** Tells the end of a body, which nothing changes any more. */
  async #tell(ending: Ending): Promise<void> {
    try {
      await this.#end(ending);
    } catch (error) {
      this.#untold(ending, error);
    }
  }

  /** The same without the loop, of one that may not have begun. Gives what waits for it. */
  #part(ending: Ending): () => void {
    const { tell } = this.#host.log;
    const { isAsking } = this.#native;
    this.#asking?.cancel();
    try {
      immediate(() => this.#native.beginToPart(isAsking ? null : JSON.stringify(ending)));
    } catch (error) {
      this.#untold(ending, error);
    }
    return () => {
      try {
        const told = immediate(() => this.#native.part(tell));
        const ended = told === null ? undefined : outcomeOf(told);
        this.#ended = ended ?? this.#ended;
        if (ended !== undefined && ended.code !== 0) {
          this.#untold(ending, errorOf(ended));
        }
      } catch (error) {
        this.#untold(ending, error);
      }
    };
  }

  #untold(ending: Ending, error: unknown): void {
    const { message } = error as Error;
    this.#host.log.tell(1, `the end (${ending.status}) could not be told: ${message}`);
  }

  #block(): [Block, () => void] {
    let settle = () => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const block: Block = {
      interruptedBy: '',
      settled,
      canStop: () => this.#canStop || this.#native.isAsking,
      stop: () => this.#controller.abort(),
      tell: (ending) => this.#tell(ending),
      part: (ending) => this.#part(ending),
    };
    return [block, settle];
  }

  /** How a body ended that threw this. */
  #ending(error: unknown, block: Block): Ending {
    const errorClass = { error_class: classOf(error) };
    if (block.interruptedBy !== '') {
      const { interruptedBy } = block;
      return { status: 'aborted', signal: interruptedBy, ...errorClass, timeout: PATIENCE };
    }
    return this.#controller.signal.aborted || isAbort(error)
      ? { status: 'aborted', ...errorClass, timeout: PATIENCE }
      : { status: 'failed', ...errorClass };
  }
}

/** Whether a body threw because it was aborted. It may throw anything, which may answer nothing. */
function isAbort(error: unknown): boolean {
  try {
    return (
      error instanceof CancelledError || (error instanceof Error && error.name === 'AbortError')
    );
  } catch {
    return false;
  }
}

/** Aborts a controller with a signal, until what it gives is called. */
function follow(controller: AbortController, signal?: AbortSignal | null): () => void {
  if (signal === undefined || signal === null) {
    return () => {};
  }
  const abort = () => controller.abort(signal.reason);
  if (signal.aborted) {
    abort();
  }
  signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}

/** Makes a span of a text, which asks if that is not known yet. */
export async function resumed(span: Span, own: NativeSpan, ask: boolean): Promise<Span> {
  if (ask && own.isAsking) {
    await span.ask();
  }
  return span;
}
