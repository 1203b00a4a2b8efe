/** That the README's examples run. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { withServer } from './support/story.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');

test('links lead somewhere from npm too', () => {
  const words = readme.replace(/`[^`]*`/g, '');
  const targets = [...words.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target);
  assert.ok(targets.length > 0);
  assert.deepEqual(
    targets.filter((target) => !target.startsWith('https://')),
    [],
  );
});

test(
  'the examples run',
  withServer(async (server) => {
    const printed = [];
    for (const [, example] of readme.matchAll(/```js\n(.*?)```/gs)) {
      const ran = await run(process.execPath, ['--input-type=module', '--eval', example], {
        cwd: ROOT,
        env: server.env(),
      });
      // The server knows no environment yet, of which the examples warn.
      const stray = ran.stderr
        .split('\n')
        .filter((line) => line !== '' && !/was not known until now|--trace-warnings/.test(line));
      assert.deepEqual(stray, [], example);
      printed.push(ran.stdout);
    }
    assert.equal(printed[0], 'deploying\n');
    assert.match(printed[1], /^\S+ \d{4}-\d\d-\d\dT.*Z\n$/);
    assert.equal(printed[4], '1.2.4\napi\ncompleted\n');
    assert.equal(printed[5], 'deploying\n');
    const { items } = await server.get('/deployments/');
    const told = items.map((item) => `${item.version} ${item.environment_name} ${item.status}`);
    assert.deepEqual(told.sort(), [
      '1.2.3 production completed',
      '1.2.3 production completed',
      '1.2.3 staging completed',
      '1.2.4 production completed',
      '1.2.4 staging completed',
    ]);
  }),
);
