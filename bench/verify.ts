// Verifying: one bundle beside the bare engine; a kept verdict; 100 signed images at 40 ms a request, counted; and the same images
// beside the real cosign.
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, Verifier } from '@sigstore/verify';
import { evaluateImage, loadPolicyContext, resolveAllowed } from '../src/evaluate/evaluate.ts';
import type { Reference } from '../src/flow.ts';
import { parsePinned, parseReference, printReference } from '../src/image/reference.ts';
import { parseConfig } from '../src/policy/config-file.ts';
import { RegistryClient } from '../src/registry/client.ts';
import { EmbeddedRegistry } from '../src/registry/embedded.ts';
import { pushReferrer, pushSample } from '../src/registry/sample.ts';
import { signingKeyOf } from '../src/sign/key.ts';
import { makeBundle } from '../src/sign/sign.ts';
import { BUNDLE_TYPE, SIGN_PREDICATE } from '../src/sigstore/statement.ts';
import { VerdictCache } from '../src/verify/cache.ts';
import { fromBundle } from '../src/verify/cosign/material.ts';
import type { CosignSigner } from '../src/verify/cosign/signer.ts';
import { verifyMaterial } from '../src/verify/cosign/verify-material.ts';
import { parseTrustRoot } from '../src/verify/trust/root.ts';
import { SigstoreStack } from '../test/signing/sigstore-stack.ts';
import { compare, isInstalled, print } from './bench.ts';

const IMAGES = 100;
const LATENCY_MS = 40;
const ROUNDS = 50;

export async function run(): Promise<void> {
  await oneBundle();
  await keptVerdict();
  await manyImages();
}

async function oneBundle(): Promise<void> {
  const stack = new SigstoreStack();
  const digest = `sha256:${'d'.repeat(64)}`;
  const trust = parseTrustRoot(stack.trustedRoot(), 'bench');
  const bytes = Buffer.from(JSON.stringify(stack.bundle({ digest })));
  const subject = parsePinned(`registry.test/app@${digest}`);
  const signer: CosignSigner = {
    kind: 'cosign',
    name: 'ci',
    keys: [],
    identities: [
      { issuer: 'https://issuer.test', subject: 'https://git.test/org/app/.ci/release.yml@refs/heads/main' },
    ],
    trust,
    thresholds: { logEntries: 1, certificateTimestamps: 1, timestamps: 0 },
    annotations: {},
    bindRepository: false,
  };
  const repeat = (task: () => unknown) => async () => {
    for (let i = 0; i < ROUNDS; i++) task();
  };
  const ours = () => {
    const { verdict } = verifyMaterial([fromBundle(bytes)], signer, subject, new Date());
    if (verdict.kind !== 'verified') throw new Error(JSON.stringify(verdict));
  };
  const bare = () =>
    new Verifier(trust.material, { ctlogThreshold: 1, tlogThreshold: 1 }).verify(
      toSignedEntity(bundleFromJSON(JSON.parse(bytes.toString()))),
    );
  const [mine, theirs] = await compare(
    [
      { name: 'tagproof', run: repeat(ours) },
      { name: 'engine', run: repeat(bare) },
    ],
    9,
  );
  print('one keyless bundle, all our checks, beside the bare engine', mine as number, theirs as number, '≤ 1.2');
}

async function keptVerdict(): Promise<void> {
  const cache = new VerdictCache();
  const gathered = {
    verdicts: new Map([['ci', { kind: 'verified', by: 'x', layout: 'bundle', times: [], annotations: {} } as const]]),
    attestations: { verified: [], problems: new Map() },
  };
  const count = 20_000;
  for (let i = 0; i < 10_000; i++) await cache.get(`image ${i}`, async () => gathered);
  const started = process.hrtime.bigint();
  for (let i = 0; i < count; i++) await cache.get(`image ${i % 10_000}`, async () => gathered);
  const each = Number(process.hrtime.bigint() - started) / count / 1000;
  process.stdout.write(
    `a kept verdict among 10,000: ${each < 50 ? 'within' : 'OVER'} the goal of 50 µs (${(each / 50).toFixed(3)} of it)\n`,
  );
}

async function manyImages(): Promise<void> {
  const options = { latencyMs: 0 } as { latencyMs: number };
  const registry = new EmbeddedRegistry(options);
  const host = await registry.listen();
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const references: Reference[] = [];
  for (let i = 0; i < IMAGES; i++) {
    const repository = `team/web${i}`;
    const digest = await pushSample(host, { repository, tag: '1', platforms: ['linux/amd64'], content: 'x' });
    const bundle = await makeBundle(
      {
        subject: parsePinned(`${host}/${repository}@${digest}`),
        predicateType: SIGN_PREDICATE,
        predicate: {},
        annotations: {},
      },
      { key: signingKeyOf(privateKey) },
    );
    await pushReferrer(host, { repository, subject: digest, artifactType: BUNDLE_TYPE, layer: bundle });
    references.push(parseReference(`${host}/${repository}:1`) as Reference);
  }
  options.latencyMs = LATENCY_MS;
  const key = pem.trim().replaceAll('\n', '\n        ');
  const rule = (name: string) => `  - {name: ${name}, images: ["**"], digest: resolve, signatures: {all: [release]}}\n`;
  const config = parseConfig(
    `authorities:\n  release:\n    keys:\n      - |\n        ${key}\n    transparencyLog: ignore\nrules:\n${rule('one')}${rule('two')}${rule('three')}`,
    'bench',
  );
  const ours = (count: number) => async () => {
    const policyContext = await loadPolicyContext(config, new Map());
    const client = new RegistryClient({ credentials: async () => undefined });
    const items = references.slice(0, count).map((reference) => ({ reference, scope: {} }));
    const answers = await resolveAllowed(client, items, policyContext);
    const evaluation = await Promise.all(
      items.map(({ reference }) =>
        evaluateImage({
          client,
          reference,
          resolved: answers.get(printReference(reference)) as never,
          policyContext,
        }),
      ),
    );
    if (evaluation.some(({ decision }) => decision.outcome !== 'allow')) throw new Error('an image was not verified');
    await client.close();
  };
  registry.log.length = 0;
  const started = performance.now();
  await ours(IMAGES)();
  const rounds = (performance.now() - started) / LATENCY_MS;
  const kinds = Object.entries(
    Object.groupBy(
      registry.log,
      (line) =>
        `${line.split(' ')[0]} ${/\/(referrers|blobs)\//.exec(line)?.[1] ?? (line.endsWith('.sig') ? '.sig' : 'manifests')}`,
    ),
  ).map(([kind, lines]) => `${kind} ${lines?.length}`);
  process.stdout.write(
    `100 signed images, 3 rules: ${registry.log.length} requests (${kinds.join(', ')}); in the time of ${rounds.toFixed(1)} round trips\n`,
  );

  if (isInstalled('cosign3')) {
    const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
    const file = join(folder, 'key.pub');
    writeFileSync(file, pem);
    const few = 10;
    const cosign = async () => {
      await Promise.all(
        references
          .slice(0, few)
          .map(({ text }) => ended(['verify', '--allow-http-registry', '--key', file, '--insecure-ignore-tlog', text])),
      );
    };
    registry.log.length = 0;
    await cosign();
    const perImage = registry.log.length / few;
    const [mine, theirs] = await compare(
      [
        { name: 'tagproof', run: ours(few) },
        { name: 'cosign', run: cosign },
      ],
      5,
    );
    print(
      `verify ${few} images beside cosign 3 (a process each, all at once; ${perImage} requests an image)`,
      mine as number,
      theirs as number,
      '< 1',
    );
    rmSync(folder, { recursive: true });
  }
  await registry.close();
}

function ended(args: string[]): Promise<void> {
  return new Promise((resolve, reject) =>
    spawn('cosign3', args, { stdio: 'ignore' }).on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`cosign ${code}`)),
    ),
  );
}
