/** The real server, with an empty database. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { needed } from './scripted.mjs';

/** One running versioner-server with its own key. */
export class StoryServer {
  static async start() {
    const folder = await mkdtemp(join(tmpdir(), 'versioner-'));
    const program = needed('VERSIONER_SERVER');
    const own = spawn(program, ['--data', join(folder, 'data'), '--listen', '127.0.0.1:0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const server = new StoryServer();
    Object.assign(server, { folder, process: own });
    for await (const line of createInterface(own.stdout)) {
      const [last] = line.split(' ').slice(-1);
      if (line.startsWith('API key')) {
        server.key = last;
      } else if (line.startsWith('Listening on')) {
        server.url = last;
        break;
      }
    }
    return server;
  }

  /** The process's environment with the settings of a client of this server. */
  env() {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const strange = /^(VERSIONER|GITHUB|GITLAB|CI|JENKINS)/;
    const own = Object.fromEntries(Object.entries(env).filter(([name]) => !strange.test(name)));
    return { ...own, VERSIONER_API_URL: this.url, VERSIONER_API_KEY: this.key };
  }

  post(path, body) {
    return this.#api(path, { method: 'POST', body: JSON.stringify(body) });
  }

  get(path) {
    return this.#api(path, {});
  }

  /** Ends the server, which must end in good order. */
  async close() {
    const exited = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const [code] = await exited;
    await rm(this.folder, { recursive: true });
    if (code !== 0) {
      throw new Error(`versioner-server ended with ${code}`);
    }
  }

  async #api(path, options) {
    const headers = { Authorization: `Bearer ${this.key}`, 'Content-Type': 'application/json' };
    const answer = await fetch(this.url + path, { ...options, headers });
    if (!answer.ok) {
      throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    }
    return answer.json();
  }
}

/** Runs a test with a server of its own. */
export function withServer(body) {
  return async () => {
    const server = await StoryServer.start();
    try {
      await body(server);
    } finally {
      await server.close();
    }
  };
}
