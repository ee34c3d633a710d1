// Scanning a tree like a large collection of repositories: about 17,000 YAML files, 110 MB, a quarter of them with images,
// beside reading the same files, and beside frizbee where it is installed.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listFiles } from '../src/source/files.ts';
import { readFiles } from '../src/source/read.ts';
import { compare, isInstalled, print } from './bench.ts';

export async function run(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-bench-'));
  try {
    const bytes = makeTree(folder);
    const { files } = listFiles(['.'], folder, []);
    let found = 0;
    const read = () => {
      for (const file of listFiles(['.'], folder, []).files) readFileSync(join(folder, file));
    };
    const scan = async () => {
      const results = await readFiles(listFiles(['.'], folder, []).files, folder, { fields: [], argsAndEnv: false });
      found = results.reduce((sum, result) => sum + result.found.length, 0);
    };
    const [mine, limit] = await compare(
      [
        { name: 'scan', run: scan },
        { name: 'read', run: read },
      ],
      5,
    );
    print(
      `scan ${files.length} files, ${(bytes / 1e6).toFixed(0)} MB, ${found} images, beside reading`,
      mine as number,
      limit as number,
      '≤ 2',
    );

    spawnSync(process.execPath, ['build.ts'], { stdio: 'inherit' });
    const atExit =
      'data:text/javascript,import{isMainThread}from"node:worker_threads";isMainThread&&process.on("exit",()=>process.stderr.write(String(process.resourceUsage().maxRSS)))';
    const memory = spawnSync(
      process.execPath,
      ['--import', atExit, 'dist/main.js', 'scan', '-q', '-o', 'json', folder],
      { encoding: 'utf8', maxBuffer: 1 << 28 },
    );
    process.stdout.write(`peak memory of the whole process: ${(Number(memory.stderr) / 1024).toFixed(0)} MiB\n`);

    if (isInstalled('frizbee')) {
      // frizbee has no offline listing: it is given the tree and told to change nothing; without network every lookup fails
      // at once, so this is the time of its walk and its matching.
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
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function makeTree(folder: string): number {
  let bytes = 0;
  const put = (i: number, text: string) => {
    const parent = join(folder, `repo${i % 60}`, `dir${i % 7}`);
    mkdirSync(parent, { recursive: true });
    writeFileSync(join(parent, `file${i}.yaml`), text);
    bytes += text.length;
  };
  for (let i = 0; i < 17_000; i++) {
    if (i % 29 === 0) put(i, schema(i));
    else if (i % 5 === 0) put(i, workload(i));
    else put(i, plain(i));
  }
  return bytes;
}

/** A CRD of 70 kB; one image key in it, as there is about one for each CRD in real trees. */
const schema = (i: number) =>
  `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things${i}.example.com\nspec:\n  versions:\n    - name: v1\n      schema:\n        openAPIV3Schema:\n          properties:\n            image:\n              description: the image that the thing runs\n              type: string\n${`            field:\n              description: a field of the thing, as the documentation of it says at length\n              maxLength: 253\n              type: string\n`.repeat(440)}`;

const workload = (i: number) =>
  `${`apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web${i}\n  annotations:\n    description: some words about what this is\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          image: registry.example.com/team/web${i}:1.2\n          resources: {limits: {cpu: 100m, memory: 128Mi}}\n---\n`.repeat(2)}${plain(i)}`;

const plain = (i: number) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config${i}\ndata:\n${Array.from({ length: 60 }, (_, k) => `  KEY_${k}: "a value of some length, number ${i * k}"\n`).join('')}`;
