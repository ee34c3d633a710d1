// 100 references in 100 repositories behind Bearer tokens, 40 ms a request: number of requests, and time beside a bare
// client that sends the very same requests without any of our care.
import { spawn } from 'node:child_process';
import { Agent, request } from 'undici';
import type { Reference } from '../src/flow.ts';
import { ACCEPT } from '../src/image/media-type.ts';
import { parseReference } from '../src/image/reference.ts';
import { RegistryClient } from '../src/registry/client.ts';
import { EmbeddedRegistry } from '../src/registry/embedded.ts';
import { pushSample } from '../src/registry/sample.ts';
import { resolveAll } from '../src/resolve/resolve.ts';
import { compare, isInstalled, print } from './bench.ts';

const IMAGES = 100;
const LATENCY_MS = 40;

export async function run(): Promise<void> {
  for (const scopes of [25, 1]) await measure(scopes);
}

async function measure(scopes: number): Promise<void> {
  const options = { auth: { kind: 'bearer' }, latencyMs: 0, scopesHonoured: scopes } as {
    auth: { kind: 'bearer' };
    latencyMs: number;
    scopesHonoured: number;
  };
  const registry = new EmbeddedRegistry(options);
  const host = await registry.listen();
  const names = Array.from({ length: IMAGES }, (_, i) => `team/web${i}`);
  for (const repository of names)
    await pushSample(host, { repository, tag: '1', platforms: ['linux/amd64'], content: 'x' });
  options.latencyMs = LATENCY_MS;
  const references = names.map((name) => parseReference(`${host}/${name}:1`) as Reference);

  const count = async (task: () => Promise<unknown>) => {
    registry.log.length = 0;
    await task();
    return registry.log.length;
  };
  const ours = async () => {
    const client = new RegistryClient({ credentials: async () => undefined });
    await resolveAll(references, { client });
    await client.close();
  };
  const bare = () => bareClient(host, names, scopes);

  const [requests, gets] = [await count(ours), registry.log.filter((line) => line.startsWith('GET /v2')).length];
  const bareRequests = await count(bare);
  const label = scopes > 1 ? `${scopes} scopes a token` : 'one scope a token';
  process.stdout.write(
    `${label}: ${requests} requests (bare client ${bareRequests}, goal ≤ ${scopes > 1 ? 105 : 201}), ${gets} manifest GETs\n`,
  );
  const [mine, theirs] = await compare(
    [
      { name: 'tagproof', run: ours },
      { name: 'bare', run: bare },
    ],
    7,
  );
  print(`resolve 100 images, ${label}, beside the bare client`, mine as number, theirs as number, '≤ 1.3');

  if (scopes === 1 && isInstalled('crane')) {
    // The peer resolves one image a process, as scripts call it; 10 images are enough to see its requests for each.
    let requested = 0;
    const crane = async () => {
      requested = await count(async () => {
        for (const name of names.slice(0, 10))
          await ended(spawn('crane', ['digest', '--insecure', `${host}/${name}:1`], { stdio: 'ignore' }));
      });
    };
    const ten = async () => {
      const client = new RegistryClient({ credentials: async () => undefined });
      await resolveAll(references.slice(0, 10), { client });
      await client.close();
    };
    const [a, b] = await compare(
      [
        { name: 'tagproof', run: ten },
        { name: 'crane', run: crane },
      ],
      3,
    );
    print(`resolve 10 images beside crane digest (${requested} requests)`, a as number, b as number, '< 1');
  }
  await registry.close();
}

const ended = (child: ReturnType<typeof spawn>) => new Promise((resolve) => child.on('close', resolve));

/** Challenge, tokens, HEADs; all of a kind at once, 64 connections. */
async function bareClient(host: string, names: string[], scopes: number): Promise<void> {
  const dispatcher = new Agent({ connections: 64 });
  const head = async (name: string, token?: string) => {
    const headers = { accept: ACCEPT, ...(token && { authorization: `Bearer ${token}` }) };
    const response = await request(`http://${host}/v2/${name}/manifests/1`, { method: 'HEAD', headers, dispatcher });
    await response.body.dump();
  };
  await head(names[0] as string);
  const groups: string[][] = [];
  for (let i = 0; i < names.length; i += scopes) groups.push(names.slice(i, i + scopes));
  await Promise.all(
    groups.map(async (group) => {
      const url = new URL(`http://${host}/token?service=embedded`);
      for (const name of group) url.searchParams.append('scope', `repository:${name}:pull`);
      const response = await request(url, { dispatcher });
      const { token } = (await response.body.json()) as { token: string };
      await Promise.all(group.map((name) => head(name, token)));
    }),
  );
  await dispatcher.close();
}
