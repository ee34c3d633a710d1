// verify, pin --verify and policy explain as a user runs them, against a real registry on loopback.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { host, repository, web } from '../../../test/cli-registry.ts';
import { podWith, runTagproof } from '../../../test/run-cli.ts';
import { digestOf } from '../../image/hash.ts';
import { OCI_MANIFEST } from '../../image/media-type.ts';

const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8');

test('verify and pin --verify: only what the policy accepts, open questions are exit code 2', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const text = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { 'docker-reference': '' },
        image: { 'docker-manifest-digest': web },
        type: 'cosign container image signature',
      },
    }),
  );
  await pushSignature('web', web, text, sign('sha256', text, privateKey));
  const key = publicKey.export({ type: 'spki', format: 'pem' }).toString().replaceAll('\n', '\n        ');
  const policy = `authorities:
  release:
    keys:
      - |
        ${key}
    transparencyLog: ignore
rules:
  - {name: ours, images: ["HOST/**"], digest: resolve, signatures: {all: [release]}}
`;
  const folder = repository({ 'a.yaml': podWith('HOST/web:1', 'HOST/db:2'), 'tagproof.yaml': policy });
  const shown = await runTagproof(folder, ['verify']);
  assert.equal(shown.code, 1, shown.stderr);
  assert.match(shown.stdout, /verified +release: signed by key [0-9a-f]{12}/);
  assert.match(shown.stdout, /unsigned +release: not signed at all/);
  assert.match(shown.stdout, /1 of 2 images satisfy the policy, 1 do not/);
  assert.equal((await runTagproof(folder, ['verify', `${host}/web:1`])).code, 0);
  assert.match(
    (await runTagproof(folder, ['verify', 'elsewhere.io:1/x', '--timeout', '1'])).stdout,
    /no rule applies to this image/,
  );

  const pinned = await runTagproof(folder, ['pin', '--verify']);
  assert.equal(pinned.code, 1);
  assert.equal(read(folder, 'a.yaml'), podWith(`${host}/web:1@${web}`, `${host}/db:2`));
  assert.match(
    read(folder, 'tagproof.lock'),
    /"verified":\{"policy":"sha256:[0-9a-f]{64}","by":\[\{"authority":"release","keyId":"[0-9a-f]{64}"\}\]\}/,
  );
  const filtered = await runTagproof(folder, ['pin', '--verify', '-'], {
    stdin: podWith(`${host}/web:1`, `${host}/db:2`),
  });
  assert.equal(filtered.stdout, '');

  const down = repository({
    'a.yaml': podWith(`localhost:1/web:1@${web}`),
    'tagproof.yaml': policy.replaceAll('HOST', 'localhost:1'),
  });
  const unknown = await runTagproof(down, ['verify']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /could not be resolved: cannot reach/);
  assert.equal((await runTagproof(repository({ 'a.yaml': '' }), ['verify'])).code, 2);
});

async function pushSignature(repository: string, digest: string, payload: Buffer, signature: Buffer): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const blob = digestOf(payload);
  await fetch(`http://${host}${started.headers.get('location')}?digest=${blob}`, { method: 'PUT', body: payload });
  const annotations = { 'dev.cosignproject.cosign/signature': signature.toString('base64') };
  const layers = [
    { mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json', digest: blob, size: payload.length, annotations },
  ];
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: layers[0], layers });
  await fetch(`${base}/manifests/${digest.replace(':', '-')}.sig`, {
    method: 'PUT',
    body: manifest,
    headers: { 'content-type': OCI_MANIFEST },
  });
}

test('policy explain --replay: the log of the webhook, decided again without network', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const line = (image: string, outcome: string, more: object = {}) =>
    JSON.stringify({
      at: '2026-11-24T00:00:00Z',
      step: 'validate',
      namespace: 'shop',
      kind: 'Pod',
      name: 'web',
      policy: 'sha256:x',
      decisions: [{ image, digest, decision: { outcome, results: [] }, evidence: { digest, verdicts: {} }, ...more }],
    });
  const folder = repository({
    'tagproof.yaml': 'rules: [{name: r, images: ["ghcr.io/**"], digest: required}]\n',
    'decisions.log': [
      line(`ghcr.io/x@${digest}`, 'allow'),
      line('ghcr.io/x:1', 'allow'),
      line('ghcr.io/y:1', 'deny', {
        decision: { outcome: 'deny', results: [{ rule: '(form)', ok: false, unchecked: false, reason: 'r' }] },
      }),
      '{"at":"x","message":"policy in force"}',
      'not json',
      '',
    ].join('\n'),
  });
  const { code, stdout, stderr } = await runTagproof(folder, ['policy', 'explain', '--replay', 'decisions.log']);
  assert.equal(code, 2);
  assert.match(stdout, /2:1 {2}error {2}ghcr\.io\/x:1: .*was allow, would be deny: rule 'r': must be pinned/);
  assert.match(stdout, /2 decisions replayed: 1 the same, 1 differs; 1 were not made by rules/);
  assert.match(stdout, /under another policy/);
  assert.match(stderr, /decisions\.log:5/);
});
