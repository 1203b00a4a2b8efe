/** `extraMetadata` from JavaScript values. */

import { types } from 'node:util';

import { argumentError } from './errors.js';
import { isPlain, isWellFormed, kindOf, text } from './values.js';

/** As deep as the core reads JSON. */
const MAX_DEPTH = 127;

/** Where to stop writing: the text is refused anyway, and lists that hold each other many times would
 * fill the memory. */
const ENOUGH = 16 * 102_400;

/** The JSON text of an object, or a text as it is, which the core judges. */
export function metadata(name: string, value: unknown): string {
  if (typeof value === 'string') {
    return text(name, value);
  }
  if (!isPlain(value)) {
    throw argumentError(
      name,
      `${name} must be a plain object or the text of a JSON object, but it ${kindOf(value)}`,
    );
  }
  const writer = new Writer(name);
  writer.write(value, name, 0);
  return writer.json();
}

class Writer {
  readonly #name: string;
  readonly #pieces: string[] = [];
  #length = 0;

  constructor(name: string) {
    this.#name = name;
  }

  json(): string {
    return this.#pieces.join('');
  }

  /** As `JSON.stringify` does, but what that leaves out or makes `null` or `{}` is refused. */
  write(value: unknown, path: string, depth: number): void {
    if (this.#length > ENOUGH) {
      this.#refuse(
        this.#name,
        `is more than ${ENOUGH} bytes long as JSON, and at most 102400 are allowed`,
      );
    }
    if (depth > MAX_DEPTH) {
      this.#refuse(
        shortened(path),
        `is nested more than ${MAX_DEPTH} levels deep, or holds itself`,
      );
    }
    if (value === null || typeof value === 'boolean') {
      this.#add(String(value));
    } else if (typeof value === 'string') {
      this.#string(value, path);
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) {
        this.#refuse(path, `is ${value}, which JSON does not have`);
      }
      this.#add(JSON.stringify(value));
    } else if (typeof value === 'bigint') {
      this.#add(value.toString());
    } else if (types.isDate(value)) {
      if (Number.isNaN(value.getTime())) {
        this.#refuse(path, 'is an invalid Date');
      }
      this.#add(JSON.stringify(value));
    } else if (Array.isArray(value)) {
      this.#array(value, path, depth);
    } else if (isPlain(value)) {
      this.#object(value, path, depth);
    } else {
      this.#refuse(path, `has no form in JSON, because it ${kindOf(value)}`);
    }
  }

  #array(list: readonly unknown[], path: string, depth: number): void {
    this.#add('[');
    for (let index = 0; index < list.length; index += 1) {
      if (index > 0) {
        this.#add(',');
      }
      this.write(list[index], `${path}[${index}]`, depth + 1);
    }
    this.#add(']');
  }

  #object(object: Record<string, unknown>, path: string, depth: number): void {
    this.#add('{');
    let isFirst = true;
    for (const [key, value] of Object.entries(object)) {
      // As in the fields themselves, what is undefined is not given.
      if (value === undefined) {
        continue;
      }
      if (!isFirst) {
        this.#add(',');
      }
      isFirst = false;
      const inner = `${path}[${JSON.stringify(key)}]`;
      this.#string(key, inner);
      this.#add(':');
      this.write(value, inner, depth + 1);
    }
    this.#add('}');
  }

  #string(value: string, path: string): void {
    if (!isWellFormed(value)) {
      this.#refuse(path, 'holds a lone surrogate, which no UTF-8 text can: remove it');
    }
    this.#add(JSON.stringify(value));
  }

  #add(piece: string): void {
    this.#length += piece.length;
    this.#pieces.push(piece);
  }

  #refuse(path: string, problem: string): never {
    throw argumentError(this.#name, `${path} ${problem}`);
  }
}

/** Deep enough to find the place; a cycle would tell it a hundred times over. */
function shortened(path: string): string {
  return path.length > 100 ? `${path.slice(0, 100)}…` : path;
}
