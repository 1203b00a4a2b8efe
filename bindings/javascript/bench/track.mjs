/**
 * Sends events to a server that answers at once, one after the other, and prints the median in
 * microseconds: node track.mjs versioner|fetch|axios URL COUNT
 */

const [which, url, count] = process.argv.slice(2);
const KEY = 'sk_test_k1_secretsecret';
const SHA = '4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b';
const FILL = { fill: '0123456789'.repeat(70) };
const HEADERS = { Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' };
// The same body: the share of the work that is the transport's alone.
const BODY = JSON.stringify({
  product_name: 'api',
  version: '1.2.3',
  status: 'completed',
  source_system: 'github',
  scm_branch: 'main',
  scm_sha: SHA,
  extra_metadata: FILL,
});

const CALLS = {
  async versioner() {
    const { Client } = await import('versioner');
    const client = new Client({ apiKey: KEY, apiUrl: url, env: {} });
    const fields = { product: 'api', version: '1.2.3', sourceSystem: 'github', scmBranch: 'main' };
    return () => client.trackBuild({ ...fields, scmSha: SHA, extraMetadata: FILL });
  },
  async fetch() {
    const options = { method: 'POST', headers: HEADERS, body: BODY };
    return async () => (await fetch(`${url}/build-events/`, options)).json();
  },
  async axios() {
    const { default: axios } = await import('axios');
    const { Agent } = await import('node:http');
    const client = axios.create({ headers: HEADERS, httpAgent: new Agent({ keepAlive: true }) });
    return () => client.post(`${url}/build-events/`, BODY);
  },
};

const call = await CALLS[which]();
const times = [];
for (let number = -count; number < count; number += 1) {
  const start = process.hrtime.bigint();
  await call();
  if (number >= 0) {
    times.push(Number(process.hrtime.bigint() - start) / 1000);
  }
}
times.sort((one, other) => one - other);
console.log(times[Math.floor(times.length / 2)].toFixed(2));
