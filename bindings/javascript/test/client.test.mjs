/** Calls: many at once, ended from outside, with errors that tell what to do and never the key. */

import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';

import * as versioner from 'versioner';

import { KEY, REJECTION, SILENCE, withService } from './support/service.mjs';

const DEPLOYMENT = { product: 'api', environment: 'production', version: '1.2.3' };
const MANY = 100;

test(
  'events are told as JavaScript has them',
  withService(async (service) => {
    const client = service.client();
    const outcome = await client.trackDeployment({
      ...DEPLOYMENT,
      scmSha: '4f1c2d3e',
      completedAt: new Date('2026-01-02T03:04:05.678Z'),
      extraMetadata: { coverage: 87.5, runs: 12345678901234567890n, tags: ['a', null, true] },
    });
    assert.ok(outcome instanceof versioner.Outcome);
    assert.deepEqual([outcome.code, outcome.kind, outcome.recorded], [0, 'ok', true]);
    assert.equal(outcome.eventId, 'evt-1');
    assert.deepEqual(outcome.deployedAt, new Date('2026-01-01T00:00:00Z'));
    const [sent] = service.requests;
    assert.deepEqual([sent.product_name, sent.scm_sha], ['api', '4f1c2d3e']);
    assert.equal(sent.completed_at, '2026-01-02T03:04:05.678Z');
    assert.match(
      service.bodies[0],
      /\{"coverage":87\.5,"runs":12345678901234567890,"tags":\["a",null,true\]\}/,
    );
    assert.equal(service.agents[0], `versioner/${versioner.VERSION} (javascript)`);
  }),
);

test(
  'many calls wait at once, and files and names are looked up meanwhile',
  withService(async (service) => {
    service.isHolding = true;
    const client = service.client({ maxRetries: 0 });
    const calls = Array.from({ length: MANY }, (_, number) =>
      client.trackBuild({ product: 'api', version: `${number}` }),
    );
    const settled = Promise.allSettled(calls);
    await service.arrivals(MANY);
    assert.match(await readFile(new URL(import.meta.url), 'utf8'), /looked up meanwhile/);
    assert.ok((await lookup('localhost')).address);
    client.cancel();
    for (const { reason } of await settled) {
      assert.ok(reason instanceof versioner.CancelledError, String(reason));
    }
  }),
);

test(
  'a signal ends its call and no other',
  withService(async (service) => {
    service.isHolding = true;
    const client = service.client({ maxRetries: 0 });
    const controller = new AbortController();
    const one = client.trackBuild({ product: 'one', version: '1', signal: controller.signal });
    const other = client.trackBuild({ product: 'other', version: '1' });
    const settled = Promise.allSettled([one, other]);
    await service.arrivals(2);
    const reason = new Error('not needed any more');
    controller.abort(reason);
    await assert.rejects(one, (error) => {
      assert.ok(error instanceof versioner.CancelledError);
      assert.deepEqual([error.code, error.kind, error.cause], [1, 'interrupted', reason]);
      return true;
    });
    client.close();
    const [, { reason: closed }] = await settled;
    assert.deepEqual([closed.kind, closed.cause], ['interrupted', undefined]);
  }),
);

test(
  'a call whose signal is aborted before sends nothing',
  withService(async (service) => {
    const client = service.client();
    await assert.rejects(
      client.trackBuild({ product: 'api', version: '1', signal: AbortSignal.abort('late') }),
      (error) => error instanceof versioner.CancelledError && error.cause === 'late',
    );
    await assert.rejects(client.state('api', { signal: AbortSignal.abort() }), /aborted before/);
    assert.deepEqual(service.requests, []);
  }),
);

test(
  'each kind of failure has a class, and all have one root',
  withService(async (service) => {
    const client = service.client({ maxRetries: 0, attemptTimeout: 200 });
    const cases = [
      [REJECTION, versioner.FlowViolationError, versioner.RejectedError, 5],
      [[409, {}], versioner.DeploymentConflictError, versioner.RejectedError, 5],
      [[423, {}], versioner.NoDeployWindowError, versioner.RejectedError, 5],
      [[428, { code: 'NEW' }], versioner.RejectedError, versioner.RejectedError, 5],
      [[401, {}], versioner.APIError, versioner.APIError, 4],
      [[500, {}], versioner.APIError, versioner.APIError, 4],
      [SILENCE, versioner.TimeoutError, versioner.NetworkError, 1],
    ];
    for (const [reply, Class, Parent, code] of cases) {
      service.replies = [reply];
      await assert.rejects(
        client.trackDeployment({ ...DEPLOYMENT, status: 'started' }),
        (error) => {
          assert.equal(error.constructor, Class);
          assert.ok(error instanceof Parent && error instanceof versioner.VersionerError);
          assert.ok(error instanceof Error);
          assert.deepEqual([error.name, error.code], [Class.name, code]);
          // The stack leads to whoever called.
          assert.match(error.stack, /client\.test\.mjs/);
          return true;
        },
      );
    }
  }),
);

test(
  'a rejection says what forbids it',
  withService(async (service) => {
    const details = { rule_name: 'Staging first', missing: ['staging'], limit: 1.5 };
    const said = { code: 'FLOW_VIOLATION', message: 'No', retry_after: '2026-01-01T00:00:00Z' };
    service.replies = [[428, { detail: { ...said, details } }]];
    await assert.rejects(service.client().trackDeployment(DEPLOYMENT), (error) => {
      assert.deepEqual([error.rule, error.policyCode], ['Staging first', 'FLOW_VIOLATION']);
      assert.deepEqual([error.details, error.httpStatus], [details, 428]);
      assert.deepEqual(error.retryAfter, new Date('2026-01-01T00:00:00Z'));
      assert.match(error.text, /Deploy to required environments first/);
      assert.equal(JSON.parse(JSON.stringify(error)).policy_code, 'FLOW_VIOLATION');
      return true;
    });
  }),
);

test(
  'best effort is a warning, which is shown if nobody listens',
  withService(async (service) => {
    service.replies = [[503, {}]];
    const shown = new Promise((resolve) => process.once('warning', resolve));
    const client = service.client({ maxRetries: 0, failOnApiError: false });
    const outcome = await client.trackBuild({ product: 'api', version: '1' });
    assert.deepEqual([outcome.code, outcome.recorded, outcome.status], [0, false, 'not_recorded']);
    assert.equal(outcome.warnings[0].kind, 'not_recorded');
    const warning = await shown;
    assert.equal(warning.name, 'VersionerWarning');
    assert.match(warning.message, /not recorded/);
  }),
);

test(
  'messages are heard before the call is over, as far as they are wanted',
  withService(async (service) => {
    for (const [logLevel, wanted] of [
      ['warning', ['warning']],
      [undefined, ['warning']],
      ['debug', ['debug', 'warning']],
    ]) {
      service.replies = [[503, {}]];
      const heard = [];
      const onLog = (level, message) => heard.push([level, message]);
      const client = service.client({ maxRetries: 0, failOnApiError: false, onLog, logLevel });
      await client.trackBuild({ product: 'api', version: '1' });
      assert.deepEqual([...new Set(heard.map(([level]) => level))].sort(), wanted);
      assert.ok(!inspect(heard).includes('secretsecret'));
    }
  }),
);

test(
  'a listener that throws does not stop what it hears of',
  withService(async (service) => {
    service.replies = [[503, {}]];
    const shown = new Promise((resolve) => process.once('warning', resolve));
    const onLog = () => {
      throw new Error('of the listener');
    };
    const client = service.client({ maxRetries: 0, failOnApiError: false, onLog });
    assert.equal((await client.trackBuild({ product: 'api', version: '1' })).code, 0);
    assert.match((await shown).message, /onLog threw Error: of the listener/);
  }),
);

test(
  'the key shows nowhere',
  withService(async (service) => {
    const client = service.client();
    const outcome = await client.trackDeployment(DEPLOYMENT);
    const span = client.prepareDeployment(DEPLOYMENT);
    for (const one of [client, outcome, span, { deep: { client } }]) {
      for (const text of [inspect(one, { depth: 9, showHidden: true }), `${one}`]) {
        assert.ok(!text.includes('secretsecret'), text);
      }
      assert.ok(!(JSON.stringify(one) ?? '').includes('secretsecret'));
    }
    assert.ok(!span.save().includes('secretsecret'));
    assert.match(inspect(client), /Client <http/);
    const wrong = [{ apiKey: [KEY] }, { apiKey: KEY, apiUrl: KEY }, { key: KEY }];
    for (const options of wrong) {
      assert.throws(
        () => new versioner.Client({ env: {}, ...options }),
        (error) => !inspect(error, { showHidden: true, depth: 9 }).includes('secretsecret'),
      );
    }
  }),
);

test('settings that cannot be used are refused before anything is sent', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'versioner-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'bad.yaml'), 'a: [');
  const cases = [
    [{}, versioner.ConfigError, /API key is required/],
    [{ apiKey: KEY, config: join(folder, 'none.yaml') }, versioner.ConfigError, /none\.yaml/],
    [{ apiKey: KEY, config: join(folder, 'bad.yaml') }, versioner.ConfigError, /bad\.yaml/],
    [{ apikey: KEY }, versioner.ArgumentError, /Client takes no apikey; did you mean apiKey\?/],
    [{ api_key: KEY }, versioner.ArgumentError, /did you mean apiKey\?/],
    [{ apiKey: KEY, totalTimeout: '5' }, versioner.ArgumentError, /totalTimeout must be a number/],
    [{ apiKey: KEY, totalTimeout: 0 }, versioner.ConfigError, /totalTimeout/],
    [{ apiKey: KEY, maxRetries: 1.5 }, versioner.ArgumentError, /maxRetries .* 1\.5/],
    [{ apiKey: KEY, env: { A: 1 } }, versioner.ArgumentError, /env\.A must be a string/],
    [{ apiKey: KEY, onLog: 'console' }, versioner.ArgumentError, /onLog must be a function/],
    [{ apiKey: KEY, logLevel: 'all' }, versioner.ArgumentError, /warning, info, debug/],
    [{ apiKey: KEY, surface: 'a b' }, versioner.ArgumentError, /surface/],
    [KEY, versioner.ArgumentError, /takes an object/],
  ];
  for (const [options, Class, message] of cases) {
    const given = typeof options === 'string' ? options : { env: {}, ...options };
    assert.throws(
      () => new versioner.Client(given),
      (error) => error instanceof Class && message.test(error.message),
      inspect(options),
    );
  }
});

test(
  'several clients go by environments of their own',
  withService(async (service) => {
    const of = (product) =>
      service.client({
        env: { VERSIONER_PRODUCT: product, VERSIONER_VERSION: '1', NONE: undefined },
      });
    const clients = ['one', 'two'].map(of);
    await Promise.all(clients.map((client) => client.trackBuild()));
    assert.deepEqual(service.requests.map((sent) => sent.product_name).sort(), ['one', 'two']);
  }),
);

test(
  'a closed client says so, and closes once more',
  withService(async (service) => {
    const client = service.client();
    const span = await client.begin(DEPLOYMENT);
    client.close();
    client.close();
    await assert.rejects(client.trackBuild({ product: 'api', version: '1' }), /closed: make a new/);
    assert.throws(() => client.apiUrl, versioner.ArgumentError);
    assert.equal(inspect(client), 'Client <closed>');
    assert.ok((await span.end('completed')).recorded);
  }),
);

test(
  'what would be sent is explained and checked, and nothing is sent',
  withService(async (service) => {
    const client = service.client();
    const explained = client.explainDeployment(DEPLOYMENT);
    assert.equal(explained.body.product_name, 'api');
    assert.ok(
      explained.values.some(({ field, value }) => field === 'version' && value === '1.2.3'),
    );
    assert.equal(client.explainBuild({ product: 'a', version: '1' }).method, 'POST');
    assert.equal(client.validateDeployment(DEPLOYMENT), undefined);
    assert.throws(() => client.validateBuild({ product: 'api' }), /version is required/);
    assert.throws(
      () => client.explainBuild({ product: '', version: '1' }),
      versioner.ArgumentError,
    );
    assert.deepEqual(service.requests, []);
  }),
);
