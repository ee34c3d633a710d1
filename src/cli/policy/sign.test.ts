// tagproof sign as a user runs it, and what must never be pushed; keyless and attestations: test/signing/sign.test.ts.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { host, registry, repository, web } from '../../../test/cli-registry.ts';
import { runTagproof } from '../../../test/run-cli.ts';
import { Services, tokenOf } from '../../../test/signing/services.ts';

const services = new Services();
let folder: string;
before(async () => {
  await services.listen();
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  folder = repository({ 'key.pem': privateKey.export({ type: 'pkcs8', format: 'pem' }) as string });
  writeFileSync(join(folder, 'root.json'), services.stack.trustedRoot());
});
after(() => services.close());

const sign = (...args: string[]) =>
  runTagproof(folder, ['sign', ...args], { env: { SIGSTORE_ID_TOKEN: tokenOf('https://ci.test', 'ci') } });
/** What the registry was sent since. */
const pushes = () => registry.log.splice(0).filter((line) => /^(?:PUT|POST) /.test(line));

test('a tag is resolved once; the digest is said before it is signed, and the signature is pushed', async () => {
  const { code, stderr } = await sign('--key', 'key.pem', `${host}/web:1`);
  assert.equal(code, 0, stderr);
  assert.ok(stderr.includes(`${host}/web:1 is ${web}\n`), stderr);
  assert.ok(pushes().length > 0);
});

const pushesNothing: [name: string, args: string[], code: number, says: RegExp][] = [
  ['a dry run', ['--dry-run', 'HOST/web:1'], 0, /would have signed 1 of 1 image/],
  ['one of two references is invalid', ['HOST/web:1', 'HOST/WEB:1'], 2, /WEB/],
  ['an annotation without a name', ['-a', '=42', 'HOST/web:1'], 2, /expected key=value/],
  ['an image that is not there', ['HOST/none:1'], 2, /none:1/],
];
for (const [name, args, code, says] of pushesNothing)
  test(`nothing is pushed: ${name}`, async () => {
    pushes();
    const result = await sign('--key', 'key.pem', ...args.map((arg) => arg.replace('HOST', host)));
    assert.equal(result.code, code, result.stderr);
    assert.match(result.stdout + result.stderr, says);
    assert.deepEqual(pushes(), []);
  });

test('a witness that cheats is found before anything is pushed', async () => {
  pushes();
  services.fault = 'wrong entry';
  const { code, stderr } = await sign(
    ...['--key', 'key.pem', '--rekor-url', services.url, '--trust-root', 'root.json', `${host}/web:1`],
  );
  services.fault = 'none';
  assert.equal(code, 2);
  assert.match(stderr, /does not verify, nothing was pushed/);
  assert.deepEqual(pushes(), []);
});

test('keyless needs proof of its time, and --no-log asks no log', async () => {
  pushes();
  const keyless = ['--fulcio-url', services.url, '--rekor-url', services.url, '--trust-root', 'root.json', '--no-log'];
  assert.match((await sign(...keyless, `${host}/web:1`)).stderr, /needs proof of its time/);
  assert.deepEqual(pushes(), []);
  const { code, stderr } = await sign(...keyless, '--timestamp-url', `${services.url}/tsa`, `${host}/web:1`);
  assert.equal(code, 0, stderr);
  assert.deepEqual(services.log.filter((line) => line.includes('/log/entries') || line.includes('/tsa')).slice(-1), [
    'POST /tsa',
  ]);
});
