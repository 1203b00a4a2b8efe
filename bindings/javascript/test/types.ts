/** Never run: that what people write has types, and what is wrong has none. */

import {
  APIError,
  Client,
  type DeploymentFields,
  Outcome,
  RejectedError,
  type Status,
} from '../src/index.js';

const client = new Client({ apiKey: undefined, onLog: (level, message) => void [level, message] });
const fields: DeploymentFields = { product: 'api', environment: 'e', version: '1', wait: 1000 };

export async function uses(status: Status): Promise<number> {
  const outcome: Outcome = await client.trackDeployment({ ...fields, status });
  const answer: number = await client.deploy({ product: 'api', lease: 60_000 }, async (span) => {
    span.signal.throwIfAborted();
    return span.id.length;
  });
  const text: string = await client.build({}, () => 'made');
  await using span = await client.begin(fields);
  await span.end('completed', { exitCode: 0 });
  const error = new RejectedError(new Outcome({ code: 5, kind: 'rejected' }));
  return answer + text.length + (error instanceof APIError ? outcome.code : error.attempts);
}

export async function misuses(): Promise<void> {
  // @ts-expect-error: a name that is no field
  await client.trackBuild({ produkt: 'api' });
  // @ts-expect-error: a version is a text
  await client.trackBuild({ version: 1.1 });
  // @ts-expect-error: no status that there is
  await client.trackBuild({ status: 'well' });
  // @ts-expect-error: a build has no environment
  await client.trackBuild({ environment: 'e' });
  // @ts-expect-error: a deployment with a body ends by itself
  await client.deploy({ status: 'completed' }, () => {});
  // @ts-expect-error: there is nothing between start and end
  await client.deploy(fields);
  // @ts-expect-error: no end
  await (await client.begin()).end('started');
}
