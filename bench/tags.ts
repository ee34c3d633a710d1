// Twenty thousand tags that are polled: requests a second, bursts, GETs, and the requests after a restart.
// Two hours of the watcher's own clock against an embedded registry that counts; only by name.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reference } from '../src/flow.ts';
import { openLedger } from '../src/ledger/open.ts';
import { RegistryClient } from '../src/registry/client.ts';
import { EmbeddedRegistry } from '../src/registry/embedded.ts';
import { pushSample } from '../src/registry/sample.ts';
import { Budget } from '../src/watcher/budget.ts';
import { Tags } from '../src/watcher/tags.ts';

const TAGS = 20_000;
const HOURS = 2;

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  const methods = new Map<string, number>();
  const registry = new EmbeddedRegistry({
    intercept: (request) => {
      methods.set(request.method ?? '', (methods.get(request.method ?? '') ?? 0) + 1);
      return false;
    },
  });
  const host = await registry.listen();
  const image = { repository: 'web', platforms: ['linux/amd64'], content: 'x' };
  for (let i = 0; i < 20; i++) await pushSample(host, { ...image, tag: `v${i}` });
  methods.clear();
  const client = new RegistryClient({ credentials: async () => undefined });
  // As many names, of a few tags that are there: only the number of requests counts.
  const all = Array.from(
    { length: TAGS },
    (_, i): Reference => ({
      text: `${host}/web:t${i}`,
      name: `${host}/web`,
      registry: host,
      repository: 'web',
      tag: `t${i}`,
    }),
  );
  const seconds: number[] = [];
  let asked = 0;
  const open = async () => {
    const ledger = await openLedger(join(folder, 'ledger.db'));
    const tags = new Tags({
      ledger,
      head: (reference) => {
        asked++;
        return client.head({ ...reference, tag: `v${Number(reference.tag?.slice(1)) % 20}` });
      },
      budget: new Budget(() => undefined),
      moved: () => {},
      failed: () => {},
      ledgerFailed: (problem) => {
        throw problem;
      },
    });
    await tags.start();
    tags.stop(); // the bench is the clock
    return { ledger, tags };
  };
  const start = Date.now();
  const first = await open();
  first.tags.follow(all, start);
  for (let second = 0; second < HOURS * 3600; second++) {
    asked = 0;
    await first.tags.tick(start + second * 1000);
    seconds.push(asked);
  }
  const { lateMs, fresh } = first.tags.freshness(start + HOURS * 3_600_000);
  await first.ledger.close();
  asked = 0;
  const again = await open();
  again.tags.follow(all, start + HOURS * 3_600_000);
  for (let second = 0; second < 60; second++) await again.tags.tick(start + (HOURS * 3600 + second) * 1000);
  await again.ledger.close();
  const total = seconds.reduce((sum, count) => sum + count, 0);
  const steady = seconds.slice(60);
  const gets = methods.get('GET') ?? 0;
  process.stdout.write(
    `${TAGS} tags over ${HOURS} h: ${(total / seconds.length / 6).toFixed(2)} of 6 requests/s, the busiest second ${(Math.max(...steady) / 6).toFixed(2)} of 6, ${gets} GETs beside ${methods.get('HEAD')} HEADs; at the end the latest look waits ${Math.round(lateMs / 60_000)} min, ${((100 * fresh) / TAGS).toFixed(1)} % are fresh; a restart asks ${(asked / 60).toFixed(1)} a second\n`,
  );
  await client.close();
  await registry.close();
  rmSync(folder, { recursive: true });
}
