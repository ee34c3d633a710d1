// Tokens of clouds: which questions go where, and that nobody else gets one. The clouds are played.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CLOUD_HOSTS, type Cloud, matchesHost } from '../../image/hosts.ts';
import { parseConfig } from '../../policy/config-file.ts';
import type { CloudRequest } from './ask.ts';
import { cloudCredentials } from './cloud.ts';

const folder = mkdtempSync(join(tmpdir(), 'tagproof-cloud-'));
after(() => rmSync(folder, { recursive: true }));
const token = join(folder, 'token');
writeFileSync(token, 'pod-token\n');

type Call = Parameters<CloudRequest>[0];
function play(answers: readonly [url: RegExp, answer: unknown][]): { ask: CloudRequest; calls: Call[] } {
  const calls: Call[] = [];
  const ask: CloudRequest = async (call) => {
    calls.push(call);
    const found = answers.find(([url]) => url.test(call.url));
    assert.ok(found, call.url);
    return found[1];
  };
  return { ask, calls };
}
const none = async () => undefined;

test('google: the metadata server, once for as long as the token is good', async () => {
  const { ask, calls } = play([[/^http:\/\/metadata\.google\.internal\//, { access_token: 'T', expires_in: 3600 }]]);
  const source = cloudCredentials([{ host: 'europe-docker.pkg.dev', credentials: 'google' }], none, ask, {});
  const expected = { kind: 'basic', username: 'oauth2accesstoken', password: 'T' };
  assert.deepEqual(await source('europe-docker.pkg.dev', 'x'), expected);
  assert.deepEqual(await source('europe-docker.pkg.dev', 'y'), expected);
  assert.equal(calls.length, 1);
  assert.equal(calls[0]?.headers?.['metadata-flavor'], 'Google');
  assert.equal(await source('gcr.io', 'x'), undefined, 'a host that the policy does not name for it');
});

test('azure: the pod’s token, Entra ID, the registry', async () => {
  const { ask, calls } = play([
    [/^https:\/\/login\.microsoftonline\.com\/tenant\/oauth2\/v2\.0\/token$/, { access_token: 'ENTRA' }],
    [/^https:\/\/team\.azurecr\.io\/oauth2\/exchange$/, { refresh_token: 'REFRESH' }],
  ]);
  const env = { AZURE_CLIENT_ID: 'client', AZURE_TENANT_ID: 'tenant', AZURE_FEDERATED_TOKEN_FILE: token };
  const source = cloudCredentials([{ host: 'team.azurecr.io', credentials: 'azure' }], none, ask, env);
  assert.deepEqual(await source('team.azurecr.io', 'x'), { kind: 'identity', token: 'REFRESH' });
  assert.match(calls[0]?.body ?? '', /client_assertion=pod-token/);
  assert.match(calls[1]?.body ?? '', /service=team\.azurecr\.io.*access_token=ENTRA/);
});

const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const authorized = {
  authorizationData: [
    { authorizationToken: Buffer.from('AWS:secret').toString('base64'), expiresAt: Date.now() / 1000 + 43_200 },
  ],
};
const KEYS = { AccessKeyId: 'AKIA', SecretAccessKey: 'S', SessionToken: 'SESSION', Token: 'SESSION' };
const ways: [name: string, env: NodeJS.ProcessEnv, answers: [RegExp, unknown][]][] = [
  ['keys of the environment', { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'S' }, []],
  [
    'a role for the service account',
    { AWS_ROLE_ARN: 'arn:aws:iam::1:role/r', AWS_WEB_IDENTITY_TOKEN_FILE: token },
    [
      [
        /^https:\/\/sts\.eu-west-1\.amazonaws\.com\/$/,
        { AssumeRoleWithWebIdentityResponse: { AssumeRoleWithWebIdentityResult: { Credentials: KEYS } } },
      ],
    ],
  ],
  [
    'EKS Pod Identity',
    {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://169.254.170.23/v1/credentials',
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: token,
    },
    [[/^http:\/\/169\.254\.170\.23\/v1\/credentials$/, KEYS]],
  ],
];
for (const [name, env, answers] of ways) {
  test(`amazon: ${name}`, async () => {
    const { ask, calls } = play([...answers, [/^https:\/\/api\.ecr\.eu-west-1\.amazonaws\.com\/$/, authorized]]);
    const source = cloudCredentials([{ host: ECR, credentials: 'amazon' }], none, ask, env);
    assert.deepEqual(await source(ECR, 'x'), { kind: 'basic', username: 'AWS', password: 'secret' });
    const headers = calls.at(-1)?.headers ?? {};
    assert.match(
      headers['authorization'] ?? '',
      /^AWS4-HMAC-SHA256 Credential=AKIA\/\d{8}\/eu-west-1\/ecr\/aws4_request/,
    );
    assert.equal(headers['x-amz-security-token'], answers.length > 0 ? 'SESSION' : undefined);
  });
}

test('amazon: credentials are fetched from the node itself only', async () => {
  const { ask, calls } = play([]);
  const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://evil.test/credentials' };
  const source = cloudCredentials([{ host: ECR, credentials: 'amazon' }], none, ask, env);
  await assert.rejects(source(ECR, 'x'), /leads away from this node/);
  assert.equal(calls.length, 0);
});

test('T49: a look-alike host gets no token, and no policy may name one', async () => {
  const hosts: [cloud: Cloud, host: string, is: boolean][] = [
    ['azure', 'team.azurecr.io', true],
    ['azure', 'evil.azurecr.io.attacker.com', false],
    ['azure', 'teamazurecr.io', false],
    ['google', 'gcr.io', true],
    ['google', 'eu.gcr.io', true],
    ['google', 'evilgcr.io', false],
    ['google', 'europe-docker.pkg.dev', true],
    ['google', 'europe-docker.pkg.dev.attacker.com', false],
    ['amazon', ECR, true],
    ['amazon', `${ECR}.attacker.com`, false],
  ];
  for (const [cloud, host, is] of hosts) {
    assert.equal(matchesHost(CLOUD_HOSTS[cloud], host), is, host);
    const policy = `registries: [{host: ${host}, credentials: ${cloud}}]`;
    if (is) parseConfig(policy, 'test');
    else assert.throws(() => parseConfig(policy, 'test'), /is no registry of/);
    const { ask, calls } = play([]);
    if (!is)
      await assert.rejects(cloudCredentials([{ host, credentials: cloud }], none, ask, {})(host, 'x'), /gets no token/);
    assert.equal(calls.length, 0);
  }
});

test('a failure is not kept: the next question is asked again', async () => {
  let fail = true;
  const ask: CloudRequest = async () => {
    if (fail) throw new Error('down');
    return { access_token: 'T', expires_in: 3600 };
  };
  const source = cloudCredentials([{ host: 'gcr.io', credentials: 'google' }], none, ask, {});
  await assert.rejects(source('gcr.io', 'x'));
  fail = false;
  assert.equal((await source('gcr.io', 'x'))?.kind, 'basic');
});
