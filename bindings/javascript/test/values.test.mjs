/** What a tired person writes, and what is said of it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';

import { ArgumentError, Client, ConfigError } from 'versioner';

import { native } from '../lib/native.js';
import { BUILD, DEPLOYMENT, shared } from '../lib/values.js';

const client = new Client({ apiKey: 'sk_acme_k1_secretsecret', env: {} });
const GIVEN = { product: 'api', environment: 'production', version: '1.2.3' };

function metadata(extraMetadata) {
  return JSON.stringify(client.explainBuild({ ...GIVEN_BUILD, extraMetadata }).body.extra_metadata);
}

const GIVEN_BUILD = { product: 'api', version: '1.2.3' };

const WRONG = [
  [{ enviroment: 'production' }, 'enviroment', /takes no enviroment; did you mean environment\?/],
  [{ scm_sha: '4f1c' }, 'scm_sha', /did you mean scmSha\?/],
  [{ apiKey: 'sk_x' }, 'apiKey', /give it to new Client\(\{ apiKey \}\)/],
  [{ colour: 'red' }, 'colour', /takes no colour; it takes product, /],
  [{ version: 1.1 }, 'version', /version must be a string, but it is the number 1\.1/],
  [{ version: ['1'] }, 'version', /but it is an array/],
  [{ version: new Map() }, 'version', /but it is a Map/],
  [{ version: '\ud800' }, 'version', /lone surrogate/],
  [{ version: '' }, 'version', /version/],
  [{ version: '$VERSION' }, 'version', /\$VERSION/],
  [{ completedAt: 1700000000 }, 'completedAt', /must be a Date or a string/],
  [{ completedAt: new Date(Number.NaN) }, 'completedAt', /invalid Date/],
  [{ completedAt: '2026-01-01' }, 'completed_at', /RFC 3339|zone/],
  [{ skipPreflightChecks: 'true' }, 'skipPreflightChecks', /must be true or false/],
  [{ timeout: '5s' }, 'timeout', /a number of milliseconds, such as 2500, but it is a string/],
  [{ timeout: -1 }, 'timeout', /-1/],
  [{ timeout: Number.NaN }, 'timeout', /NaN/],
  [{ timeout: 1e300 }, 'timeout', /milliseconds/],
  [
    { signal: new AbortController() },
    'signal',
    /must be an AbortSignal, but it is a AbortController/,
  ],
  [
    { abortSignal: undefined },
    'abortSignal',
    /takes no abortSignal; it takes product, .*, signal$/,
  ],
  [
    { signal: { aborted: false, addEventListener() {} } },
    'signal',
    /must be an AbortSignal, but it is an object/,
  ],
  [{ scmSha: 'f'.repeat(2 ** 24 + 1) }, 'scmSha', /16777217 characters long, of at most 16777216/],
  [{ wait: 1000 }, 'wait', /wait/],
  [{ extraMetadata: [1] }, 'extraMetadata', /plain object .* but it is an array/],
  [{ extraMetadata: new Map([['a', 1]]) }, 'extraMetadata', /is a Map/],
  [
    { extraMetadata: { a: new Set() } },
    'extraMetadata',
    /extraMetadata\["a"\] has no form in JSON/,
  ],
  [{ extraMetadata: { a: [Number.NaN] } }, 'extraMetadata', /extraMetadata\["a"\]\[0\] is NaN/],
  [{ extraMetadata: { a: () => 1 } }, 'extraMetadata', /it is a function/],
  [{ extraMetadata: { a: [undefined] } }, 'extraMetadata', /it is undefined/],
  [{ extraMetadata: { a: '\udc00' } }, 'extraMetadata', /lone surrogate/],
  [{ extraMetadata: '[1]' }, 'extra_metadata', /object/],
];

for (const [fields, argument, message] of WRONG) {
  test(`refused: ${message}`, async () => {
    await assert.rejects(client.trackDeployment({ ...GIVEN, ...fields }), (error) => {
      assert.ok(error instanceof ArgumentError, String(error));
      assert.match(error.message, message);
      assert.equal(error.argument, argument);
      assert.match(error.text, /^error: /);
      return true;
    });
  });
}

test('what has a start and an end takes neither end nor other status', () => {
  assert.throws(
    () => client.prepareBuild({ ...GIVEN_BUILD, completedAt: new Date() }),
    /its end tells/,
  );
  assert.throws(
    () => client.prepareBuild({ ...GIVEN_BUILD, status: 'completed' }),
    /begins as started/,
  );
  assert.throws(
    () => client.prepareDeployment({ ...GIVEN, idempotencyKey: 'a' }),
    /idempotencyKey/,
  );
  assert.throws(() => client.prepareDeployment({ ...GIVEN, lease: 10 }), /lease must be from 1 s/);
});

test('what is undefined or null is not given', () => {
  const { body } = client.explainBuild({ ...GIVEN_BUILD, scmSha: undefined, scmBranch: null });
  assert.deepEqual(Object.keys(body).sort(), ['product_name', 'status', 'version']);
});

test('what is inherited is refused, and what everything inherits is not seen', async () => {
  class Release {
    get environment() {
      return 'production';
    }
  }
  assert.throws(
    () => client.explainDeployment(Object.assign(new Release(), { product: 'api', version: '1' })),
    /environment is inherited \(it is a Release\): give it a plain object/,
  );
  assert.throws(() => client.explainDeployment(Object.create(GIVEN)), /product is inherited/);
  assert.throws(() => new Client(Object.create({ env: {} })), /env is inherited/);
  const strange = {
    environment: 'elsewhere',
    signal: 'none',
    apiKey: 'sk_other_k_x',
    ask: 1,
    f() {},
  };
  Object.assign(Object.prototype, strange);
  try {
    const { body } = client.explainDeployment(GIVEN);
    assert.equal(body.environment_name, 'production');
    new Client({ apiKey: 'sk_acme_k1_secretsecret', env: { HOME: '/nowhere' } }).close();
    const saved = client.prepareDeployment(GIVEN).save();
    assert.match((await client.resume(saved, { ask: false })).save(), /"account":"acme"/);
  } finally {
    for (const name of Object.keys(strange)) {
      delete Object.prototype[name];
    }
  }
});

test('a mistyped option is refused wherever there are options', async () => {
  const { signal } = new AbortController();
  const span = client.prepareDeployment(GIVEN);
  const saved = span.save();
  for (const [call, message] of [
    [() => new Client({ onlog: () => {} }), /did you mean onLog\?/],
    [() => new Client({ env: [] }), /env must be an object of strings, but it is an array/],
    [() => span.ask({ Signal: signal }), /ask takes no Signal; did you mean signal\?/],
    [() => span.ask({ timeout: 5 }), /ask takes no timeout/],
    [() => span.ask(null), /ask takes an object/],
    [() => span.renew({ sginal: signal }), /did you mean signal\?/],
    [() => client.resume(saved, { asks: false }), /did you mean ask\?/],
    [() => client.resume(saved, { ask: 'false' }), /ask must be true or false/],
    [() => client.resume(saved, null), /resume takes an object/],
    [() => client.state('api', { signl: signal }), /did you mean signal\?/],
    [() => client.read('deployments/', null), /query must be a plain object, but it is null/],
    [() => client.read('x', new URLSearchParams('limit=1')), /but it is a URLSearchParams/],
    [() => client.read('x', { limit: Number.NaN }), /query.limit must be a string, .* NaN/],
    [() => client.read('x', {}, null), /read takes an object/],
  ]) {
    await assert.rejects(
      async () => call(),
      (error) => {
        assert.ok(error instanceof ArgumentError, String(error));
        assert.match(error.message, message);
        return true;
      },
    );
  }
});

test('a limit is refused in the unit that it is given in', () => {
  for (const [name, value] of [
    ['totalTimeout', 0],
    ['attemptTimeout', 0.5],
    ['retryPause', 1e12],
  ]) {
    assert.throws(
      () => new Client({ apiKey: 'sk_acme_k1_x', env: {}, [name]: value }),
      (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.equal(error.argument, shared(name));
        assert.match(
          error.message,
          new RegExp(`^${name} must be a number of milliseconds .* is ${value}$`),
        );
        return true;
      },
    );
  }
});

test('metadata that holds itself is refused, and one that would fill the memory', () => {
  const circle = {};
  circle.circle = circle;
  assert.throws(() => metadata(circle), /nested more than 127 levels deep, or holds itself/);
  let bomb = ['x'.repeat(100)];
  for (let level = 0; level < 60; level += 1) {
    bomb = [bomb, bomb];
  }
  assert.throws(() => metadata({ bomb }), /bytes long as JSON/);
});

test('metadata is written as JavaScript writes it', () => {
  assert.equal(metadata({ a: 1.5, b: undefined, c: { d: -0 } }), '{"a":1.5,"c":{"d":0}}');
  assert.equal(metadata({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}');
  assert.equal(metadata(Object.assign(Object.create(null), { a: 1 })), '{"a":1}');
  assert.equal(metadata(vm.runInNewContext('({ a: [1] })')), '{"a":[1]}');
  const elsewhere = vm.runInNewContext('new Date(0)');
  assert.equal(metadata({ at: elsewhere }), '{"at":"1970-01-01T00:00:00.000Z"}');
  const { body } = client.explainBuild({ ...GIVEN_BUILD, completedAt: elsewhere });
  assert.match(body.completed_at, /^1970-01-01T00:00:00/);
});

test('the fields are those of every language', () => {
  const tables = JSON.parse(native.tables());
  const others = [
    ...['timeout', 'allow_literal', 'idempotency_key', 'skip_preflight_checks', 'skip_reason'],
    ...['part', 'wait', 'wait_for', 'wait_superseded'],
  ];
  for (const [shape, fields] of [
    [BUILD, tables.build],
    [DEPLOYMENT, tables.deployment],
  ]) {
    const own = Object.keys(shape).map(shared);
    const named = fields.map(([name]) => name);
    assert.deepEqual(own.filter((name) => !others.includes(name)).sort(), named.sort());
  }
});
