/** Runs `versioner` with what the inputs say. */

const { spawn } = require('node:child_process');
const { once } = require('node:events');

const { Mistake, command, input } = require('./runner.js');

/** Inputs with the flags that they are. */
const BOTH = {
  version: ['version'],
  source_system: ['source_system'],
  build_number: ['build_number'],
  scm_sha: ['scm_sha'],
  scm_branch: ['scm_branch'],
  scm_repository: ['scm_repository'],
  build_url: ['build_url'],
  product: ['product_name', 'product'],
  extra_metadata: ['metadata', 'extra_metadata'],
  fail_on_api_error: ['fail_on_api_error'],
};
const EVENTS = {
  build: { ...BOTH, built_by: ['built_by'] },
  deployment: {
    ...BOTH,
    environment: ['environment'],
    deploy_url: ['deploy_url'],
    deployed_by: ['deployed_by'],
    part: ['part'],
    wait: ['wait'],
  },
};

/** `deployment` or `build`. */
function eventType() {
  const type = input('event_type').toLowerCase() || 'deployment';
  if (!Object.hasOwn(EVENTS, type)) {
    throw new Mistake(`event_type is ${type}, but must be deployment or build`);
  }
  return type;
}

/** The flags of an event. An input that is empty is not given: GitHub knows no difference. */
function flags(type) {
  return Object.entries(EVENTS[type]).flatMap(([flag, names]) => {
    const value = input(...names);
    return value === '' ? [] : [`--${flag.replaceAll('_', '-')}=${value}`];
  });
}

/** The variables of the program: the key is in none of its arguments, which other programs see. */
function variables(more = {}) {
  const key = input('api_key');
  if (key !== '') {
    command('add-mask', key);
  }
  const given = {
    VERSIONER_API_KEY: key,
    VERSIONER_API_URL: input('api_url'),
    VERSIONER_UI_URL: input('ui_url'),
    ...more,
  };
  const set = Object.entries(given).filter(([, value]) => value !== '');
  return { ...process.env, ...Object.fromEntries(set) };
}

/** Runs it with the streams of this step, and gives its exit code. It decides what a signal means. */
async function run(program, words, env) {
  const own = spawn(program, words, { env, stdio: 'inherit' });
  const forward = (signal) => own.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, forward);
  }
  const [code, signal] = await once(own, 'exit').catch((error) => {
    throw new Mistake(`${program} cannot be run: ${error.message}`);
  });
  for (const name of ['SIGINT', 'SIGTERM']) {
    process.removeListener(name, forward);
  }
  if (signal) {
    command('error', `versioner was ended by ${signal}`);
  }
  return code ?? 1;
}

module.exports = { eventType, flags, run, variables };
