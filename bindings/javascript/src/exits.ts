/** What becomes of bodies that run when the process ends. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { isMainThread } from 'node:worker_threads';

import { exiting } from './log.js';

/** How something ended, by the names that every language shares. */
export type Ending = Record<string, unknown> & { status: string };

/** The milliseconds that whoever interrupts a program waits for it at most. */
export const PATIENCE = 5000;

/** The signals that end a process without a word. */
const SIGNALS: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGINT', 'SIGBREAK', 'SIGHUP'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** A body that runs, from before its start is asked for until its end is told. */
export interface Block {
  /** The signal that ends the process, once one does; else empty. */
  interruptedBy: string;
  /** Resolves once nothing of it is left to do. */
  readonly settled: Promise<void>;
  /** Whether the body was handed something to be stopped by. */
  canStop(): boolean;
  /** Lets the body know that it is to stop. */
  stop(): void;
  /** Tells how it ended; what cannot be told is logged. */
  tell(ending: Ending): Promise<void>;
  /** The same without a loop that goes on. */
  tellNow(ending: Ending): void;
}

const blocks = new Set<Block>();
const inside = new AsyncLocalStorage<readonly Block[]>();
let isEnding = false;
/** A signal that the program itself handles, which may be why it exits. */
let noted = '';

/** From now on the end of the process ends this block too. */
export function enter(block: Block): void {
  if (blocks.size === 0 && !isEnding) {
    noted = '';
    process.on('exit', onExit);
    // Node tells a worker of no signal.
    for (const name of isMainThread ? SIGNALS : []) {
      process.on(name, onSignal);
    }
  }
  blocks.add(block);
}

/** Takes back what `enter` did. */
export function leave(block: Block): void {
  blocks.delete(block);
  if (blocks.size === 0 && !isEnding) {
    unwatch();
  }
}

/** Runs a body so that it is known if it is the one that calls `process.exit`. */
export function runInside<Result>(block: Block, body: () => Result): Result {
  return inside.run([...(inside.getStore() ?? []), block], body);
}

function unwatch(): void {
  process.removeListener('exit', onExit);
  for (const name of SIGNALS) {
    process.removeListener(name, onSignal);
  }
}

function onSignal(name: NodeJS.Signals): void {
  if (process.listenerCount(name) > 1) {
    // The program decides what this one means.
    noted = plain(name);
    return;
  }
  if (isEnding) {
    // Somebody who sends a second one does not want to wait.
    die(name);
    return;
  }
  isEnding = true;
  void end(name);
}

/** Stops every body, tells how it ended, and lets the signal do what it does without us. */
async function end(name: NodeJS.Signals): Promise<void> {
  const ends = [...blocks].map((block) => {
    block.interruptedBy = plain(name);
    block.stop();
    return block.canStop()
      ? block.settled
      : block.tell({ status: 'aborted', signal: plain(name), timeout: PATIENCE });
  });
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE);
  });
  await Promise.race([Promise.allSettled(ends), patience]);
  clearTimeout(timer);
  for (const block of [...blocks].reverse()) {
    block.tellNow({ status: 'aborted', signal: plain(name), timeout: PATIENCE });
  }
  die(name);
}

function die(name: NodeJS.Signals): void {
  unwatch();
  process.kill(process.pid, name);
}

/** `process.exit` in a body says how it went; elsewhere, or without it, nobody knows. */
function onExit(code: number): void {
  exiting();
  const here = inside.getStore() ?? [];
  for (const block of [...blocks].reverse()) {
    block.tellNow({ ...how(here.includes(block), code), timeout: PATIENCE });
  }
}

function how(isInside: boolean, code: number): Ending {
  if (noted !== '') {
    return { status: 'aborted', signal: noted };
  }
  if (isInside) {
    return { status: code === 0 ? 'completed' : 'failed', exit_code: code & 0xff };
  }
  return { status: 'aborted', ...(code === 0 ? {} : { exit_code: code & 0xff }) };
}

/** `TERM` for `SIGTERM`, as every surface names it. */
function plain(name: string): string {
  return name.replace(/^SIG/, '');
}
