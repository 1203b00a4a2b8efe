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
  /** Begins the same without a loop that goes on, and gives what waits until it is told. */
  part(ending: Ending): () => void;
}

const blocks = new Set<Block>();
const inside = new AsyncLocalStorage<readonly Block[]>();
/** Those whose bodies run on, of which nothing is left to tell. */
const told = new WeakSet<Block>();
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
  if (process.listenerCount(name) > 1 + bystanders()) {
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

/**
 * How many listeners of a signal are those of the package signal-exit, which much else brings along (execa, for
 * one): they do nothing as long as there are others, and nothing keeps a process that has only them.
 */
function bystanders(): number {
  const { __signal_exit_emitter__: before4 } = process as { __signal_exit_emitter__?: Counted };
  const since4 = Reflect.get(globalThis, Symbol.for('signal-exit emitter')) as Counted;
  return (Number(before4?.count) || 0) + (Number(since4?.count) || 0);
}

type Counted = { count?: unknown } | undefined;

/** Stops every body, tells how it ended, and lets the signal do what it does without us. */
async function end(name: NodeJS.Signals): Promise<void> {
  exiting();
  const ending = { status: 'aborted', signal: plain(name), timeout: PATIENCE };
  const [stopped, ours] = [after(PATIENCE), after(PATIENCE + GRACE)];
  const ends = [...blocks].map((block) => {
    block.interruptedBy = plain(name);
    block.stop();
    return block.canStop()
      ? Promise.race([block.settled, stopped.over])
      : Promise.race([block.tell(ending).then(() => told.add(block)), ours.over]);
  });
  await Promise.allSettled(ends);
  clearTimeout(stopped.timer);
  clearTimeout(ours.timer);
  part(() => ending);
  die(name);
}

/** A telling has a limit of its own, but it may wait for a thread before that. */
const GRACE = 1000;

function after(milliseconds: number): { over: Promise<void>; timer: NodeJS.Timeout | undefined } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  return { over, timer };
}

/** Tells how all bodies ended that are left, at once, because each may take its time. */
function part(ending: (block: Block) => Ending): void {
  const left = [...blocks].reverse().filter((block) => !told.has(block));
  const waits = left.map((block) => block.part({ ...ending(block), timeout: PATIENCE }));
  for (const wait of waits) {
    wait();
  }
}

function die(name: NodeJS.Signals): void {
  unwatch();
  process.kill(process.pid, name);
}

/** `process.exit` in a body says how it went; elsewhere, or without it, nobody knows. */
function onExit(code: number): void {
  exiting();
  const here = inside.getStore() ?? [];
  part((block) => how(here.includes(block), code));
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
