/** The cases that every language runs. */

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { Client, VersionerError } from 'versioner';

import { ScriptedServer } from './support/scripted.mjs';

/** `scmSha` for `scm_sha`. */
function camel(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

/** Settings and fields as JavaScript has them; what is seconds there is milliseconds here. */
function own(values) {
  const seconds = [
    ...['retry_pause', 'attempt_timeout', 'total_timeout', 'timeout'],
    ...['wait', 'lease'],
  ];
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      camel(name),
      seconds.includes(name) ? value * 1000 : value,
    ]),
  );
}

/** The result that every surface shares, with details and data as they were read. */
function shared(outcome) {
  if (outcome === undefined) {
    return 'null';
  }
  const { details, data, ...others } = outcome.toJSON();
  return JSON.stringify(others).replace(
    /^\{/,
    () => `{"details":${outcome.detailsJson || 'null'},"data":${outcome.dataJson || 'null'},`,
  );
}

/** Several calls on one client. */
class Steps {
  #client;
  #event;
  #span;
  #saved = '';

  constructor(client, event) {
    this.#client = client;
    this.#event = event;
  }

  /** The outcome, `undefined` of a step that asks for nothing. */
  async perform(step) {
    try {
      return await this.#perform(step);
    } catch (error) {
      return outcomeOf(error);
    }
  }

  async #perform(step) {
    const { do: what, expect, fields, status, ...more } = step;
    const given = { ...own(fields ?? {}), ...own(more) };
    switch (what) {
      case 'track':
        return this.#client.trackDeployment(given);
      case 'begin':
        return this.#keep(
          this.#event === 'build'
            ? await this.#client.beginBuild(given)
            : await this.#client.begin(given),
        );
      case 'prepare':
        return this.#keep(
          this.#event === 'build'
            ? this.#client.prepareBuild(given)
            : this.#client.prepareDeployment(given),
        );
      case 'resume':
        return this.#keep(await this.#client.resume(this.#saved));
      case 'save':
        this.#saved = this.#span.save();
        return undefined;
      case 'end':
        return this.#span.end(status ?? '', given);
      case 'free':
        await this.#span.close();
        return undefined;
      default:
        throw new Error(`this runner does not know the step ${what}`);
    }
  }

  /** Goes on with this one; the one before is left, as if its process were gone. */
  #keep(span) {
    this.#span = span;
    return span.started;
  }
}

function outcomeOf(error) {
  if (error instanceof VersionerError) {
    return error.outcome;
  }
  throw error;
}

function call(client, started) {
  const fields = own(started.fields);
  switch (started.call) {
    case 'read':
      return client.read(started.path, Object.fromEntries(started.query));
    case 'check':
      return client.checkDeployment(fields);
    case 'state':
      return client.state(fields.product);
    case 'deployed_version':
      return client.deployedVersion(fields.product, fields.environment);
    default:
      return started.event === 'build' ? client.trackBuild(fields) : client.trackDeployment(fields);
  }
}

async function perform(started) {
  const options = { ...own(started.options), env: started.environment, onLog: () => {} };
  try {
    const client = new Client(options);
    if (started.steps === undefined) {
      return shared(await call(client, started));
    }
    const steps = new Steps(client, started.event);
    const results = [];
    for (const step of started.steps) {
      results.push(shared(await steps.perform(step)));
    }
    return `{"steps":[${results.join(',')}]}`;
  } catch (error) {
    return shared(outcomeOf(error));
  }
}

const server = await ScriptedServer.start();
after(() => server.close());
const cases = await server.cases();
describe('does what every surface does', { concurrency: 8 }, () => {
  for (const name of cases) {
    test(name, async () => {
      const started = await server.start(name);
      const judged = await server.finish(started.run, await perform(started));
      assert.ok(judged.passed, judged.differences.join('\n'));
    });
  }
});
