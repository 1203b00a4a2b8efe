/** Builds and deployments around a body. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { APIError, CancelledError, FlowViolationError, RejectedError, Span } from 'versioner';

import { REJECTION, SILENCE, withService } from './support/service.mjs';

const FIELDS = { product: 'api', environment: 'production', version: '1.2.3' };
const never = () => assert.fail('the body ran');

test(
  'a deployment is started and completed, and gives what its body returns',
  withService(async (service) => {
    const result = await service.client().deploy(FIELDS, async (span) => {
      assert.ok(span instanceof Span);
      assert.deepEqual(service.statuses(), ['started']);
      assert.deepEqual([span.started.eventId, span.ended], ['evt-1', undefined]);
      assert.equal(span.id, service.spans[0]);
      return 7;
    });
    assert.equal(result, 7);
    assert.deepEqual(service.statuses(), ['started', 'completed']);
    assert.equal(service.spans[0], service.spans[1]);
  }),
);

test(
  'a build is too, and a body need not be async',
  withService(async (service) => {
    assert.equal(
      await service.client().build({ product: 'api', version: '1' }, () => 'made'),
      'made',
    );
    assert.deepEqual(service.statuses(), ['started', 'completed']);
  }),
);

class OwnError extends Error {}

/** A proxy that answers nothing. */
function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** An error of a class with a name of one's own. */
function named(name) {
  const { [name]: Named } = { [name]: class extends Error {} };
  return new Named();
}

const ENDS = [
  [() => Promise.reject(revoked()), 'failed', { vi_error_class: 'Object' }],
  [() => Promise.reject(named('\ud800')), 'failed', { vi_error_class: 'Object' }],
  [() => Promise.reject(named('a\nb')), 'failed', { vi_error_class: 'Object' }],
  [() => Promise.reject(named('x'.repeat(1000))), 'failed', { vi_error_class: 'Object' }],
  [
    () => {
      throw Object.defineProperty(new OwnError(), 'name', { get: () => assert.fail('asked') });
    },
    'failed',
    { vi_error_class: 'OwnError' },
  ],
  [() => Promise.reject(new OwnError('sk_x')), 'failed', { vi_error_class: 'OwnError' }],
  [
    () => {
      throw new TypeError('at once');
    },
    'failed',
    { vi_error_class: 'TypeError' },
  ],
  [() => Promise.reject('text'), 'failed', { vi_error_class: 'string' }],
  [() => Promise.reject(undefined), 'failed', { vi_error_class: 'undefined' }],
  [() => fetch('http://127.0.0.1:1', { signal: AbortSignal.abort() }), 'aborted', {}],
  [() => Promise.reject(new DOMException('slow', 'TimeoutError')), 'failed', {}],
];

for (const [body, status, facts] of ENDS) {
  test(
    `${body} is ${status}, and passes`,
    withService(async (service) => {
      let thrown;
      try {
        await service.client().deploy(FIELDS, async () => {
          try {
            return await body();
          } catch (error) {
            thrown = error;
            throw error;
          }
        });
        assert.fail('it passed');
      } catch (error) {
        assert.equal(error, thrown);
      }
      assert.deepEqual(service.statuses(), ['started', status]);
      const told = service.requests[1].extra_metadata;
      assert.deepEqual({ ...told, ...facts }, told);
      assert.ok(!service.bodies[1].includes('sk_x'));
    }),
  );
}

test(
  'a rejection keeps the body from running',
  withService(async (service) => {
    service.replies = [REJECTION];
    await assert.rejects(service.client().deploy(FIELDS, never), FlowViolationError);
    assert.deepEqual(service.statuses(), ['started']);
  }),
);

test(
  'a start that fails is not aborted',
  withService(async (service) => {
    service.replies = [[400, {}]];
    await assert.rejects(service.client().deploy(FIELDS, never), APIError);
    assert.deepEqual(service.statuses(), ['started']);
  }),
);

test(
  'a start that is aborted while it is asked is told so',
  withService(async (service) => {
    for (const how of ['signal', 'cancel']) {
      const before = service.requests.length;
      service.replies = [SILENCE];
      const client = service.client();
      const controller = new AbortController();
      const deploying = client.deploy({ ...FIELDS, signal: controller.signal }, never);
      const settled = assert.rejects(deploying, CancelledError);
      await service.arrivals(before + 1);
      how === 'signal' ? controller.abort() : client.cancel();
      await settled;
      // The service may have recorded the start, and would refuse the next one.
      assert.deepEqual(service.statuses().slice(before), ['started', 'aborted']);
    }
  }),
);

test(
  'a body that is aborted is told so, and one that went well all the same is not',
  withService(async (service) => {
    for (const how of ['signal', 'cancel', 'close', 'ignored']) {
      const before = service.requests.length;
      const client = service.client();
      const controller = new AbortController();
      const deploying = client.deploy({ ...FIELDS, signal: controller.signal }, async (span) => {
        const { signal } = span;
        const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve));
        how === 'signal' || how === 'ignored' ? controller.abort('enough') : client[how]();
        await stopped;
        if (how !== 'ignored') {
          signal.throwIfAborted();
        }
        return 'done';
      });
      if (how === 'ignored') {
        assert.equal(await deploying, 'done');
      } else {
        await assert.rejects(deploying, (error) => how !== 'signal' || error === 'enough');
      }
      const end = how === 'ignored' ? 'completed' : 'aborted';
      assert.deepEqual(service.statuses().slice(before), ['started', end]);
    }
  }),
);

test(
  'an end that cannot be told changes nothing of what was',
  withService(async (service) => {
    for (const failure of [undefined, new OwnError()]) {
      const before = service.requests.length;
      service.replies = [
        [200, { id: 'evt' }],
        [400, { detail: 'No thanks' }],
      ];
      const heard = [];
      const client = service.client({ onLog: (_, message) => heard.push(message) });
      const span = client.prepareDeployment(FIELDS);
      const ran = span.run(() => {
        if (failure) {
          throw failure;
        }
      });
      await (failure ? assert.rejects(ran, failure) : ran);
      const status = failure ? 'failed' : 'completed';
      assert.match(
        heard.at(-1),
        new RegExp(`the end \\(${status}\\) could not be told: .*No thanks`, 's'),
      );
      assert.deepEqual([span.ended.code, span.ended.recorded], [4, false]);
      // Told again, it is the same.
      assert.ok((await span.end(failure ? 'completed' : 'failed')).recorded);
      assert.deepEqual(service.statuses().slice(before), ['started', status, status]);
    }
  }),
);

test(
  'an end that the service rejects is no rejection of what happened',
  withService(async (service) => {
    service.replies = [[200, { id: 'evt' }], REJECTION];
    const client = service.client({ onLog: () => {} });
    const span = await client.begin(FIELDS);
    await assert.rejects(span.end('completed', { timeout: 1000 }), (error) => {
      assert.ok(error instanceof RejectedError);
      return /^The deployment took place/.test(error.message);
    });
    assert.equal(span.ended.code, 5);
  }),
);

test(
  'an end in the body is the end',
  withService(async (service) => {
    await service.client().deploy(FIELDS, (span) =>
      span.end('failed', {
        errorClass: 'Timeout',
        exitCode: 3,
        signal: 'TERM',
        extraMetadata: { step: 2 },
      }),
    );
    assert.deepEqual(service.statuses(), ['started', 'failed']);
    const { vi_duration_ms: _, ...facts } = service.requests[1].extra_metadata;
    const told = { step: 2, vi_error_class: 'Timeout', vi_exit_code: 3, vi_signal: 'TERM' };
    assert.deepEqual(facts, told);
  }),
);

test(
  'what cannot end is refused',
  withService(async (service) => {
    const span = await service.client().begin(FIELDS);
    await assert.rejects(span.end('started'), /is no end/);
    await assert.rejects(span.end(), /status must be a string/);
    await assert.rejects(
      span.end('completed', { signal: AbortSignal.abort() }),
      /signal must be a string/,
    );
    await assert.rejects(span.end('completed', { exit_code: 1 }), /did you mean exitCode/);
    await span.close();
    assert.deepEqual(service.statuses(), ['started', 'aborted']);
  }),
);

test(
  'a span is for one body, which is a function',
  withService(async (service) => {
    const span = service.client().prepareBuild({ product: 'api', version: '1' });
    await assert.rejects(span.run(), /body must be a function/);
    await span.run(() => {});
    await assert.rejects(span.run(never), /one body/);
    assert.deepEqual(service.statuses(), ['started', 'completed']);
  }),
);

test(
  'what is saved goes on elsewhere',
  withService(async (service) => {
    const client = service.client();
    const prepared = client.prepareDeployment({ ...FIELDS, part: 'eu' });
    const early = prepared.save();
    // Saved before it was allowed, it asks when it goes on, as the same deployment.
    const resumed = await client.resume(early);
    assert.equal(resumed.started.recorded, true);
    const late = resumed.save();
    const other = service.client();
    await (await other.resume(late)).run(() => {});
    assert.deepEqual(service.statuses(), ['started', 'completed']);
    assert.equal(new Set(service.spans).size, 1);
    const unasked = await client.resume(early, { ask: false });
    await assert.rejects(client.resume('nonsense'), /state|span/);
    await assert.rejects(client.resume(42), /saved must be a string/);
    assert.equal(unasked.id, prepared.id);
  }),
);

test(
  'leaving a block without an end is aborted',
  withService(async (service) => {
    const client = service.client();
    const span = await client.begin(FIELDS);
    await span[Symbol.asyncDispose]();
    const ended = await client.begin(FIELDS);
    await ended.end('completed');
    await ended[Symbol.asyncDispose]();
    await client[Symbol.asyncDispose]();
    assert.deepEqual(service.statuses(), ['started', 'aborted', 'started', 'completed']);
  }),
);

test(
  'an end that cannot be told is kept and delivered before the next event',
  withService(async (service) => {
    service.features = 'idempotency, history';
    service.replies = [
      [200, { id: 'evt' }],
      [503, {}],
    ];
    const folder = await mkdtemp(join(tmpdir(), 'versioner-'));
    const outbox = join(folder, 'outbox');
    const client = service.client({ outbox, maxRetries: 0, onLog: () => {} });
    const span = client.prepareDeployment(FIELDS);
    await span.run(() => {});
    assert.deepEqual([span.ended.status, span.ended.recorded], ['queued', false]);
    await client.trackBuild({ product: 'api', version: '2' });
    assert.deepEqual(service.statuses(), ['started', 'completed', 'completed', 'completed']);
    assert.equal(service.bodies[1], service.bodies[2]);
    await rm(folder, { recursive: true });
  }),
);

test(
  'many deployments go on at once, in each other too',
  withService(async (service) => {
    const client = service.client();
    await client.build({ product: 'api', version: '1' }, () =>
      Promise.all(
        ['a', 'b', 'c'].map((environment) => client.deploy({ ...FIELDS, environment }, () => {})),
      ),
    );
    assert.equal(service.requests.length, 8);
    assert.deepEqual([service.statuses()[0], service.statuses()[7]], ['started', 'completed']);
    assert.equal(process.listenerCount('SIGTERM') + process.listenerCount('exit'), 0);
  }),
);
