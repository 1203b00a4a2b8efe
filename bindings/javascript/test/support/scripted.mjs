/** The scripted server of the shared test vectors. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** The path that an environment variable names, which `make test` sets. */
export function needed(variable) {
  const path = process.env[variable];
  if (!path) {
    throw new Error(`set ${variable}: \`make test-javascript\` does, see the README`);
  }
  if (!existsSync(path)) {
    throw new Error(`${variable} names ${path}, which does not exist`);
  }
  return path;
}

/** One running process; it ends with its standard input. */
export class ScriptedServer {
  static async start() {
    const program = needed('VERSIONER_SCRIPTED_SERVER');
    const own = spawn(program, ['--vectors', needed('VERSIONER_VECTORS')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [url] = await once(createInterface(own.stdout), 'line');
    return new ScriptedServer(own, url);
  }

  constructor(own, url) {
    this.process = own;
    this.url = url;
  }

  async close() {
    const exited = once(this.process, 'exit');
    this.process.stdin.end();
    await exited;
  }

  cases() {
    return this.#json('/cases?surface=javascript');
  }

  start(name) {
    return this.#json('/start', JSON.stringify({ case: name, surface: 'javascript' }));
  }

  /** Has a result judged, the text of JSON, because JavaScript's numbers cannot hold every number. */
  finish(run, result) {
    return this.#json('/finish', `{"run": ${run}, "result": ${result}}`);
  }

  async #json(path, body) {
    const headers = { 'Content-Type': 'application/json' };
    const method = body === undefined ? 'GET' : 'POST';
    const answer = await fetch(this.url + path, { method, headers, body });
    const told = await answer.json();
    if (!answer.ok) {
      throw new Error(`${path}: ${told.error}`);
    }
    return told;
  }
}
