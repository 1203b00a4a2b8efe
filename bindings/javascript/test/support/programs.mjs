/** Programs of Node that a test runs in processes of their own. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const PRELUDE = `
import * as versioner from 'versioner';
const [url, key] = process.argv.slice(-2);
const client = new versioner.Client({ apiUrl: url, apiKey: key, env: {}, maxRetries: 0 });
const fields = { product: 'api', environment: 'production', version: '1.2.3' };
const say = (text) => process.stdout.write(text + '\\n');
/** Goes on until the process ends. */
const workOn = () => new Promise(() => setInterval(() => {}, 1000));
`;

/** A program that has a \`client\` of a service. */
export class Program {
  #said = '';
  #waiting = [];

  constructor(service, source, { node = [], env = process.env } = {}) {
    const script = ['--input-type=module', '--eval', PRELUDE + source];
    // What Node puts into processes of a test would end them with the test.
    const { NODE_TEST_CONTEXT: _, ...variables } = env;
    this.process = spawn(process.execPath, [...node, ...script, '--', service.url, service.key], {
      cwd: ROOT,
      env: variables,
    });
    this.complained = '';
    this.process.stdout.setEncoding('utf8').on('data', (text) => {
      this.#said += text;
      for (const resolve of this.#waiting.splice(0)) {
        resolve();
      }
    });
    this.process.stderr.setEncoding('utf8').on('data', (text) => {
      this.complained += text;
    });
    this.ended = once(this.process, 'close');
  }

  /** Resolves once it has printed this. */
  async says(text) {
    while (!this.#said.includes(text)) {
      const over = this.ended.then(() => {
        throw new Error(`it ended and did not say ${text}: ${this.#said}${this.complained}`);
      });
      await Promise.race([new Promise((resolve) => this.#waiting.push(resolve)), over]);
    }
  }

  /** Its exit code or signal, what it printed and what it complained of. */
  async over() {
    const [code, signal] = await this.ended;
    return { end: signal ?? code, said: this.#said, complained: this.complained };
  }
}
