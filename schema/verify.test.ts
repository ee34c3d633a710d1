// npm run verify notices each generated file that is not as its source makes it, and writes it again.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { GENERATORS, generatedFiles } from './generated.ts';

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter(Boolean);
const folder = mkdtempSync(join(tmpdir(), 'tagproof-verify-'));
const at = (file: string) => join(folder, file);
after(() => rmSync(folder, { recursive: true, force: true }));
before(() => {
  for (const file of tracked.filter((name) =>
    /^(?:src|schema|chart|docs|test\/mutants|test\/runner)\/|^package\.json$/.test(name),
  )) {
    mkdirSync(dirname(at(file)), { recursive: true });
    cpSync(file, at(file));
  }
  symlinkSync(resolve('node_modules'), at('node_modules'));
});

const verify = () =>
  new Promise<{ code: number; out: string }>((done) =>
    execFile(process.execPath, ['schema/verify.ts'], { cwd: folder }, (error, stdout, stderr) =>
      done({ code: Number(error?.code ?? 0), out: stdout + stderr }),
    ),
  );

test('each generated file that was changed is named and written again; the second run has nothing to do', async () => {
  const files = generatedFiles();
  const texts = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
  for (const file of files)
    if (file === 'docs/threats.md')
      writeFileSync(at(file), (texts.get(file) as string).replace(/^\d+ named mutants/m, '1 named mutants'));
    else appendFileSync(at(file), '\n');
  const stale = 'chart/templates/stale.yaml';
  writeFileSync(at(stale), '');
  rmSync(at('src/install/policy-schemas.json'));
  writeFileSync(at('src/install/policy-schemas.json'), '{"ImagePolicy": {}, "NamespacedImagePolicy": {}}\n');

  const first = await verify();
  assert.equal(first.code, 1, first.out);
  const named = [...first.out.matchAll(/^out of date, written again: (.*)$/gm)].map(([, file]) => file);
  assert.deepEqual(named, [...files, stale].sort());
  for (const [file, text] of texts) assert.equal(readFileSync(at(file), 'utf8'), text, file);

  const second = await verify();
  assert.deepEqual(second, { code: 0, out: `${files.length} generated files are as their sources make them\n` });
});

test('no generator, and no file of data in the sources, is left out', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  for (const name of ['schema', 'chart']) {
    const file = scripts[name]?.replace('node ', '') ?? '';
    assert.ok(file in GENERATORS, name);
  }
  const data = tracked.filter((file) => /^(?:src|schema|chart)\/.*\.(?:json|yaml|tpl|txt)$/.test(file));
  assert.ok(data.length > 10);
  assert.deepEqual(
    data.filter((file) => !generatedFiles().includes(file)),
    [],
  );
});
