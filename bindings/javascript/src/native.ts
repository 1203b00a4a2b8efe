/** Loads the native half of this package. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Hears messages with their level, and last, with level 0, the answer of a call. */
export type Hear = (level: number, text: string) => void;

export interface NativeCancellation {
  /** Whether the call had not begun, and so neither does nor answers. */
  cancel(): boolean;
}

export interface NativeSpan {
  readonly id: string;
  readonly isAsking: boolean;
  readonly started: string | null;
  ask(cancellation: NativeCancellation, hear: Hear): void;
  end(ending: string, hear: Hear): void;
  renew(cancellation: NativeCancellation, hear: Hear): void;
  keepRenewed(): void;
  letGo(hear: Hear): void;
  beginToPart(ending: string | null): void;
  part(listen: Hear): string | null;
  save(listen: Hear): string;
}

export interface NativeClient {
  readonly apiUrl: string;
  readonly uiUrl: string;
  call(question: string, values: string, cancellation: NativeCancellation, hear: Hear): void;
  validateBuild(fields: string, listen: Hear): void;
  validateDeployment(fields: string, listen: Hear): void;
  explainBuild(fields: string, listen: Hear): string;
  explainDeployment(fields: string, listen: Hear): string;
  prepareBuild(fields: string, listen: Hear): NativeSpan;
  prepareDeployment(fields: string, listen: Hear): NativeSpan;
  restore(text: string, listen: Hear): NativeSpan;
  cancel(): void;
}

/** What `native/src` exports. */
export interface Native {
  Client: new (
    settings: string,
    environment: Record<string, string> | null,
    level: number,
    overhear: Hear,
  ) => NativeClient;
  Cancellation: new () => NativeCancellation;
  version(): string;
  tables(): string;
  runCommand(values: string[]): number;
}

/** The platforms that a package is published for, by their names in Node; Linux with either libc. */
const PLATFORMS: readonly string[] = [
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64',
];

/** The version of this package, and so of the packages that it loads. */
export const VERSION: string = JSON.parse(
  readFileSync(join(__dirname, '..', 'package.json'), 'utf8'),
).version;

/** The native half, loaded once. */
export const native: Native = load(process.platform, process.arch);

/** Loads the one for this machine. Of Linux's two, the one that is not for its libc does not load. */
function load(platform: string, arch: string): Native {
  const own = `${platform}-${arch}`;
  const candidates = PLATFORMS.filter((name) => name === own || name.startsWith(`${own}-`));
  const failures: Error[] = [];
  for (const candidate of candidates) {
    // One that was built in this folder comes before one that is installed.
    for (const path of [
      join(__dirname, '..', `versioner.${candidate}.node`),
      `@versioner/sdk-${candidate}`,
    ]) {
      try {
        return checked(require(path), path);
      } catch (error) {
        if (!isMissing(error, path)) {
          failures.push(error as Error);
        }
      }
    }
  }
  throw missing(own, candidates, failures);
}

function checked(loaded: Native, path: string): Native {
  const version = loaded.version();
  if (version === VERSION) {
    return loaded;
  }
  throw new Error(`${path} is version ${version}, but the package versioner is ${VERSION}`);
}

/** Whether nothing is there, other than something that does not load. */
function isMissing(error: unknown, path: string): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'MODULE_NOT_FOUND' && String(message).includes(path);
}

/** The error that says what is missing, why, and what to do. */
function missing(own: string, candidates: readonly string[], failures: Error[]): Error {
  const lines =
    candidates.length === 0
      ? [
          `versioner has no native library for ${own}; it has one for ${PLATFORMS.join(', ')}.`,
          'Use the command line of another machine, or the HTTP API.',
        ]
      : failures.length > 0
        ? [
            `versioner cannot load its native library for ${own}:`,
            ...failures.map((failure) => `  ${failure.message}`),
            'Install it anew: delete node_modules/@versioner and run npm install.',
          ]
        : [
            `versioner misses its native library for ${own}, the package ${candidates
              .map((name) => `@versioner/sdk-${name}`)
              .join(' or ')}.`,
            'It is an optional dependency, and npm has left it out. That happens if',
            '- the lockfile was written on another platform (https://github.com/npm/cli/issues/4828):',
            '  delete package-lock.json and node_modules, and run npm install;',
            '- optional dependencies are switched off: install without --omit=optional or --no-optional,',
            '  and look for omit=optional in .npmrc;',
            '- node_modules was copied from another platform, into a container image for one: run npm',
            '  install (or npm ci) there;',
            '- a bundler left it out: make versioner an external of the bundle.',
          ];
  return Object.assign(new Error(lines.join('\n')), {
    code: 'VERSIONER_LIBRARY_MISSING',
    cause: failures[0],
  });
}
