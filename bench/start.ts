// Start-up of the release bundle beside an empty Node.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, print } from './bench.ts';

export async function run(): Promise<void> {
  spawnSync(process.execPath, ['build.ts'], { stdio: 'inherit' });
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  const file = join(folder, 'one.yaml');
  writeFileSync(
    file,
    'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - name: web\n      image: nginx:1.27\n',
  );
  const node =
    (...args: string[]) =>
    () =>
      spawnSync(process.execPath, args, { stdio: 'ignore' });
  const [empty, help, scan] = await compare(
    [
      { name: 'node -e 0', run: node('-e', '0') },
      { name: '--help', run: node('dist/main.js', '--help') },
      { name: 'scan', run: node('dist/main.js', 'scan', file) },
    ],
    41,
  );
  print('tagproof --help beside node -e 0', help as number, empty as number, '≤ 1.6');
  print('tagproof scan of one file beside node -e 0', scan as number, empty as number, '≤ 2.2');
  rmSync(folder, { recursive: true });
}
