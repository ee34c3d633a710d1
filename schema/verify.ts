// npm run verify: writes again everything that is generated, and fails when something of it was out of date.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { GENERATORS, generatedFiles } from './generated.ts';

const contents = () =>
  new Map(generatedFiles().map((file) => [file, existsSync(file) ? readFileSync(file, 'utf8') : undefined] as const));

const before = contents();
for (const generator of Object.keys(GENERATORS)) execFileSync(process.execPath, [generator], { stdio: 'inherit' });
const after = contents();
const stale = [...new Set([...before.keys(), ...after.keys()])].filter((file) => before.get(file) !== after.get(file));
for (const file of stale.sort()) process.stdout.write(`out of date, written again: ${file}\n`);
process.stdout.write(
  stale.length === 0 ? `${after.size} generated files are as their sources make them\n` : 'commit these files\n',
);
process.exitCode = stale.length === 0 ? 0 : 1;
