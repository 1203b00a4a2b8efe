/** The action as the runner runs it: with inputs in variables and files to write to. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { needed } from '../../../bindings/javascript/test/support/scripted.mjs';
import { StoryServer } from '../../../bindings/javascript/test/support/story.mjs';

const ACTION = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = needed('VERSIONER_PROGRAM');
const FILES = ['GITHUB_OUTPUT', 'GITHUB_STATE', 'GITHUB_PATH', 'GITHUB_STEP_SUMMARY'];
const DEPLOYMENT = { product_name: 'api', environment: 'production', version: '1.2.3' };
const FLOW = {
  name: 'Staging first',
  type: 'flow',
  environments: ['production'],
  config: { required_environments: ['staging'] },
  create: true,
};

let server;
let folder;

before(async () => {
  server = await StoryServer.start();
});
after(() => server.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'versioner-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs a step of the action with these inputs. */
async function step(inputs, { file = 'main.js', action = ACTION, env = {}, meanwhile } = {}) {
  const given = Object.entries({ 'job-status': 'success', ...inputs }).map(([name, value]) => [
    `INPUT_${name.toUpperCase()}`,
    value,
  ]);
  for (const name of FILES) {
    await writeFile(join(folder, name), '');
  }
  const variables = {
    PATH: process.env.PATH,
    HOME: folder,
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: 'acme/api',
    GITHUB_RUN_ID: '4711',
    GITHUB_SHA: '4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b7c8d9e0f',
    RUNNER_TEMP: folder,
    RUNNER_TOOL_CACHE: join(folder, 'cache'),
    ...Object.fromEntries(FILES.map((name) => [name, join(folder, name)])),
    ...Object.fromEntries(given),
    ...env,
  };
  const own = spawn(process.execPath, [join(action, file)], { env: variables, cwd: folder });
  let said = '';
  for (const stream of [own.stdout, own.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const ended = once(own, 'close');
  await meanwhile?.(own);
  const [code] = await ended;
  const files = await Promise.all(FILES.map((name) => readFile(join(folder, name), 'utf8')));
  const [outputs, state, path, summary] = files;
  const pairs = (text) =>
    Object.fromEntries([...text.matchAll(/^(\S+)<<(\S+)\n(.*?)\n\2$/gms)].map((m) => [m[1], m[3]]));
  return { code, said, outputs: pairs(outputs), state: pairs(state), path, summary };
}

/** The inputs of a step that needs no download and reaches the server. */
const own = (inputs = DEPLOYMENT) => ({
  path: PROGRAM,
  api_key: server.key,
  api_url: server.url,
  ...inputs,
});

/** What the runner does once the job is over. */
function post(started, status, inputs = DEPLOYMENT) {
  const state = Object.entries(started.state).map(([name, value]) => [`STATE_${name}`, value]);
  return step(
    { ...own(inputs), 'job-status': status },
    {
      file: 'post.js',
      env: Object.fromEntries(state),
    },
  );
}

async function statuses(product) {
  const { items } = await server.get(`/deployments/?product=${product}`);
  return items.map((item) => item.status);
}

test('an event is told, and its identifiers are outputs in both spellings', async () => {
  const { code, said, outputs, summary } = await step(own());
  assert.equal(code, 0, said);
  for (const name of ['deployment', 'event', 'version', 'product', 'environment']) {
    assert.ok(outputs[`${name}_id`], name);
    assert.equal(outputs[`${name}-id`], outputs[`${name}_id`]);
  }
  assert.equal(outputs.event_id, outputs.deployment_id);
  assert.match(summary, /Versioner Summary/);
  assert.ok(
    said
      .split('\n')
      .filter((line) => line.includes(server.key))
      .every((line) => line.startsWith('::add-mask::')),
  );
});

test('names with - do the same, of a build too', async () => {
  const build = {
    'event-type': 'build',
    'api-key': server.key,
    'api-url': server.url,
    product: 'web',
    version: '7',
    'scm-branch': 'main',
    metadata: '{"coverage": 87.50}',
  };
  const { code, said, outputs } = await step({ path: PROGRAM, ...build });
  assert.equal(code, 0, said);
  assert.ok(outputs.build_id);
  assert.equal(outputs['event-id'], outputs.build_id);
});

for (const [status, end] of [
  ['success', 'completed'],
  ['failure', 'failed'],
  ['cancelled', 'aborted'],
  ['', 'aborted'],
]) {
  test(`what is started ends as ${end} if the job is "${status}"`, async () => {
    const fields = { ...DEPLOYMENT, product_name: `ends-${status || 'unknown'}` };
    const started = await step(own({ run: 'started', ...fields }));
    assert.equal(started.code, 0, started.said);
    assert.ok(started.outputs.deployment_id);
    assert.deepEqual(await statuses(fields.product_name), ['started']);
    const over = await post(started, status, fields);
    assert.equal(over.code, 0, over.said);
    assert.equal(over.said.includes('::warning::GitHub says'), status === '');
    assert.deepEqual(await statuses(fields.product_name), [end]);
  });
}

test('a rejection fails the step, says why, and leaves nothing to end', async () => {
  await server.post('/deployment-rules/', { ...FLOW, environments: ['guarded'] });
  const fields = { ...DEPLOYMENT, product_name: 'guarded', environment: 'guarded' };
  const started = await step(own({ run: 'started', ...fields }));
  assert.equal(started.code, 5);
  assert.match(started.said, /::error title=.*Staging first/);
  assert.match(started.summary, /Versioner Deployment Rejected/);
  const over = await post(started, 'failure', fields);
  assert.deepEqual([over.code, over.said], [0, '']);
  assert.deepEqual(await statuses('guarded'), ['preflight_failed']);
});

test('a job that is cancelled while it is asked is aborted', async () => {
  const asked = [];
  const silent = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += piece;
    });
    request.on('end', () => {
      asked.push(JSON.parse(body).status);
      silent.emit('asked');
      if (asked.length > 1) {
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"id":"evt"}');
      }
    });
  });
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const api_url = `http://127.0.0.1:${silent.address().port}`;
  const { code, state } = await step(own({ run: 'started', ...DEPLOYMENT, api_url }), {
    meanwhile: async (process) => {
      await once(silent, 'asked');
      process.kill('SIGINT');
    },
  });
  silent.closeAllConnections();
  silent.close();
  assert.deepEqual([code, asked], [1, ['started', 'aborted']]);
  assert.equal(state.span, '');
});

test('a service that cannot be reached fails the step, unless it is told not to', async () => {
  const env = { VERSIONER_MAX_RETRIES: '0' };
  const inputs = own({ ...DEPLOYMENT, api_url: 'http://127.0.0.1:1' });
  assert.equal((await step(inputs, { env })).code, 1);
  const relaxed = await step({ ...inputs, 'fail-on-api-error': 'false' }, { env });
  assert.equal(relaxed.code, 0);
  assert.match(relaxed.said, /not recorded/);
  assert.deepEqual(relaxed.outputs, {});
});

test('an end that cannot be told is a warning, and fails no job', async () => {
  const fields = { ...DEPLOYMENT, product_name: 'untold' };
  const started = await step(own({ run: 'started', ...fields }));
  const over = await post(started, 'success', { ...fields, api_key: 'sk_local_wrong_wrong' });
  assert.equal(over.code, 0);
  assert.match(
    over.said,
    /::warning::Versioner could not be told that the job has ended \(completed\)/,
  );
});

const MISTAKES = [
  [{ run: 'start' }, /run is start, but must be track, started or setup/],
  [{ event_type: 'release' }, /event_type is release, but must be deployment or build/],
  [{ api_key: '' }, /api_key is required: give it from a secret/],
  [{ run: 'started', status: 'completed' }, /tells started now and the end by itself/],
  [{ run: 'started', event_type: 'build' }, /run: started is for deployments/],
  [{ 'api-key': 'sk_other' }, /api_key and api-key are the same input/],
  [{ product: 'other' }, /product_name and product are the same input/],
  [{ path: '/nowhere/versioner' }, /path is \/nowhere\/versioner, which is no program/],
  [{ path: '', cli_version: 'latest' }, /cli_version is latest, but is expected to be like /],
  [{ path: '', cli_version: '9.9.9' }, /the checksum of versioner-\S+ 9\.9\.9 is not known here/],
  [{ path: '', checksum: 'abc' }, /checksum must be a SHA-256/],
];

for (const [inputs, message] of MISTAKES) {
  test(`refused: ${message}`, async () => {
    const { code, said } = await step({ ...own(), ...inputs });
    assert.equal(code, 1);
    assert.match(said, /^::error::/m);
    assert.match(said, message);
    assert.ok(!said.includes('    at '), said);
  });
}

/** Serves a program as a mirror does, and runs the body with an action that was released with it. */
async function released(body, { answer = (bytes) => [200, bytes] } = {}) {
  const bytes = await readFile(PROGRAM);
  const asked = [];
  const mirror = createServer((request, response) => {
    asked.push(request.url);
    const [status, content] = answer(bytes, asked.length);
    response.writeHead(status, { 'Content-Length': content.length });
    response.end(content);
  });
  mirror.listen(0, '127.0.0.1');
  await once(mirror, 'listening');
  const action = join(folder, 'action');
  await cp(ACTION, action, { recursive: true });
  const systems = { linux: 'linux', darwin: 'darwin' };
  const file = `versioner-${systems[process.platform]}-${process.arch === 'x64' ? 'amd64' : 'arm64'}`;
  const files = { [file]: createHash('sha256').update(bytes).digest('hex') };
  await writeFile(join(action, 'checksums.json'), JSON.stringify({ version: '0.1.0', files }));
  const inputs = {
    ...own(),
    path: '',
    'download-url': `http://127.0.0.1:${mirror.address().port}/`,
  };
  try {
    await body({ action, inputs, asked, file });
  } finally {
    mirror.close();
  }
}

const cached = () => readdir(join(folder, 'cache'), { recursive: true }).catch(() => []);

test('the program is downloaded once, and again if what is kept was changed', () =>
  released(async ({ action, inputs, asked, file }) => {
    const setup = await step({ ...inputs, run: 'setup' }, { action });
    assert.equal(setup.code, 0, setup.said);
    assert.equal(setup.path, `${join(folder, 'cache', 'versioner', '0.1.0', process.arch)}\n`);
    assert.equal((await step(inputs, { action })).code, 0);
    assert.deepEqual(asked, [`/${file}`]);
    const program = join(setup.path.trim(), 'versioner');
    await chmod(program, 0o755);
    await writeFile(program, '#!/bin/sh\necho changed\n');
    const again = await step(inputs, { action });
    assert.ok(!again.said.includes('changed'));
    assert.equal(asked.length, 2);
  }));

test('a program that is damaged is not run, and nothing of it is kept', () =>
  released(
    async ({ action, inputs }) => {
      const { code, said } = await step(inputs, { action });
      assert.equal(code, 1);
      assert.match(said, /has the SHA-256 [0-9a-f]{64}, but [0-9a-f]{64} is expected/);
      assert.deepEqual(
        (await cached()).filter((name) => /versioner$/.test(name) && !/cache$/.test(name)),
        [],
      );
    },
    { answer: (bytes) => [200, bytes.subarray(0, 1000)] },
  ));

test('a release that is not there says so, and a mirror that stumbles is asked again', async () => {
  await released(
    async ({ action, inputs }) => {
      const { code, said } = await step(inputs, { action });
      assert.equal(code, 1);
      assert.match(said, /was answered with HTTP 404: is the version right\?/);
    },
    { answer: () => [404, Buffer.from('')] },
  );
});

test('the inputs in action.yml have both spellings, and are all that is read', async () => {
  const yaml = await readFile(join(ACTION, 'action.yml'), 'utf8');
  const section = (name) => yaml.split(new RegExp(`^${name}:$`, 'm'))[1].split(/^\w/m)[0];
  const names = (text) => [...text.matchAll(/^ {2}([\w-]+):$/gm)].map(([, name]) => name);
  for (const list of [names(section('inputs')), names(section('outputs'))]) {
    for (const name of list.filter((each) => each.includes('_'))) {
      assert.ok(list.includes(name.replaceAll('_', '-')), name);
    }
  }
  const files = ['main.js', 'post.js', 'lib/install.js', 'lib/program.js'];
  const sources = await Promise.all(files.map((file) => readFile(join(ACTION, file), 'utf8')));
  const source = sources.join('');
  const read = names(section('inputs')).filter((name) => !source.includes(`'${name}'`));
  const kebab = read.filter((name) => !source.includes(`'${name.replaceAll('-', '_')}'`));
  assert.deepEqual(kebab, []);
});
