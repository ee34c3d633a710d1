// Scanning three trees beside reading the same files: a large collection of repositories, a repository of jobs (dense YAML),
// one of charts (templates). The deployment graph beside the scan alone, and frizbee where it is installed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEvents } from 'js-yaml';
import { seeAsDeployed } from '../src/graph/graph.ts';
import { listFiles } from '../src/source/files.ts';
import { readFiles } from '../src/source/read.ts';
import { compare, cpuTime, isInstalled, print } from './bench.ts';
import { charts, collection, jobs, writeTree } from './trees.ts';

const OPTIONS = { fields: [], argsAndEnv: false };

export async function run(): Promise<void> {
  spawnSync(process.execPath, ['build.ts'], { stdio: 'inherit' });
  await scanTree('collection', collection(), '≤ 1.5', frizbee);
  await scanTree('jobs, dense YAML', jobs(), '≤ 6', events);
  await scanTree('charts', charts(), '≤ 4');
}

type Files = Iterable<readonly [string, string]>;

async function scanTree(
  name: string,
  made: Files,
  limit: string,
  also?: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  try {
    const bytes = writeTree(folder, made);
    const { files } = listFiles(['.'], { cwd: folder });
    let found = 0;
    const read = () => {
      for (const file of listFiles(['.'], { cwd: folder }).files) readFileSync(join(folder, file));
    };
    const scan = async () => {
      const results = await readFiles(listFiles(['.'], { cwd: folder }).files, folder, OPTIONS);
      found = results.reduce((sum, result) => sum + result.found.length, 0);
      return results;
    };
    const graph = async () => seeAsDeployed(await scan(), { files, top: folder });
    const sides = [
      { name: 'scan', run: scan },
      { name: 'read', run: read },
      { name: 'scan and graph', run: graph },
    ];
    const [mine, reading] = (await compare(sides.slice(0, 2), 5)) as [number, number];
    const [cpu, cpuReading, deployed] = (await compare(sides, 5, cpuTime)) as [number, number, number];
    print(
      `${name}: ${files.length} files, ${(bytes / 1e6).toFixed(0)} MB, ${found} images, beside reading`,
      mine,
      reading,
      limit,
    );
    print(`${name}: CPU beside that of reading`, cpu, cpuReading, limit);
    print(`${name}: CPU with the deployment graph beside without`, deployed, cpu, '≤ 1.2');
    process.stdout.write(`${name}: peak memory of the whole process ${peakMemory(folder)} MiB, goal ≤ 200\n`);
    await also?.(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** js-yaml's events alone, which are the least that it takes to know where a value is. */
async function events(folder: string): Promise<void> {
  const { files } = listFiles(['.'], { cwd: folder });
  const scan = () => readFiles(files, folder, OPTIONS, { helpAfterMs: Number.POSITIVE_INFINITY });
  const parse = () => {
    for (const file of files) parseEvents(readFileSync(join(folder, file), 'utf8'), { maxDepth: 100 });
  };
  const sides = [
    { name: 'scan', run: scan },
    { name: 'events', run: parse },
  ];
  const [ours, theirs] = (await compare(sides, 5, cpuTime)) as [number, number];
  print("jobs, dense YAML: CPU in one thread beside js-yaml's events", ours, theirs, '≤ 2.5');
}

function peakMemory(folder: string): string {
  const atExit =
    'data:text/javascript,import{isMainThread}from"node:worker_threads";isMainThread&&process.on("exit",()=>process.stderr.write(String(process.resourceUsage().maxRSS)))';
  const { stderr } = spawnSync(
    process.execPath,
    ['--import', atExit, 'dist/main.js', 'scan', '-q', '-o', 'json', folder],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  return (Number(stderr) / 1024).toFixed(0);
}

/**
 * frizbee has no offline listing: it gets the tree with the option to change nothing. Without network
 * every lookup fails at once, so this is the time of its walk and its matching.
 */
async function frizbee(folder: string): Promise<void> {
  if (!isInstalled('frizbee')) return;
  const peer = () => spawnSync('frizbee', ['image', 'list', folder], { stdio: 'ignore' });
  const ours = () =>
    spawnSync(process.execPath, ['dist/main.js', 'scan', '-q', '-o', 'json', folder], { stdio: 'ignore' });
  const [a, b] = await compare(
    [
      { name: 'tagproof scan', run: ours },
      { name: 'frizbee image list', run: peer },
    ],
    3,
  );
  print('tagproof scan (whole process) beside frizbee image list', a as number, b as number, '< 1');
}
