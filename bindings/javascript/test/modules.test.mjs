/** The package as it is loaded: by both kinds of modules, in workers, with and without its library. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';

import * as versioner from 'versioner';

import { withService } from './support/service.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

test('both kinds of modules are one', () => {
  const common = require('versioner');
  const module = new Map(Object.entries(versioner));
  assert.ok(module.has('Client'));
  for (const [name, value] of Object.entries(common)) {
    assert.equal(module.get(name), value, name);
  }
  assert.equal(versioner.VERSION, require('versioner/package.json').version);
});

test('every kind of outcome has the class of its code', async () => {
  const { native } = require('../lib/native.js');
  const { errorOf } = require('../lib/errors.js');
  for (const [kind, code] of Object.entries(JSON.parse(native.tables()).kinds)) {
    const error = errorOf(new versioner.Outcome({ kind, code }));
    assert.equal(error instanceof versioner.RejectedError, code === 5, kind);
    assert.equal(error instanceof versioner.APIError, code === 4, kind);
  }
});

test('errors are made for tests of others', () => {
  const outcome = new versioner.Outcome({ code: 5, kind: 'rejected', message: 'not today' });
  const error = new versioner.RejectedError(outcome);
  assert.deepEqual([error.message, error.code, error.rule], ['not today', 5, '']);
});

const IN_WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
const versioner = require(${JSON.stringify(ROOT)});
const client = new versioner.Client({ apiUrl: workerData.url, apiKey: workerData.key, maxRetries: 0 });
const fields = { product: 'api', environment: 'production', version: '1' };
`;

function worker(service, source, options = {}) {
  const workerData = { url: service.url, key: service.key };
  return new Worker(IN_WORKER + source, { eval: true, workerData, ...options });
}

test(
  'workers have clients of their own, which go by the variables of the worker',
  withService(async (service) => {
    const source = 'client.deploy({ ...fields, product: undefined }, () => {});';
    const workers = ['one', 'two'].map((product) =>
      worker(service, source, { env: { VERSIONER_PRODUCT: product } }),
    );
    await Promise.all(workers.map((each) => once(each, 'exit')));
    const products = service.requests.map((sent) => sent.product_name).sort();
    assert.deepEqual(products, ['one', 'one', 'two', 'two']);
  }),
);

test(
  'a worker may be terminated while a call runs, and exit in a body',
  withService(async (service) => {
    service.isHolding = true;
    const calling = worker(service, 'client.deploy(fields, () => {});');
    await service.arrivals(1);
    await calling.terminate();
    service.isHolding = false;
    const exiting = worker(service, 'client.deploy(fields, () => process.exit(3));');
    assert.deepEqual(await once(exiting, 'exit'), [3]);
    assert.deepEqual(service.statuses().slice(-2), ['started', 'failed']);
  }),
);

/** A package in a folder of its own, without the library, and what loading it says. */
async function loadedFrom(prepare) {
  const folder = await mkdtemp(join(tmpdir(), 'versioner-'));
  const home = join(folder, 'node_modules', 'versioner');
  await mkdir(home, { recursive: true });
  for (const name of ['lib', 'package.json']) {
    await cp(join(ROOT, name), join(home, name), { recursive: true });
  }
  await prepare(join(folder, 'node_modules'), home);
  const load =
    "try { require('versioner'); console.log('loaded'); } catch (error) { console.log(error.code, error.message); }";
  const { stdout } = await run(process.execPath, ['-e', load], { cwd: folder });
  await rm(folder, { recursive: true });
  return stdout;
}

test('a library that is missing is an error that says why and what to do', async () => {
  const said = await loadedFrom(async () => {});
  assert.match(said, /^VERSIONER_LIBRARY_MISSING versioner misses its native library/);
  assert.match(said, /github\.com\/npm\/cli\/issues\/4828/);
  assert.match(said, /--omit=optional/);
});

test('a system that no library is for is named', async () => {
  const said = await loadedFrom(async (_, home) => {
    const shim = "Object.defineProperty(process, 'platform', { value: 'aix' });";
    await writeFile(join(home, 'package.json'), '{"version":"0.1.0","main":"shim.js"}');
    await writeFile(join(home, 'shim.js'), `${shim} module.exports = require('./lib/index.js');`);
  });
  assert.match(said, /no native library for aix-/);
  assert.match(said, /it has one for linux-x64-gnu, /);
});

async function installed(modules, library) {
  const [name] = (await readdir(ROOT)).filter((file) => file.endsWith('.node'));
  const platform = name.split('.')[1];
  const home = join(modules, '@versioner', `sdk-${platform}`);
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'package.json'), '{"main":"versioner.node"}');
  if (library === undefined) {
    await cp(join(ROOT, name), join(home, 'versioner.node'));
  } else {
    await writeFile(join(home, 'versioner.node'), library);
  }
}

test('an installed library is loaded, one that is damaged or of another version is not', async () => {
  assert.equal(await loadedFrom((modules) => installed(modules)), 'loaded\n');
  const damaged = await loadedFrom((modules) => installed(modules, 'no library'));
  assert.match(damaged, /VERSIONER_LIBRARY_MISSING versioner cannot load its native library/);
  assert.match(damaged, /delete node_modules\/@versioner/);
  const other = await loadedFrom(async (modules, home) => {
    await installed(modules);
    await writeFile(join(home, 'package.json'), '{"version":"9.9.9","main":"lib/index.js"}');
  });
  assert.match(other, /is version 0\.1\.0, but the package versioner is 9\.9\.9/);
});
