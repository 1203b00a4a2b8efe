/** The components: that they are well formed, and that their scripts do what they say, in a plain shell. */

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { needed } from '../../../bindings/javascript/test/support/scripted.mjs';
import { StoryServer } from '../../../bindings/javascript/test/support/story.mjs';

const TEMPLATES = new URL('../templates/', import.meta.url);
const PROGRAM = needed('VERSIONER_PROGRAM');
const TO_JSON = 'puts JSON.generate(YAML.load_stream($stdin.read))';

const program = await readFile(PROGRAM);
const checksum = createHash('sha256').update(program).digest('hex');
let server;
let mirror;
let folder;

before(async () => {
  server = await StoryServer.start();
  folder = await mkdtemp(join(tmpdir(), 'versioner-'));
  mirror = createServer((_, response) => response.end(program));
  mirror.listen(0, '127.0.0.1');
  await once(mirror, 'listening');
});
after(async () => {
  mirror.closeAllConnections();
  mirror.close();
  await server.close();
  await rm(folder, { recursive: true });
});

/** The inputs of a component, and its only job with these values for them. */
async function component(name, values = {}) {
  const text = await readFile(new URL(`${name}.yml`, TEMPLATES), 'utf8');
  const parse = (input) =>
    JSON.parse(execFileSync('ruby', ['-ryaml', '-rjson', '-e', TO_JSON], { input }));
  const [{ spec }] = parse(text);
  const used = [...text.matchAll(/\$\[\[ inputs\.(\w+) \]\]/g)].map(([, input]) => input);
  const value = (input) => values[input] ?? spec.inputs[input].default;
  const filled = text.replace(/\$\[\[ inputs\.(\w+) \]\]/g, (_, input) => String(value(input)));
  const [, jobs] = parse(filled);
  const [[job, content]] = Object.entries(jobs);
  return { inputs: spec.inputs, used: new Set(used), job, content };
}

/** Runs lines as a runner does: one shell, which stops at the first failure. */
async function run(lines, variables, more = {}) {
  const own = spawn('sh', ['-e', '-c', lines.join('\n')], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      ...variables,
      GITLAB_CI: 'true',
      CI_JOB_ID: '42',
      CI_PIPELINE_ID: '4711',
      CI_PROJECT_DIR: join(folder, 'project'),
      CI_PROJECT_NAME: 'api',
      CI_COMMIT_SHA: '4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b7c8d9e0f',
      VERSIONER_API_KEY: server.key,
      ...more,
    },
  });
  let said = '';
  for (const stream of [own.stdout, own.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
  }
  const [code] = await once(own, 'close');
  return { code, said };
}

/** Variables as the runner hands them over: all of them are text. */
const texts = (variables) =>
  Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, String(value ?? '')]));

const filled = (inputs) => ({
  api_url: server.url,
  cli_url: `http://127.0.0.1:${mirror.address().port}/`,
  checksum_amd64: checksum,
  checksum_arm64: checksum,
  environment: 'staging',
  version: '1.2.3',
  ...inputs,
});

const last = async (product) =>
  (await server.get(`/deployments/?product=${product}`)).items.map((item) => item.status);

for (const file of await readdir(TEMPLATES)) {
  test(`${file} declares what it uses, uses what it declares, and has sound scripts`, async () => {
    const { inputs, used, content } = await component(file.replace('.yml', ''));
    assert.deepEqual([...used].sort(), Object.keys(inputs).sort());
    for (const [name, { description }] of Object.entries(inputs)) {
      assert.match(description, /\.$/, name);
    }
    const scripts = [
      [...(content.before_script ?? []), ...(content.script ?? [])],
      content.after_script,
    ];
    for (const lines of scripts.filter(Boolean)) {
      execFileSync('shellcheck', ['--shell=sh', '--severity=warning', '-'], {
        input: lines.join('\n'),
      });
    }
  });
}

test('an event is told, of a build too', async () => {
  for (const inputs of [{ product: 'told' }, { product: 'told', event_type: 'build' }]) {
    const { job, content } = await component('track', filled(inputs));
    assert.equal(job, 'versioner');
    const { code, said } = await run(content.script, texts(content.variables));
    assert.equal(code, 0, said);
    assert.match(said, /event tracked successfully/);
  }
  assert.deepEqual(await last('told'), ['completed']);
});

for (const [status, end] of [
  ['success', 'completed'],
  ['failed', 'failed'],
  ['canceled', 'aborted'],
]) {
  test(`a job that is ${status} ends its deployment as ${end}`, async () => {
    const { content } = await component('deployment', filled({ product: end }));
    const variables = texts(content.variables);
    const begun = await run([...content.before_script, 'echo deploying'], variables);
    assert.equal(begun.code, 0, begun.said);
    assert.match(begun.said, /deploying/);
    assert.deepEqual(await last(end), ['started']);
    const over = await run(content.after_script, variables, { CI_JOB_STATUS: status });
    assert.equal(over.code, 0, over.said);
    assert.deepEqual(await last(end), [end]);
    assert.deepEqual(await readdir(join(folder, 'project.tmp')), []);
  });
}

test('a rejection fails the job before its script, and leaves nothing to end', async () => {
  await server.post('/deployment-rules/', {
    name: 'Staging first',
    type: 'flow',
    environments: ['production'],
    config: { required_environments: ['staging'] },
    create: true,
  });
  const { content } = await component(
    'deployment',
    filled({ product: 'no', environment: 'production' }),
  );
  const variables = texts(content.variables);
  const begun = await run([...content.before_script, 'echo deploying'], variables);
  assert.equal(begun.code, 5);
  assert.ok(!begun.said.includes('deploying\n'));
  const over = await run(content.after_script, variables, { CI_JOB_STATUS: 'failed' });
  assert.deepEqual(over, { code: 0, said: '' });
});

test('a program that is not the one whose checksum is given is not run', async () => {
  for (const [inputs, message] of [
    [
      { checksum_amd64: 'a'.repeat(64), checksum_arm64: 'a'.repeat(64) },
      /has another SHA-256 than/,
    ],
    [{ checksum_amd64: '', checksum_arm64: '' }, /is not given: it is in SHA256SUMS/],
    [{ cli_url: 'http://127.0.0.1:1' }, /cannot be downloaded/],
  ]) {
    const { content } = await component('track', { ...filled({ product: 'none' }), ...inputs });
    const { code, said } = await run(content.script, texts(content.variables));
    assert.equal(code, 1, said);
    assert.match(said, message);
  }
});
