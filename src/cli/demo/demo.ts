// tagproof demo: runs the commands on a sample repository and a registry on loopback; real HTTP, no
// internet, ends by itself.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { shortDigest } from '../../image/digest.ts';
import { parsePinned } from '../../image/reference.ts';
import { EmbeddedRegistry } from '../../registry/embedded.ts';
import { pushReferrer, pushSample } from '../../registry/sample.ts';
import { signingKeyOf } from '../../sign/key.ts';
import { makeBundle } from '../../sign/sign.ts';
import { BUNDLE_TYPE, SIGN_PREDICATE } from '../../sigstore/statement.ts';
import { run as check } from '../pin/check.ts';
import { run as diff } from '../pin/diff.ts';
import { run as pin } from '../pin/pin.ts';
import { run as scan } from '../pin/scan.ts';
import { run as unpin } from '../pin/unpin.ts';
import { run as sign } from '../policy/sign.ts';
import { run as verify } from '../policy/verify.ts';
import { type CommandRunner, runPlain } from '../shared/command.ts';
import { FILES, IMAGES, MOVED } from './sample-repository.ts';
import { paint, say, title } from './stage.ts';

const COMMANDS: Record<string, CommandRunner> = { scan, pin, check, diff, unpin, sign, verify };

const POLICY = `authorities:
  release:
    keys:
      - |
        KEY
    transparencyLog: ignore    # this demo has no log
rules:
  - name: signed by us
    images: ["HOST/**"]
    digest: resolve
    signatures: {all: [release]}
`;

/** A signature in which someone changed a byte. */
async function signTampered(host: string, repository: string, digest: string, key: KeyObject): Promise<void> {
  const subject = parsePinned(`${host}/${repository}@${digest}`);
  const statement = { subject, predicateType: SIGN_PREDICATE, predicate: {}, annotations: {} };
  const bundle = JSON.parse((await makeBundle(statement, { key: signingKeyOf(key) })).toString());
  const [signature] = bundle.dsseEnvelope.signatures;
  const bytes = Buffer.from(signature.sig, 'base64');
  bytes[20] = (bytes[20] as number) ^ 1;
  signature.sig = bytes.toString('base64');
  await pushReferrer(host, {
    repository,
    subject: digest,
    artifactType: BUNDLE_TYPE,
    layer: Buffer.from(JSON.stringify(bundle)),
  });
}

export async function run(args: string[]): Promise<number> {
  const command = new Command('tagproof demo')
    .description('Shows tagproof on a sample repository and a registry on this machine, without the internet.')
    .option('--keep', 'keep the sample repository')
    .option('--serve', 'show the dashboard on a simulated cluster, until Ctrl-C')
    .option('--cluster', 'show the webhook on an API server of its own (needs etcd and kube-apiserver on the PATH)');
  return runPlain<{ keep?: boolean; cluster?: boolean; serve?: boolean }>(
    command,
    args,
    async ({ keep, cluster, serve }) =>
      serve
        ? (await import('./demo-serve.ts')).demoServe()
        : cluster
          ? (await import('./demo-cluster.ts')).demoCluster()
          : demo({ ...(keep !== undefined && { keep }) }),
  );
}

async function demo({ keep }: { keep?: boolean }): Promise<number> {
  const home = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-demo-'));
  const registry = new EmbeddedRegistry();
  try {
    const host = await registry.listen();
    process.chdir(folder);
    return await play(host, folder);
  } finally {
    process.chdir(home);
    await registry.close();
    if (keep) say(`The sample repository stays in ${folder} (its registry is gone).`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns 0 when every step ended as it should: the demo is a test of itself */
async function play(host: string, folder: string): Promise<number> {
  const pushed = new Map<string, string>();
  for (const image of IMAGES) pushed.set(image.repository, await pushSample(host, image));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text.replaceAll('REGISTRY', host));
  }

  title(
    'A repository full of tags',
    `A registry listens on ${host} with ${pushed.size} images; the sample repository is a temporary copy.`,
  );
  const wrong: string[] = [];
  const step = async (line: string, expected: number) => {
    process.stdout.write(`\n${paint('cyan', `$ tagproof ${line}`)}\n`);
    const [name, ...rest] = line.split(' ') as [string, ...string[]];
    const code = await (COMMANDS[name] as CommandRunner)(rest);
    if (code !== expected) wrong.push(`tagproof ${line}: exit code ${code}, expected ${expected}`);
  };

  await step('scan', 1);
  title('Pin it', 'First as a diff: only the images change, comments and quotes stay.');
  await step('pin --diff', 1);
  await step('pin', 0);
  await step('check', 0);

  const old = pushed.get('shop/web') as string;
  const moved = await pushSample(host, MOVED);
  title(
    'Someone moves a tag',
    `shop/web:v1.4.2 was ${shortDigest(old)} and is now ${shortDigest(moved)}. What runs stays what you pinned, and check says so.`,
  );
  await step('check --online', 1);
  await step(`diff ${host}/shop/web@${old} ${host}/shop/web:v1.4.2`, 1);

  title('Unpin it', 'unpin is the exact inverse of pin, offline.');
  await step('unpin', 0);
  const same =
    readFileSync(join(folder, 'deploy/web.yaml'), 'utf8') === FILES['deploy/web.yaml']?.replaceAll('REGISTRY', host);
  if (!same) wrong.push('unpin did not restore the first bytes');

  title(
    'Who signed it?',
    'The release key signs worker. It signed proxy too, but someone changed a byte of that signature. Nobody signed redis.',
  );
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(join(folder, 'release.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await signTampered(host, 'library/proxy', pushed.get('library/proxy') as string, privateKey);
  await step(`sign --key release.key ${host}/shop/worker`, 0);
  const policy = POLICY.replace('HOST', host).replace(
    'KEY',
    publicKey.export({ type: 'spki', format: 'pem' }).toString().trim().replaceAll('\n', '\n        '),
  );
  writeFileSync(join(folder, 'tagproof.yaml'), policy);
  say(`\ntagproof.yaml:\n${policy}`);
  const images = ['shop/worker', 'library/proxy:1.31', 'library/redis:7.4'].map((name) => `${host}/${name}`);
  await step(`verify ${images.join(' ')}`, 1);
  await step('pin --verify deploy/report.yaml compose.yaml', 1);
  await step('check --verify --offline deploy/report.yaml', 0);

  title('Now on your own repository', 'In any checkout:');
  say(
    '  tagproof scan --explain     what is pinned, what is not, what was skipped and why\n  tagproof pin --diff         what would change\n\nWhat runs, where tags point, and how to roll back, on a simulated cluster in your browser:\n  tagproof demo --serve       from this checkout: npm run demo -- --serve\n',
  );
  for (const line of wrong) process.stderr.write(`error: ${line}\n`);
  return wrong.length === 0 ? 0 : 2;
}
