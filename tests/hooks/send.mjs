// Sends what GitHub publishes as examples, signed by GitHub's own library, and events signed and written by
// the libraries of Standard Webhooks and CloudEvents; then looks at what became of each.
// Usage: send.mjs URL KEY
import { createRequire } from 'node:module';

import { sign } from '@octokit/webhooks-methods';
import { CloudEvent, HTTP } from 'cloudevents';
import { Webhook } from 'standardwebhooks';

const examples = createRequire(import.meta.url)('@octokit/webhooks-examples');
const [url, key] = process.argv.slice(2);

function check(condition, message) {
  if (!condition) throw new Error(message);
}

async function api(path, body) {
  const answer = await fetch(url + path, {
    method: body ? 'POST' : 'GET',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  check(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

async function send(source, headers, body, expected) {
  const answer = await fetch(url + source.url, { method: 'POST', headers, body });
  check(answer.status === expected, `${source.kind}: ${answer.status} where ${expected} was expected`);
  return (await answer.json()).id;
}

async function became(id) {
  for (;;) {
    const row = await api(`/queue/${id}/`);
    if (row.state !== 'waiting') return row;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const github = await api('/sources/', { name: 'GitHub', kind: 'github' });
const counts = {};
for (const { name, examples: bodies } of examples) {
  for (const [number, example] of bodies.entries()) {
    const body = JSON.stringify(example);
    const headers = {
      'X-GitHub-Event': name,
      'X-GitHub-Delivery': `${name}-${number}`,
      'X-Hub-Signature-256': await sign({ secret: github.secret, algorithm: 'sha256' }, body),
      'Content-Type': 'application/json',
    };
    const row = await became(await send(github, headers, body, 202));
    check(row.state === 'done' || row.state === 'ignored', `${name}: ${row.state}, ${row.error}`);
    counts[row.state] = (counts[row.state] ?? 0) + 1;
    if (name === 'deployment_status') check(row.state === 'done', `${name}: ${row.error}`);
    if (number === 0) await send(github, headers, `${body} `, 401);
  }
}

// What GitHub publishes of deployments, runs and releases ends in the same state in any order, some of it twice.
const TOLD = ['deployment', 'deployment_status', 'workflow_run', 'release'];
const ORDERS = 8;
const told = examples
  .filter(({ name }) => TOLD.includes(name))
  .flatMap(({ name, examples: bodies }) => bodies.map((body, number) => ({ name, id: `${name}-${number}`, body })));

// Numbers that look like chance and are the same each time.
function chance(seed) {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

function shuffled(number) {
  const below = chance(number);
  const order = [];
  for (const one of told) {
    for (let times = below(3); times >= 0; times -= 1) order.splice(below(order.length + 1), 0, one);
  }
  return order;
}

async function ends(number, deliveries) {
  const product = `order-${number}`;
  const workflows = told.filter(({ name }) => name === 'workflow_run').map(({ body }) => body.workflow_run.name);
  const source = await api('/sources/', { name: product, kind: 'github', settings: { product, workflows } });
  for (const { name, id, body: example } of deliveries) {
    const body = JSON.stringify(example);
    const headers = {
      'X-GitHub-Event': name,
      'X-GitHub-Delivery': id,
      'X-Hub-Signature-256': await sign({ secret: source.secret, algorithm: 'sha256' }, body),
      'Content-Type': 'application/json',
    };
    await became(await send(source, headers, body, 202));
  }
  const shown = async (path, members) => {
    const { items } = await api(`/${path}/?product=${product}&limit=100`);
    return items.map((item) => JSON.stringify(members.map((member) => item[member]))).sort();
  };
  return {
    deployments: await shown('deployments', [
      'version', 'status', 'environment_name', 'started_at', 'deployed_at', 'ended_by', 'invoke_id',
    ]),
    builds: await shown('builds', ['version', 'status', 'started_at', 'completed_at', 'invoke_id']),
    versions: await shown('versions', ['version']),
  };
}

const expected = await ends(0, told);
check(expected.deployments.length > 0 && expected.versions.length > 0, `nothing is told: ${JSON.stringify(expected)}`);
for (let number = 1; number <= ORDERS; number += 1) {
  const order = shuffled(number);
  const ended = await ends(number, order);
  const names = order.map(({ id }) => id).join(', ');
  check(
    JSON.stringify(ended) === JSON.stringify(expected),
    `in the order ${names} it ends as ${JSON.stringify(ended)}, not ${JSON.stringify(expected)}`,
  );
}

const standard = await api('/sources/', { name: 'Standard', kind: 'standard' });
const body = JSON.stringify({
  type: 'deployment.completed',
  timestamp: new Date().toISOString(),
  data: { product: 'api', version: '1', environment: 'test' },
});
const now = new Date();
const signed = {
  'Content-Type': 'application/json',
  'webhook-id': 'msg_1',
  'webhook-timestamp': `${Math.floor(now / 1000)}`,
  'webhook-signature': new Webhook(standard.secret).sign('msg_1', now, body),
};
check((await became(await send(standard, signed, body, 202))).state === 'done', 'Standard Webhooks');
await send(standard, signed, `${body} `, 401);

const events = await api('/sources/', { name: 'CloudEvents', kind: 'cloudevents' });
const event = new CloudEvent({
  source: '/argo',
  type: 'dev.cdevents.service.deployed.0.3.0',
  data: {
    context: { specversion: '0.5.1', id: '1', source: '/argo', timestamp: now.toISOString() },
    subject: {
      id: 'api',
      content: { environment: { id: 'test' }, artifactId: 'pkg:oci/api@sha256%3Aabc?tag=2' },
    },
  },
});
for (const written of [HTTP.binary(event), HTTP.structured(event)]) {
  const headers = { ...written.headers, Authorization: `Bearer ${events.secret}` };
  const row = await became(await send(events, headers, written.body, 202));
  check(row.state === 'done', `CloudEvents: ${row.state}, ${row.error}`);
  await send(events, written.headers, written.body, 401);
}
console.log(`GitHub's examples: ${counts.done} done, ${counts.ignored} ignored`);
console.log(`${told.length} of them end in the same state in ${ORDERS} orders`);
