// Names of images, and the table of digests that stands in for the registries.
import type { Found, Resolution } from '../../src/flow.ts';
import { digestOf } from '../../src/image/hash.ts';
import { printReference, withoutDigest } from '../../src/image/reference.ts';
import type { Random } from './random.ts';

const HEX = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const NAMES = [
  'nginx',
  'nginx:1.27',
  'busybox:1.28',
  'quay.io/a/b:v1',
  'localhost:5000/x:y',
  'localhost:5000/x',
  'ghcr.io/org/app',
  'reg.example:5000/team/app:2024.01-rc.1',
  'docker.io/library/redis:7',
  'REG.example/x:1',
  'x:1.10',
  '12:30',
  '1234',
  '[::1]:5000/x:1',
  'k8s.gcr.io/pause',
  'deadbeef:1',
  `a/${HEX}:1`,
  `a/${HEX}`,
  `nginx@sha256:${HEX}`,
  `redis:7@sha256:${HEX}`,
  `r.example/${'long/'.repeat(49)}x:1`,
  `r.example/x:${'9'.repeat(128)}`,
  'a__b.io/x:1',
  'true:false',
  'image:image',
  'tag:tag',
  'containers',
];

/** The name of an image; sometimes one that no other place of the case has. */
export function imageName(random: Random): string {
  if (random.once(2)) return random.pick(NAMES);
  const host = random.pick(['', 'reg.example/', 'localhost:5000/', 'a.b.c:443/d/']);
  return `${host}app${random.below(99)}${random.pick(['', ':v1', ':1.2.3', ':latest', '-x:2024-01-01'])}`;
}

/** The digest of a reference: each has one, and none of them is in any generated text. */
export const digestFor = (found: Found): string => digestOf(printReference(withoutDigest(found.reference)));

/** What registries would answer for these places. */
export function answersFor(places: readonly Found[]): Map<string, Resolution> {
  return new Map(
    places.map((found) => [
      printReference(withoutDigest(found.reference)),
      {
        reference: withoutDigest(found.reference),
        digest: digestFor(found),
        from: 'registry',
        at: '2026-01-01T00:00:00Z',
      },
    ]),
  );
}
