// scan --graph: from the overlay down to the place that decides.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FileResult, findIn } from '../source/find.ts';
import { describeGraph } from './describe.ts';
import { isKustomizationFile, readKustomizationFile } from './kustomization-file.ts';

test('each root says what it deploys, by way of what, and who decides', async () => {
  const kustomization = (resources: string, images: string) =>
    `apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [${resources}]\nimages: ${images}\n`;
  const files: Record<string, string> = {
    'base/web.yaml':
      'apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {name: a, image: app}\n  - {name: b, image: redis:7}\n',
    'base/kustomization.yaml': kustomization('web.yaml', '[]'),
    'prod/kustomization.yaml': kustomization('../base', '[{name: app, newName: ghcr.io/org/app, newTag: v1}]'),
    'other.yaml': 'apiVersion: v1\nkind: Pod\nspec:\n  containers: [{name: a, image: "nginx:1"}]\n',
  };
  const results: FileResult[] = [];
  for (const [file, text] of Object.entries(files))
    results.push(await findIn(text, file, { fields: [], argsAndEnv: false }));
  const kustomizations = Object.entries(files).flatMap(([file, text]) =>
    isKustomizationFile(file) ? (readKustomizationFile(text, file) ?? []) : [],
  );
  const plain = (at: string, image: string) => ({ at, written: image, deployed: image, decidedBy: at });
  assert.deepEqual(describeGraph(results, kustomizations), [
    { root: undefined, chain: [], images: [plain('other.yaml:4', 'nginx:1')] },
    {
      root: 'prod/kustomization.yaml',
      chain: ['base/kustomization.yaml', 'prod/kustomization.yaml'],
      images: [
        {
          at: 'base/web.yaml:5',
          written: 'app',
          deployed: 'ghcr.io/org/app:v1',
          decidedBy: 'prod/kustomization.yaml images[0].newName',
        },
        plain('base/web.yaml:6', 'redis:7'),
      ],
    },
  ]);
});
