/** A service in this process that answers as a test says, and keeps what it was sent. */

import { once } from 'node:events';
import { createServer } from 'node:http';

import { Client } from 'versioner';

export const KEY = 'sk_acme_k1_secretsecret';

/** A reply that never comes. */
export const SILENCE = 'silence';

/** Policy says no. */
export const REJECTION = [428, { code: 'FLOW_VIOLATION', message: 'Staging first' }];

/** Answers 200 where it has no other replies, `[status, body]` each. */
export class Service {
  requests = [];
  bodies = [];
  spans = [];
  agents = [];
  replies = [];
  features = '';
  isHolding = false;
  #arrived = [];

  static async start() {
    const service = new Service();
    service.server.listen(0, '127.0.0.1');
    await once(service.server, 'listening');
    service.url = `http://127.0.0.1:${service.server.address().port}`;
    return service;
  }

  constructor() {
    this.key = KEY;
    this.server = createServer((request, response) => this.#answer(request, response));
  }

  /** A client of this service that knows no environment and does not wait. */
  client(options = {}) {
    return new Client({ apiUrl: this.url, apiKey: KEY, env: {}, retryPause: 1, ...options });
  }

  /** The status of every event, in order. */
  statuses() {
    return this.requests.map((request) => request.status);
  }

  /** Resolves once that many requests have come. */
  async arrivals(count) {
    while (this.requests.length < count) {
      await new Promise((resolve) => this.#arrived.push(resolve));
    }
  }

  async close() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  async #answer(request, response) {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) {
      body += piece;
    }
    const features = this.features === '' ? {} : { 'Versioner-Features': this.features };
    const headers = { 'Content-Type': 'application/json', ...features };
    if (request.method === 'GET') {
      // Somebody asks whether it is there.
      response.writeHead(200, headers).end('{"status":"ok"}');
      return;
    }
    const number = this.requests.length + 1;
    this.bodies.push(body);
    this.spans.push(request.headers['versioner-span'] ?? '');
    this.agents.push(request.headers['user-agent']);
    this.requests.push(JSON.parse(body));
    const ok = [200, { id: `evt-${number}`, deployed_at: '2026-01-01T00:00:00Z' }];
    const reply = this.replies.shift() ?? ok;
    for (const resolve of this.#arrived.splice(0)) {
      resolve();
    }
    if (this.isHolding || reply === SILENCE) {
      return;
    }
    response.writeHead(reply[0], headers).end(JSON.stringify(reply[1]));
  }
}

/** Runs a test with a service of its own. */
export function withService(body) {
  return async () => {
    const service = await Service.start();
    try {
      await body(service);
    } finally {
      await service.close();
    }
  };
}
