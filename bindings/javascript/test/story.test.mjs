/** A version is built, refused, approved and deployed, against the real server. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  ApprovalRequiredError,
  Client,
  DeploymentConflictError,
  VersionConflictError,
} from 'versioner';

import { withServer } from './support/story.mjs';

const APPROVAL = {
  name: 'Production needs an approval',
  type: 'release_approval',
  environments: ['production'],
  config: { required_approvals: 1, keys: true, exclude_deployer: false },
  create: true,
};

const PRODUCTION = { product: 'api', environment: 'production', version: '1.2.3' };

const approve = (server, versionId) =>
  server.post(`/versions/${versionId}/approvals/`, {
    type: 'release',
    environment: 'production',
    approved_by: 'ada@example.com',
  });

test(
  'a version is built, refused, approved and deployed',
  withServer(async (server) => {
    await server.post('/deployment-rules/', APPROVAL);
    const client = new Client({ apiKey: server.key, apiUrl: server.url, env: {} });
    const built = await client.trackBuild({
      product: 'api',
      version: '1.2.3',
      scmSha: '4f1c2d3e5a6b7c8d9e0f',
      completedAt: new Date(),
      extraMetadata: { coverage: 87.5 },
    });
    assert.ok(built.recorded);

    const refused = client.deploy(PRODUCTION, () => assert.fail('deployed without an approval'));
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof ApprovalRequiredError);
      assert.equal(error.rule, 'Production needs an approval');
      assert.match(error.text, /Obtain approval via Versioner UI/);
      return true;
    });
    await assert.rejects(client.checkDeployment(PRODUCTION), ApprovalRequiredError);

    await approve(server, built.versionId);
    const span = client.prepareDeployment(PRODUCTION);
    await span.run(() =>
      assert.rejects(
        client.trackDeployment({ ...PRODUCTION, status: 'started' }),
        DeploymentConflictError,
      ),
    );
    assert.equal(span.ended.eventId, span.started.eventId);
    assert.ok(span.ended.deployedAt instanceof Date);

    const { items } = await server.get('/deployments/?product=api&environment=production');
    const statuses = items.map((item) => item.status).sort();
    assert.deepEqual(statuses, ['completed', 'preflight_failed', 'preflight_failed']);
    assert.equal((await client.deployedVersion('api', 'production')).version, '1.2.3');
    await assert.rejects(client.deployedVersion('api', 'nowhere'), { kind: 'not_deployed' });
  }),
);

test(
  'a start waits until it is approved, and others work meanwhile',
  withServer(async (server) => {
    await server.post('/deployment-rules/', APPROVAL);
    let built;
    const onLog = (_, message) => {
      if (message.startsWith('waiting:')) {
        void approve(server, built.versionId);
      }
    };
    const client = new Client({ apiKey: server.key, apiUrl: server.url, env: {}, onLog });
    built = await client.trackBuild({ product: 'api', version: '1.2.3' });
    const span = await client.begin({ ...PRODUCTION, wait: 60_000 });
    assert.ok(span.started.recorded);
    await span.end('completed');
  }),
);

test(
  'another commit for the same version is a conflict',
  withServer(async (server) => {
    const client = new Client({ apiKey: server.key, apiUrl: server.url, env: {} });
    await client.trackBuild({ product: 'api', version: '2.0.0', scmSha: '4f1c2d3e5a6b7c8d9e0f' });
    await assert.rejects(
      client.trackBuild({ product: 'api', version: '2.0.0', scmSha: '0e9d8c7b6a5e3d2c1f4f' }),
      (error) =>
        error instanceof VersionConflictError && /2\.0\.0 already exists/.test(error.message),
    );
  }),
);
