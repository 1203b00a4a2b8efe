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
