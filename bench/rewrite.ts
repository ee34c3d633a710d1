// Finding and pinning 4,000 images in one 2 MB manifest, with the proof of every edit, beside js-yaml's events over the same bytes.
import { parseEvents } from 'js-yaml';
import { applyProved } from '../src/cli/pin/rewrite.ts';
import { pinEdit } from '../src/source/edit.ts';
import { findIn } from '../src/source/find.ts';
import { compare, cpuTime, print } from './bench.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

const document = (i: number) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-${i}
  labels:
    app.kubernetes.io/name: web-${i}
    app.kubernetes.io/part-of: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: web-${i}}
  template:
    metadata:
      labels: {app: web-${i}}
    spec:
      containers:
        - name: web
          image: registry.example.com/team/web-${i}:1.${i} # released by CI
          ports:
            - containerPort: 8080
          env:
            - name: MODE
              value: "production"
`;

const OPTIONS = { fields: [], argsAndEnv: false };

export async function run(): Promise<void> {
  const text = Array.from({ length: 4000 }, (_, i) => document(i)).join('---\n');
  let count = 0;
  const pin = async () => {
    const result = await findIn(text, 'all.yaml', OPTIONS);
    const changes = result.found.flatMap((found) => {
      const edit = pinEdit(found, DIGEST);
      return edit === undefined ? [] : [{ found, edit, digest: DIGEST }];
    });
    await applyProved(text, { result, changes }, OPTIONS);
    count = changes.length;
  };
  const events = () => parseEvents(text, { maxDepth: 100 });
  const sides = [
    { name: 'find, pin and prove', run: pin },
    { name: 'events', run: events },
  ];
  const [ours, theirs] = (await compare(sides, 15, cpuTime)) as [number, number];
  if (count !== 4000) throw new Error(`pinned ${count} of 4000`);
  const size = (text.length / 1e6).toFixed(1);
  print(`pin of 4,000 images in ${size} MB, proved, CPU beside js-yaml's events`, ours, theirs, '≤ 2.5');
}
