// A function with five or more positional parameters takes an object: at the call nobody can tell which value is which.
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { API } from 'typescript/unstable/sync';

const MOST = 4;
type Node = {
  readonly parameters?: { readonly length: number };
  readonly body?: unknown;
  readonly name?: { readonly text?: string };
  forEachChild(visit: (child: Node) => void): void;
};

test('no function has more than four positional parameters', () => {
  const api = new API({ cwd: process.cwd() });
  const long: string[] = [];
  let seen = 0;
  try {
    for (const [config, pattern] of [
      ['tsconfig.json', 'src/**/*.ts'],
      ['web/tsconfig.json', 'web/**/*.{ts,tsx}'],
    ] as const) {
      const path = resolve(config);
      const project = api.updateSnapshot({ openProjects: [path] }).getProject(path);
      for (const file of globSync(pattern)) {
        const source = project?.program.getSourceFile(resolve(file)) as unknown as Node | undefined;
        if (source === undefined) continue;
        const visit = (node: Node): void => {
          if (node.parameters !== undefined && node.body !== undefined) {
            seen++;
            if (node.parameters.length > MOST)
              long.push(`${file}: ${node.name?.text ?? '(anonymous)'} has ${node.parameters.length}`);
          }
          node.forEachChild(visit);
        };
        visit(source);
      }
    }
  } finally {
    api.close();
  }
  assert.ok(seen > 3000, `only ${seen} functions were read`);
  assert.deepEqual(long, []);
});
