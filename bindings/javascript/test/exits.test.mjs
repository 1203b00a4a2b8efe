/** What is told of a body when the process ends, in whichever way. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Program } from './support/programs.mjs';
import { SILENCE, withService } from './support/service.mjs';

const DEPLOYING = `
await client.deploy(fields, async () => {
  say('deploying');
  await workOn();
});`;

function facts(request) {
  const { vi_duration_ms: _, ...told } = request.extra_metadata;
  return told;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  test(
    `${signal} aborts the deployment, and ends the process as without it`,
    withService(async (service) => {
      const program = new Program(service, DEPLOYING);
      await program.says('deploying');
      program.process.kill(signal);
      assert.deepEqual(await program.over(), { end: signal, said: 'deploying\n', complained: '' });
      assert.deepEqual(service.statuses(), ['started', 'aborted']);
      assert.deepEqual(facts(service.requests[1]), { vi_signal: signal.slice(3) });
    }),
  );
}

test(
  'a body that asks for the signal may stop by itself first',
  withService(async (service) => {
    const program = new Program(
      service,
      `await client.deploy(fields, async ({ signal }) => {
        say('deploying');
        const alive = setInterval(() => {}, 1000);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        clearInterval(alive);
        await client.trackBuild({ product: 'tidied', version: '1' });
        signal.throwIfAborted();
      });`,
    );
    await program.says('deploying');
    program.process.kill('SIGTERM');
    assert.equal((await program.over()).end, 'SIGTERM');
    assert.deepEqual(
      service.requests.map((sent) => sent.product_name),
      ['api', 'tidied', 'api'],
    );
    const told = { vi_signal: 'TERM', vi_error_class: 'DOMException' };
    assert.deepEqual(facts(service.requests[2]), told);
  }),
);

test(
  'a second signal does not wait for a body that does not stop',
  withService(async (service) => {
    const program = new Program(
      service,
      `await client.deploy(fields, async ({ signal }) => {
        say('deploying');
        signal.addEventListener('abort', () => say('stopping'));
        await workOn();
      });`,
    );
    await program.says('deploying');
    program.process.kill('SIGINT');
    await program.says('stopping');
    program.process.kill('SIGTERM');
    assert.equal((await program.over()).end, 'SIGTERM');
    assert.equal(service.statuses()[0], 'started');
  }),
);

test(
  'a signal while the start is asked for aborts what may have been recorded',
  withService(async (service) => {
    service.replies = [SILENCE];
    const program = new Program(service, DEPLOYING);
    await service.arrivals(1);
    program.process.kill('SIGTERM');
    assert.deepEqual(await program.over(), { end: 'SIGTERM', said: '', complained: '' });
    assert.deepEqual(service.statuses(), ['started', 'aborted']);
  }),
);

test(
  'a signal while the end is told does not change it',
  withService(async (service) => {
    service.replies = [[200, { id: 'evt' }], SILENCE];
    const program = new Program(
      service,
      `await client.deploy(fields, ({ signal }) => {
        signal.addEventListener('abort', () => say('stopping'));
      });`,
    );
    await service.arrivals(2);
    program.process.kill('SIGTERM');
    await program.says('stopping');
    service.server.closeAllConnections();
    assert.equal((await program.over()).end, 'SIGTERM');
    assert.deepEqual([...new Set(service.statuses())], ['started', 'completed']);
  }),
);

test(
  'a signal that the program handles is its own',
  withService(async (service) => {
    const program = new Program(
      service,
      `process.on('SIGTERM', () => { say('handled'); resolve('went on'); });
      let resolve;
      const alive = setInterval(() => {}, 1000);
      await client.deploy(fields, () => {
        say('deploying');
        return new Promise((given) => { resolve = given; });
      });
      clearInterval(alive);`,
    );
    await program.says('deploying');
    program.process.kill('SIGTERM');
    assert.equal((await program.over()).end, 0);
    assert.deepEqual(service.statuses(), ['started', 'completed']);
  }),
);

const EXITS = [
  ['process.exit(0) in the body', 'process.exit(0)', 0, 'completed', { vi_exit_code: 0 }],
  ['process.exit(3) in the body', 'await null; process.exit(3)', 3, 'failed', { vi_exit_code: 3 }],
  ['process.exit(0) elsewhere', 'elsewhere(0); await workOn()', 0, 'aborted', {}],
  ['process.exit(2) elsewhere', 'elsewhere(2); await workOn()', 2, 'aborted', { vi_exit_code: 2 }],
  [
    'process.exit(0) of a signal that the program handles',
    "process.on('SIGTERM', () => process.exit(0)); process.kill(process.pid, 'SIGTERM'); await workOn()",
    0,
    'aborted',
    { vi_signal: 'TERM' },
  ],
  // Which code the process will have is not known yet.
  ['a promise that nothing settles', 'await new Promise(() => {})', 13, 'aborted', undefined],
];

for (const [what, body, end, status, told] of EXITS) {
  test(
    `${what} ends it`,
    withService(async (service) => {
      const program = new Program(
        service,
        `let elsewhere;
        const left = new Promise((resolve) => { elsewhere = resolve; });
        void left.then((code) => process.exit(code));
        await client.deploy(fields, async () => { ${body}; });`,
      );
      const over = await program.over();
      assert.equal(over.end, end, over.complained);
      assert.deepEqual(service.statuses(), ['started', status]);
      if (told !== undefined) {
        assert.deepEqual(facts(service.requests[1]), told);
      }
    }),
  );
}

test(
  'an exception from elsewhere that ends the process aborts it',
  withService(async (service) => {
    const program = new Program(
      service,
      `setImmediate(() => client.deploy(fields, () => { fail(); return workOn(); }));
      let fail;
      new Promise((resolve) => { fail = resolve; }).then(() => setTimeout(() => { throw new Error('crash'); }, 0));`,
    );
    const over = await program.over();
    assert.equal(over.end, 1);
    assert.match(over.complained, /Error: crash/);
    assert.equal(service.statuses()[0], 'started');
    assert.equal(service.statuses().length, 2);
    assert.notEqual(service.statuses()[1], 'completed');
  }),
);

test(
  'an end that cannot be told at the exit is said',
  withService(async (service) => {
    service.replies = [
      [200, { id: 'evt' }],
      [400, { detail: 'No thanks' }],
    ];
    const program = new Program(service, 'await client.deploy(fields, () => process.exit(3));');
    const over = await program.over();
    assert.equal(over.end, 3);
    assert.match(
      over.complained,
      /VersionerWarning: the end \(failed\) could not be told: .*No thanks/,
    );
  }),
);

const BODIES = `
const bodies = 3;
let running = 0;
const allRun = (then) => (running += 1) === bodies && then();
for (let number = 0; number < bodies; number += 1) {
  void client.deploy({ ...fields, product: String(number) }, async () => {
    allRun(RUN);
    await workOn();
  });
}`;

for (const [how, run, end] of [
  ['process.exit', 'process.exit(3)', 3],
  ['an exception that nobody catches', "setImmediate(() => { throw new Error('x'); })", 1],
]) {
  test(
    `${how} tells the ends of all bodies at once`,
    withService(async (service) => {
      const begun = [200, { id: 'evt' }];
      service.replies = [begun, begun, begun, SILENCE, SILENCE, SILENCE];
      const program = new Program(service, BODIES.replace('RUN', `() => ${run}`));
      await service.arrivals(6);
      // None has been given up yet.
      const open = await new Promise((resolve) => {
        service.server.getConnections((_, count) => resolve(count));
      });
      assert.ok(open >= 3, `${open} connections`);
      service.server.closeAllConnections();
      assert.equal((await program.over()).end, end);
      assert.deepEqual(
        [...new Set(service.requests.slice(3).map((sent) => sent.product_name))].sort(),
        ['0', '1', '2'],
      );
    }),
  );
}

test(
  'an end that a signal could not tell is not told once more',
  withService(async (service) => {
    service.replies = [
      [200, { id: 'evt' }],
      [400, { detail: 'No thanks' }],
    ];
    const program = new Program(service, DEPLOYING);
    await program.says('deploying');
    program.process.kill('SIGTERM');
    const over = await program.over();
    assert.equal(over.end, 'SIGTERM');
    assert.match(over.complained, /the end \(aborted\) could not be told: .*No thanks/);
    assert.deepEqual(service.statuses(), ['started', 'aborted']);
  }),
);

for (const [version, name] of [
  [3, 'signal-exit-3'],
  [4, 'signal-exit'],
]) {
  test(
    `signal-exit ${version} keeps no signal from ending the process`,
    withService(async (service) => {
      const program = new Program(
        service,
        `import { createRequire } from 'node:module';
        const signalExit = createRequire(process.cwd() + '/tools/')('${name}');
        (signalExit.onExit ?? signalExit)((code, signal) => void say('cleaned up ' + signal));
        ${DEPLOYING}`,
      );
      await program.says('deploying');
      program.process.kill('SIGTERM');
      assert.deepEqual(await program.over(), {
        end: 'SIGTERM',
        said: 'deploying\ncleaned up SIGTERM\n',
        complained: '',
      });
      assert.deepEqual(service.statuses(), ['started', 'aborted']);
    }),
  );
}

test(
  'a process may exit while calls run',
  withService(async (service) => {
    service.isHolding = true;
    const program = new Program(
      service,
      `for (let n = 0; n < 20; n += 1) void client.trackBuild({ product: 'api', version: String(n) });
      process.stdin.on('data', () => process.exit(7));`,
    );
    await service.arrivals(20);
    program.process.stdin.end('exit\n');
    assert.deepEqual(await program.over(), { end: 7, said: '', complained: '' });
  }),
);

test(
  'a process stays until a call is over, and no longer',
  withService(async (service) => {
    const program = new Program(
      service,
      "void client.trackBuild({ product: 'api', version: '1' }).then(() => say('told'));",
    );
    assert.deepEqual(await program.over(), { end: 0, said: 'told\n', complained: '' });
  }),
);

test(
  'a span that is forgotten is told of once it is collected',
  withService(async (service) => {
    const program = new Program(
      service,
      `await client.begin(fields);
      await new Promise((resolve) => setImmediate(resolve));
      for (let round = 0; round < 50; round += 1) {
        globalThis.gc();
        await new Promise((resolve) => setImmediate(resolve));
      }`,
      { node: ['--expose-gc'] },
    );
    const over = await program.over();
    assert.equal(over.end, 0);
    assert.match(over.complained, /a span was lost without an end/);
    assert.deepEqual(service.statuses(), ['started']);
  }),
);
