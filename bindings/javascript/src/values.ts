/** Values of JavaScript as the native half takes them: every mistake is an `ArgumentError`. */

import { fileURLToPath } from 'node:url';

import { argumentError } from './errors.js';
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
  retryPause: milliseconds,
  attemptTimeout: milliseconds,
  totalTimeout: milliseconds,
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
  for (const [name, value] of Object.entries(given)) {
    if (others.includes(name)) {
      continue;
    }
    const convert = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (convert === undefined) {
      throw argumentError(name, `${called} takes no ${name}${advice(shape, name)}`);
    }
    if (value !== undefined && value !== null) {
      values[shared(name)] = convert(name, value);
    }
  }
  return values;
}

/** The name that every language shares: `scmSha` is `scm_sha`. */
export function shared(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** What somebody may have meant who wrote this name. */
function advice(shape: Shape, name: string): string {
  if (Object.hasOwn(SETTINGS, name)) {
    return `: give it to new Client({ ${name} }), and track with that client`;
  }
  if (name === 'completedAt') {
    return ': its end tells that by itself';
  }
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, '');
  const names = Object.keys(shape).sort(
    (one, other) => distance(plain(one), plain(name)) - distance(plain(other), plain(name)),
  );
  const [nearest] = names;
  return nearest !== undefined && distance(plain(nearest), plain(name)) <= 2
    ? `; did you mean ${nearest}?`
    : `; it takes ${Object.keys(shape).join(', ')}`;
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

/** A text. Values are not shown, because one may be the API key. */
export function text(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw argumentError(name, `${name} must be a string, but it ${kindOf(value)}`);
  }
  if (/\p{Surrogate}/u.test(value)) {
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

function flag(name: string, value: unknown): boolean {
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
  if (!(value instanceof Date)) {
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
    const name = Object.getPrototypeOf(value)?.constructor?.name;
    return typeof name === 'string' && name !== 'Object' ? `is a ${name}` : 'is an object';
  }
  return `is a ${typeof value}`;
}
