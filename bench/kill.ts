// kill -9 at a thousand random moments while a ledger is written: is anything lost that was acknowledged, does the chain hold? Only by name;
// TAGPROOF_BENCH_ROUNDS: how often (1,000).
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLedger } from '../src/ledger/open.ts';

const ROUNDS = Number(process.env['TAGPROOF_BENCH_ROUNDS'] ?? 1000);
/** The whole chain is verified this often; in between only its end is. */
const WHOLE_EVERY = 50;

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  const path = join(folder, 'ledger.db');
  const source = join(import.meta.dirname, '../src/ledger/open.ts');
  const script = `
    import { openLedger } from ${JSON.stringify(source)};
    const ledger = await openLedger(${JSON.stringify(path)});
    const event = (i) => ({ kind: 'run', cluster: 'c', namespace: 'n', workload: { kind: 'Deployment', name: 'w' + i % 7 }, container: 'c', type: 'container', image: 'x:1', digest: 'sha256:' + String(i % 10).repeat(64), pods: i % 2 });
    for (let i = 0; ; i++) {
      const entries = await ledger.append([event(i), event(i + 1), { kind: 'tag', registry: 'r', repository: 'x', tag: 't', digest: 'sha256:' + String(i % 10).repeat(64), source: 'poll' }]);
      process.stdout.write(entries.at(-1).seq + '\\n');
    }`;
  let [acknowledged, lost, broken] = [0, 0, 0];
  for (let round = 1; round <= ROUNDS; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    await new Promise<void>((resolve) => {
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        if (text === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * 30);
        text += chunk;
      });
      child.once('close', () => resolve());
    });
    // The last line may have been cut.
    acknowledged = Math.max(acknowledged, ...text.split('\n').slice(0, -1).map(Number));
    const ledger = await openLedger(path);
    let last = 0;
    for await (const { seq } of ledger.entries(Math.max(1, acknowledged - 5))) last = seq;
    if (last < acknowledged) lost++;
    if ((round % WHOLE_EVERY === 0 || round === ROUNDS) && (await ledger.verify()).broken !== undefined) broken++;
    await ledger.close();
  }
  process.stdout.write(
    `${ROUNDS} x kill -9: ${acknowledged} entries acknowledged, lost in ${lost} rounds, chain broken ${broken} times\n`,
  );
  rmSync(folder, { recursive: true });
}
