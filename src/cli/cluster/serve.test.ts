// `tagproof serve`: two commands, and no option of the one is accepted by the other.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { manifests } from '../../install/manifests.ts';

const serve = (...args: string[]) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) =>
    execFile(process.execPath, ['src/cli/main.ts', 'serve', ...args], { timeout: 30_000 }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    ),
  );
const optionsOf = (help: string) =>
  new Set([...help.matchAll(/^ {2,6}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name as string));
const help = { admission: await serve('admission', '--help'), watcher: await serve('watcher', '--help') };
const options = { admission: optionsOf(help.admission.out), watcher: optionsOf(help.watcher.out) };

test('the help of serve names both servers, and each server has its own', async () => {
  const { code, out } = await serve('--help');
  assert.equal(code, 0);
  assert.match(out, /^ {2}admission .*\n {2}watcher /m);
  for (const name of ['admission', 'watcher'] as const) {
    assert.equal(help[name].code, 0);
    assert.match(help[name].out, new RegExp(`Usage: tagproof serve ${name}`));
    assert.match(help[name].out, new RegExp(`Examples:\n  tagproof serve ${name}`));
  }
});

const OWN: ['admission' | 'watcher', string[]][] = [
  [
    'admission',
    [
      '--client-ca',
      '--lock',
      '--templates',
      '--cluster',
      '--pull-secrets',
      '--record',
      '--own-certificate',
      '--report-every',
    ],
  ],
  ['watcher', ['--ledger', '--contexts', '--cluster-name', '--images', '--hint-token', '--retention', '--names']],
];
for (const [server, own] of OWN) {
  const other = server === 'admission' ? 'watcher' : 'admission';
  test(`options of ${server} are errors in ${other}`, async () => {
    for (const option of own) {
      assert.ok(options[server].has(option), option);
      assert.ok(!options[other].has(option), option);
    }
    const { code, err } = await serve(other, own[0] as string, 'missing-file');
    assert.equal(code, 2);
    assert.match(err, new RegExp(`unknown option '${own[0]}'`));
  });
}

test('without a server, with an unknown one, or with an option in its place: exit code 2', async () => {
  for (const args of [[], ['door'], ['--cluster', 'admission'], ['toString']]) {
    const { code, err } = await serve(...args);
    assert.equal(code, 2, args.join());
    assert.match(err, /expected admission or watcher/);
  }
});

test('the arguments in the manifests are options of their server', () => {
  const objects = manifests({
    namespace: 'tagproof',
    image: 'i',
    policy: '',
    lock: 'l',
    tls: 'own',
    cluster: true,
    pullSecrets: true,
    reportEvery: '1h',
    clientCa: 'c',
    exemptNamespaces: [],
    failurePolicy: 'Fail',
    templates: 'enforce',
    replicas: 2,
    watcher: { clusterName: 'c', replicas: 1, hintSecret: 's' },
  }) as { kind: string; spec?: { template?: { spec: { containers: { args: string[] }[] } } } }[];
  for (const [kind, server] of [
    ['Deployment', 'admission'],
    ['StatefulSet', 'watcher'],
  ] as const) {
    const { args = [] } = objects.find((object) => object.kind === kind)?.spec?.template?.spec.containers[0] ?? {};
    assert.deepEqual(args.slice(0, 2), ['serve', server]);
    for (const arg of args.filter((item) => item.startsWith('--'))) assert.ok(options[server].has(arg), arg);
  }
});

test('values are checked before anything is started', async () => {
  for (const [args, message] of [
    [['admission', '--standalone', '--port', '99999'], /--port '99999': expected a number/],
    [['watcher', '--port', 'x'], /--port 'x'/],
    [['admission', '--standalone', '--pull-secrets'], /need --cluster/],
    [['admission'], /expected --cert and --key, or --own-certificate, or --standalone/],
    [['watcher', '--cluster-name', 'x', '--contexts', 'a', '--contexts', 'b'], /--cluster-name/],
  ] as const) {
    const { code, err } = await serve(...args);
    assert.equal(code, 2, err);
    assert.match(err, message);
  }
});
