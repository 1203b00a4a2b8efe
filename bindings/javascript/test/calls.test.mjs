/** How calls are ended, whenever that comes. */

import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { test } from 'node:test';

import { CancelledError, Client } from 'versioner';

import { Program } from './support/programs.mjs';
import { SILENCE, withService } from './support/service.mjs';

const FIELDS = { product: 'api', environment: 'production', version: '1.2.3' };

for (const end of ['cancel', 'close']) {
  test(
    `${end} ends a call that was made a moment ago, wherever that is`,
    withService(async (service) => {
      service.isHolding = true;
      for (let round = 0; round < 20; round += 1) {
        const client = service.client({ maxRetries: 0 });
        const call = client.trackBuild({ product: 'api', version: '1' });
        client[end]();
        await assert.rejects(call, CancelledError);
      }
    }),
  );
}

test(
  'a call that waits for a thread is ended at once, and never sent',
  withService(async (service) => {
    service.replies = [SILENCE];
    const program = new Program(
      service,
      `
      const told = (call) => call.catch((error) => say(error.name + ': ' + error.message));
      const calls = [told(client.trackBuild({ product: 'first', version: '1' }))];
      process.stdin.once('data', async () => {
        const controller = new AbortController();
        const { signal } = controller;
        const aborted = told(client.trackBuild({ product: 'aborted', version: '1', signal }));
        controller.abort();
        await aborted;
        calls.push(told(client.trackBuild({ product: 'cancelled', version: '1' })));
        client.cancel();
        await Promise.all(calls);
        await client.trackBuild({ product: 'last', version: '1' });
        process.stdin.destroy();
      });`,
      // All calls share the one thread.
      { env: { ...process.env, BLOCKING_MAX_THREADS: '1' } },
    );
    await service.arrivals(1);
    program.process.stdin.write('go\n');
    const { end, said } = await program.over();
    assert.equal(end, 0);
    const unsent = 'CancelledError: the call was aborted before anything was sent';
    assert.deepEqual(said.split('\n').slice(0, 2), [unsent, unsent]);
    assert.match(said.split('\n')[2], /^CancelledError: /);
    assert.deepEqual(
      service.requests.map((sent) => sent.product_name),
      ['first', 'last'],
    );
  }),
);

test(
  'a signal that lives longer is let go of',
  withService(async (service) => {
    const { signal } = new AbortController();
    const client = service.client();
    await client.trackBuild({ product: 'api', version: '1', signal });
    await client.deploy({ ...FIELDS, signal }, () => {});
    await assert.rejects(client.deploy({ ...FIELDS, signal }, () => Promise.reject(new Error())));
    const span = await client.begin({ ...FIELDS, signal });
    await span.end('completed');
    await (await client.begin({ ...FIELDS, signal })).close();
    assert.deepEqual(getEventListeners(signal, 'abort'), []);
  }),
);

test(
  'of two ends at once the first counts',
  withService(async (service) => {
    const span = await service.client().begin(FIELDS);
    const ends = await Promise.all([span.end('completed'), span.end('failed')]);
    assert.deepEqual(
      ends.map((outcome) => outcome.eventId),
      ['evt-2', 'evt-2'],
    );
    assert.deepEqual(service.statuses(), ['started', 'completed']);
  }),
);

test(
  'a listener may be asynchronous, and fail',
  withService(async (service) => {
    const shown = once(process, 'warning');
    const onLog = async () => {
      throw new Error('the log is full');
    };
    const client = service.client({ onLog, logLevel: 'debug' });
    await client.trackBuild({ product: 'api', version: '1' });
    const [{ message }] = await shown;
    assert.match(message, /onLog threw Error: the log is full/);
  }),
);

test('a listener may throw anything', async () => {
  const shown = once(process, 'warning');
  const onLog = () => {
    throw Object.create(null, { toString: { get: () => assert.fail('asked for a text') } });
  };
  const client = new Client({ apiKey: 'no-key', env: {}, onLog, logLevel: 'debug' });
  client.validateBuild({ product: 'api', version: '1' });
  const [{ message }] = await shown;
  assert.match(message, /onLog threw \[Object: null prototype\]/);
});
