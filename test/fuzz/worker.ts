// A process of the fuzzer: examines every n-th case of a seed in a folder of its own, and reports to run.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examine, type Outcome } from './examine.ts';
import { makeCase } from './generate.ts';
import { kindOf, shrink } from './shrink.ts';

export type FuzzReport =
  | { readonly is: 'at'; readonly index: number }
  | {
      readonly is: 'done';
      readonly states: Partial<Record<Outcome['state'], number>>;
      readonly slowest: [ms: number, index: number];
    }
  | { readonly is: 'refused'; readonly index: number; readonly why: string }
  | {
      readonly is: 'fault';
      readonly index: number;
      readonly kind: string;
      readonly message: string;
      readonly file: string;
      readonly text: string;
    };

const [seed, first, step, end] = process.argv.slice(2).map(Number) as [number, number, number, number];
const REPORT_EVERY = 50;
const folder = mkdtempSync(join(tmpdir(), 'tagproof-fuzz-'));
process.chdir(folder);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
// A worker whose parent is gone has nobody to report to.
process.on('disconnect', () => process.exit(1));
const report = (message: FuzzReport) => process.send?.(message);

const states: Partial<Record<Outcome['state'], number>> = {};
const kinds = new Set<string>();
let slowest: [number, number] = [0, first];
for (let index = first; index < end; index += step) {
  if (((index - first) / step) % REPORT_EVERY === 0) report({ is: 'at', index });
  const fuzzCase = makeCase(seed, index);
  const started = process.cpuUsage();
  try {
    const { state, why } = await examine(fuzzCase);
    states[state] = (states[state] ?? 0) + 1;
    if (why !== undefined) report({ is: 'refused', index, why });
  } catch (error) {
    const kind = kindOf(error);
    const { message } = error as Error;
    // One shrunken input shows a kind of fault; the others of this kind are only counted.
    const { file, bytes } = kinds.has(kind) ? fuzzCase : await shrink(fuzzCase, kind);
    report({ is: 'fault', index, kind, message, file, text: kinds.has(kind) ? '' : bytes.toString() });
    kinds.add(kind);
  }
  const { user, system } = process.cpuUsage(started);
  if ((user + system) / 1000 > slowest[0]) slowest = [Math.round((user + system) / 1000), index];
}
report({ is: 'done', states, slowest });
process.disconnect();
