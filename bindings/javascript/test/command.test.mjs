/** The `versioner` command that the package brings. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { VERSION } from 'versioner';

import { REJECTION, SILENCE, withService } from './support/service.mjs';

const COMMAND = fileURLToPath(new URL('../bin/versioner.js', import.meta.url));

/** Runs it to its end, or until `meanwhile` ends it. */
async function command(service, words, meanwhile = async () => {}) {
  const variables = {
    VERSIONER_API_URL: service?.url,
    VERSIONER_API_KEY: service?.key,
    PATH: process.env.PATH,
  };
  const own = spawn(process.execPath, [COMMAND, ...words], {
    env: { ...variables, VERSIONER_GIT: 'false' },
  });
  let [said, complained] = ['', ''];
  own.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  own.stderr.setEncoding('utf8').on('data', (text) => {
    complained += text;
  });
  const ended = once(own, 'close');
  await meanwhile(own);
  const [code, signal] = await ended;
  return { end: signal ?? code, said, complained };
}

const DEPLOYMENT = [
  'deployment',
  '--product',
  'api',
  '--environment',
  'production',
  '--version',
  '1.2.3',
];

test('it tells its version', async () => {
  const { end, said } = await command(undefined, ['version']);
  assert.deepEqual([end, said.includes(VERSION)], [0, true]);
});

test(
  'its exit codes are those of the command line',
  withService(async (service) => {
    service.replies = [undefined, REJECTION, [401, {}]];
    const ends = [];
    for (const words of [
      ['track', ...DEPLOYMENT],
      ['track', ...DEPLOYMENT],
      ['track', ...DEPLOYMENT],
      ['track', 'nothing'],
    ]) {
      ends.push((await command(service, words)).end);
    }
    assert.deepEqual(ends, [0, 5, 4, 1]);
  }),
);

test(
  'it runs a command with the streams and the exit code of that',
  withService(async (service) => {
    const { end, said } = await command(service, [
      'run',
      ...DEPLOYMENT,
      '--',
      'sh',
      '-c',
      'echo run; exit 3',
    ]);
    assert.deepEqual([end, said], [3, 'run\n']);
    assert.deepEqual(service.statuses(), ['started', 'failed']);
  }),
);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
  test(
    `${signal} ends a call as it does without Node`,
    withService(async (service) => {
      service.replies = [SILENCE];
      const over = await command(service, ['track', ...DEPLOYMENT], async (own) => {
        await service.arrivals(1);
        own.kill(signal);
      });
      assert.equal(over.end, 1, over.complained);
      assert.match(over.complained, /interrupted/);
    }),
  );
}

test(
  'signals reach the command that it runs, and SIGUSR1 wakes no debugger',
  withService(async (service) => {
    const script =
      'trap "echo usr; kill -TERM $PPID" USR1; trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done';
    const over = await command(
      service,
      ['run', ...DEPLOYMENT, '--', 'sh', '-c', script],
      async (own) => {
        await once(own.stdout, 'data');
        own.kill('SIGUSR1');
      },
    );
    assert.deepEqual([over.end, over.said], [9, 'ready\nusr\n']);
    assert.ok(!over.complained.includes('Debugger'), over.complained);
    assert.deepEqual(service.statuses(), ['started', 'aborted']);
  }),
);
