/** The step itself. */

const { appendFileSync, existsSync, mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join } = require('node:path');

const { install } = require('./lib/install.js');
const { eventType, flags, run, variables } = require('./lib/program.js');
const { Mistake, input, step, tell, told } = require('./lib/runner.js');

step(async () => {
  const what = input('run').toLowerCase() || 'track';
  if (!['track', 'started', 'setup'].includes(what)) {
    throw new Mistake(`run is ${what}, but must be track, started or setup`);
  }
  if (what === 'setup') {
    const program = await install();
    appendFileSync(process.env.GITHUB_PATH, `${dirname(program)}\n`);
    return;
  }
  const type = eventType();
  const words = flags(type);
  const status = input('status');
  if (what === 'started' && type === 'build') {
    throw new Mistake(
      'run: started is for deployments: tell a build once it has ended, with run: track',
    );
  }
  if (what === 'started' && !['', 'started'].includes(status)) {
    throw new Mistake(
      `status is ${status}, but run: started tells started now and the end by itself`,
    );
  }
  if (input('api_key') === '' && !process.env.VERSIONER_API_KEY) {
    throw new Mistake(
      'api_key is required: give it from a secret. A secret is empty if it does not ' +
        'exist, and in runs of pull requests from forks.',
    );
  }
  const program = await install();
  const folder = mkdtempSync(join(process.env.RUNNER_TEMP || tmpdir(), 'versioner-'));
  const output = join(folder, 'output');
  const env = variables({ GITHUB_OUTPUT: output });
  if (what === 'track') {
    const more = status === '' ? [] : [`--status=${status}`];
    process.exitCode = await run(program, ['track', type, ...words, ...more], env);
  } else {
    const state = join(folder, 'span.json');
    // Told before it begins, so that the end is told even if this step is killed.
    tell('GITHUB_STATE', 'program', program);
    tell('GITHUB_STATE', 'span', state);
    const begin = ['span', 'begin', `--state=${state}`, ...words];
    process.exitCode = await run(program, begin, env);
    if (process.exitCode !== 0) {
      // It may not begin, or has been told as aborted: there is nothing to end.
      tell('GITHUB_STATE', 'span', '');
    }
  }
  outputs(output);
});

/** Hands on what the program tells, under both spellings. */
function outputs(file) {
  const values = existsSync(file) ? told(file) : new Map();
  const event = values.get('deployment_id') ?? values.get('build_id');
  if (event !== undefined) {
    values.set('event_id', event);
  }
  for (const [name, value] of values) {
    tell('GITHUB_OUTPUT', name, value);
    tell('GITHUB_OUTPUT', name.replaceAll('_', '-'), value);
  }
}
