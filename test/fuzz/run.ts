// npm run fuzz -- [--count N] [--seed S] [--from I]: examines many generated files on all cores. Exit code 1 for a fault.
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { FuzzReport } from './worker.ts';

/** A case that takes longer is a fault: it stalls a search. */
const STALLED_MS = 120_000;

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    from: { type: 'string', default: '0' },
  },
});
const [count, seed, from] = [Number(values.count), Number(values.seed), Number(values.from)];
const workers = Math.min(availableParallelism(), count);
const sums = new Map<string, number>();
const reasons = new Map<string, number>();
const faults = new Map<string, number>();
const at: number[] = Array.from({ length: workers }, () => from);
const started = performance.now();
const seconds = () => ((performance.now() - started) / 1000).toFixed(0);

console.log(`seed ${seed}, cases ${from} to ${from + count - 1}, ${workers} processes`);
const progress = setInterval(() => {
  const done = Math.min(...at) - from;
  console.log(`${seconds()} s: ${done} of ${count}, ${[...faults.values()].reduce((sum, n) => sum + n, 0)} faults`);
}, 30_000);
await Promise.all(Array.from({ length: workers }, (_, index) => runWorker(index)));
clearInterval(progress);

console.log(`${count} cases in ${seconds()} s: ${[...sums].map(([state, n]) => `${n} ${state}`).join(', ')}`);
for (const [why, n] of reasons) console.log(`  refused ${n} times: ${why}`);
for (const [kind, n] of faults) console.log(`  FAULT ${n} times: ${kind}`);
process.exitCode = faults.size > 0 ? 1 : 0;

function runWorker(number: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const script = fileURLToPath(new URL('worker.ts', import.meta.url));
  const child = fork(script, [seed, from + number, workers, from + count].map(String));
  let timer: NodeJS.Timeout | undefined;
  let finished = false;
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      addTo(faults, `stalled within 50 cases of --seed ${seed} --from ${at[number]}`);
      child.kill('SIGKILL');
    }, STALLED_MS);
  };
  watch();
  child.on('message', (message: FuzzReport) => {
    watch();
    take(number, message);
    if (message.is === 'done') finished = true;
  });
  child.on('exit', (code) => {
    clearTimeout(timer);
    if (!finished) addTo(faults, `a process ended (${code}) after --seed ${seed} --from ${at[number]}`);
    resolve();
  });
  return promise;
}

function take(number: number, message: FuzzReport): void {
  if (message.is === 'at') at[number] = message.index;
  else if (message.is === 'done') {
    for (const [state, n] of Object.entries(message.states)) sums.set(state, (sums.get(state) ?? 0) + n);
    console.log(`  slowest: ${message.slowest[0]} ms of CPU, --from ${message.slowest[1]}`);
  } else if (message.is === 'refused') {
    const why = message.why.replaceAll(/'[^']*'|sha256:\w+|\d+/g, '…').slice(0, 160);
    if (!reasons.has(why)) console.log(`  refused, --from ${message.index}: ${message.why.slice(0, 200)}`);
    addTo(reasons, why);
  } else {
    addTo(faults, message.kind);
    if (message.text === '') return;
    console.log(`FAULT --seed ${seed} --from ${message.index} --count 1\n  ${message.message}`);
    console.log(`  ${message.file}: ${JSON.stringify(message.text)}`);
  }
}

function addTo(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
