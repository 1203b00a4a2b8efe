/** Values of JavaScript as the native half takes them: every mistake is an `ArgumentError`. */

import { fileURLToPath } from 'node:url';
import { types } from 'node:util';

import { argumentError, configError } from './errors.js';
import { metadata } from './metadata.js';

type Convert = (name: string, value: unknown) => unknown;

/** Names with what is made of their values. */
export type Shape = Readonly<Record<string, Convert>>;

const SPAN: Shape = {
  product: text,
  version: text,
  sourceSystem: text,
  buildNumber: text,
  scmSha: text,
  scmBranch: text,
  scmRepository: text,
  buildUrl: text,
  invokeId: text,
  extraMetadata: metadata,
  allowLiteral: flag,
  timeout: milliseconds,
};

const EVENT: Shape = { status: text, completedAt: moment, idempotencyKey: text };

/** The fields of a build that has a start and an end. The core judges a status, which must be
 * `started` there. */
export const BUILD_SPAN: Shape = {
  ...SPAN,
  status: text,
  builtBy: text,
  builtByEmail: text,
  builtByName: text,
  startedAt: moment,
};

/** The fields of a build. */
export const BUILD: Shape = { ...BUILD_SPAN, ...EVENT };

const DEPLOYMENT_BASE: Shape = {
  ...SPAN,
  environment: text,
  deployUrl: text,
  deployedBy: text,
  deployedByEmail: text,
  deployedByName: text,
  skipPreflightChecks: flag,
  skipReason: text,
  part: text,
  wait: milliseconds,
  waitFor: text,
  waitSuperseded: text,
};

/** The fields of a deployment that has a start and an end. */
export const DEPLOYMENT_SPAN: Shape = { ...DEPLOYMENT_BASE, status: text, lease: milliseconds };

/** The fields of a deployment. */
export const DEPLOYMENT: Shape = { ...DEPLOYMENT_BASE, ...EVENT };

/** What ends a span, beside the status. */
export const END: Shape = {
  errorClass: text,
  exitCode: whole(-2147483648, 2147483647),
  signal: text,
  extraMetadata: metadata,
  timeout: milliseconds,
};

/** What a call takes that has no event. */
export const READING: Shape = {
  product: text,
  environment: text,
  path: text,
  timeout: milliseconds,
};

/** The settings of a client. */
export const SETTINGS: Shape = {
  apiKey: text,
  apiUrl: text,
  uiUrl: text,
  config: path,
  failOnApiError: flag,
  maxRetries: whole(0, 4294967295),
  retryPause: limit(0),
  attemptTimeout: limit(1),
  totalTimeout: limit(1),
  caFile: path,
  clientCert: path,
  clientKey: path,
  outbox: path,
  surface,
};

/**
 * The JSON of an object's values under the names that every language shares; those that are
 * `undefined` or `null` are left out, and so are `others`, which are for somebody else.
 */
export function written(
  shape: Shape,
  given: object | null | undefined,
  called: string,
  others: readonly string[] = [],
): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw argumentError('', `${called} takes an object, but what it was given ${kindOf(given)}`);
  }
  const values: Record<string, unknown> = {};
  checkOwn([...Object.keys(shape), ...others], given, called);
  for (const [name, value] of Object.entries(given)) {
    if (others.includes(name)) {
      continue;
    }
    const convert = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (convert === undefined) {
      throw argumentError(name, `${called} takes no ${name}${advice(shape, name, others)}`);
    }
    if (value !== undefined && value !== null) {
      values[shared(name)] = convert(name, value);
    }
  }
  return values;
}

/** Refuses an object that only inherits what is asked for: what is not seen would be taken from elsewhere. */
function checkOwn(names: readonly string[], given: object, called: string): void {
  for (const name of names) {
    // What somebody has put into every object is nobody's wish.
    if (name in given && !Object.hasOwn(given, name) && !(name in Object.prototype)) {
      throw argumentError(
        name,
        `${called} takes properties of an object's own, and ${name} is inherited (it ${kindOf(given)}): give it a plain object`,
      );
    }
  }
}

/** A value that an object has itself. */
export function ownOf<Given extends object, Name extends keyof Given>(
  given: Given,
  name: Name,
): Given[Name] | undefined {
  return Object.hasOwn(given, name) ? given[name] : undefined;
}

/** The name that every language shares: `scmSha` is `scm_sha`. */
export function shared(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What somebody may have meant who wrote this name. */
function advice(shape: Shape, name: string, others: readonly string[]): string {
  if (Object.hasOwn(SETTINGS, name)) {
    return `: give it to new Client({ ${name} }), and track with that client`;
  }
  if (name === 'completedAt') {
    return ': its end tells that by itself';
  }
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '');
  const names = [...Object.keys(shape), ...others];
  const far = (one: string) => distance(plain(one), plain(name));
  const [nearest] = [...names].sort((one, other) => far(one) - far(other));
  return nearest !== undefined && far(nearest) <= 2
    ? `; did you mean ${nearest}?`
    : `; it takes ${names.join(', ')}`;
}

/** How many letters must be changed, put in or left out to make one of the other. */
function distance(one: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const now = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const changed = one[row - 1] === other[column - 1] ? 0 : 1;
      now.push(
        Math.min(
          (before[column - 1] ?? 0) + changed,
          (before[column] ?? 0) + 1,
          (now[column - 1] ?? 0) + 1,
        ),
      );
    }
    before = now;
  }
  return before[other.length] ?? 0;
}

/** More than any value has, and little enough to be looked at while the loop waits. */
const MOST = 2 ** 24;

/** Whether a text can be UTF-8. */
export function isWellFormed(text: string & { isWellFormed?: () => boolean }): boolean {
  // Quick, and not in Node 18.
  return text.isWellFormed?.() ?? !/\p{Surrogate}/u.test(text);
}

/** A text. Values are not shown, because one may be the API key. */
export function text(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw argumentError(name, `${name} must be a string, but it ${kindOf(value)}`);
  }
  if (value.length > MOST) {
    throw argumentError(name, `${name} is ${value.length} characters long, of at most ${MOST}`);
  }
  if (!isWellFormed(value)) {
    throw argumentError(name, `${name} holds a lone surrogate, which no UTF-8 text can: remove it`);
  }
  return value;
}

function path(name: string, value: unknown): string {
  if (value instanceof URL && value.protocol === 'file:') {
    return fileURLToPath(value);
  }
  return text(name, value);
}

export function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw argumentError(name, `${name} must be true or false, but it ${kindOf(value)}`);
  }
  return value;
}

function milliseconds(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw argumentError(
      name,
      `${name} must be a number of milliseconds, such as 2500, but it ${kindOf(value)}`,
    );
  }
  return value;
}

/** The most that a setting can be. */
const YEAR = 31_536_000_000;

/** A setting that the core would refuse too, but in seconds. */
function limit(least: number): Convert {
  return (name, value) => {
    const given = milliseconds(name, value);
    if (given < least || given > YEAR) {
      throw configError(
        shared(name),
        `${name} must be a number of milliseconds from ${least} to ${YEAR}, such as 2500, but is ${given}`,
      );
    }
    return given;
  };
}

function whole(least: number, most: number): Convert {
  return (name, value) => {
    if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) {
      throw argumentError(
        name,
        `${name} must be a whole number from ${least} to ${most}, but it ${kindOf(value)}`,
      );
    }
    return value;
  };
}

/** RFC 3339 text; the core judges texts. */
function moment(name: string, value: unknown): string {
  // One of another realm, such as that of a test runner, is as good.
  if (!types.isDate(value)) {
    return typeof value === 'string'
      ? text(name, value)
      : wrong(name, `must be a Date or a string, but it ${kindOf(value)}`);
  }
  if (Number.isNaN(value.getTime())) {
    return wrong(name, 'is an invalid Date');
  }
  return value.toISOString();
}

/** The name of the sender goes into a header. */
function surface(name: string, value: unknown): string {
  const given = text(name, value);
  if (!/^[A-Za-z0-9_.-]*$/.test(given)) {
    return wrong(name, 'must be of ASCII letters, digits and -_., such as my-tool');
  }
  return given;
}

function wrong(name: string, problem: string): never {
  throw argumentError(name, `${name} ${problem}`);
}

/** What a value is, with the value itself if it is a number, which no secret is. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) {
    return `is ${value}`;
  }
  if (typeof value === 'number' || (typeof value === 'bigint' && String(value).length <= 40)) {
    return `is the ${typeof value} ${value}`;
  }
  if (Array.isArray(value)) {
    return 'is an array';
  }
  if (typeof value === 'object') {
    const name = classOf(value);
    return name === 'Object' ? 'is an object' : `is a ${name}`;
  }
  return `is a ${typeof value}`;
}

/** What a value is made by. A value that answers nothing, and a name that nobody can read, is an `Object`. */
export function classOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) {
    return typeof value;
  }
  let name: unknown;
  try {
    name = Object.getPrototypeOf(value)?.constructor?.name;
  } catch {
    return 'Object';
  }
  return typeof name === 'string' && /^[\p{L}\p{N}\p{P}\p{S} ]{1,128}$/u.test(name)
    ? name
    : 'Object';
}

/** Whether it is an object that is written with braces, in whichever realm. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return false;
  }
  const prototype = Object.getPrototypeOf(value);
  // An object of another realm, such as one of `node:vm`, has a prototype of its own.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
