// Which images a bypass admits, and which it does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reference } from '../flow.ts';
import { parseReference } from '../image/reference.ts';
import { bypassFor, capped, checkTerm, readBypass } from './bypass.ts';

const NOW = Date.parse('2026-11-24T12:00:00Z');
const object = (images: string[], until = '2026-11-24T13:00:00Z') => ({
  metadata: { name: 'b', namespace: 'shop' },
  spec: { images, reason: 'incident 4711', until },
});
const D = `sha256:${'a'.repeat(64)}`;

const runs: [images: string[], image: string, admits: boolean][] = [
  [['ghcr.io/org/app:1'], 'ghcr.io/org/app:1', true],
  [['ghcr.io/org/app:1'], `ghcr.io/org/app:1@${D}`, true],
  [['ghcr.io/org/app:1'], 'ghcr.io/org/app:2', false],
  [['ghcr.io/org/app:1'], `ghcr.io/org/app@${D}`, false],
  [[`ghcr.io/org/app@${D}`], `ghcr.io/org/app:1@${D}`, true],
  [[`ghcr.io/org/app:1@${D}`], 'ghcr.io/org/app:1', false],
  [['ghcr.io/org/app'], 'ghcr.io/org/app:9', true],
  [['nginx'], 'docker.io/library/nginx:1', true],
  [['ghcr.io/org/**'], 'ghcr.io/org/a/b:1', true],
  [['ghcr.io/org/*'], 'ghcr.io/org/a/b:1', false],
  [['ghcr.io/org/*'], 'ghcr.io/org-evil/a:1', false],
];
for (const [images, image, admits] of runs)
  test(`bypass: ${images} ${admits ? 'admits' : 'does not admit'} ${image}`, () => {
    const bypass = readBypass(object(images));
    const reference = parseReference(image) as Reference;
    assert.equal(bypassFor([bypass], 'shop', reference, NOW) !== undefined, admits);
    assert.equal(bypassFor([bypass], 'lab', reference, NOW), undefined, 'in its own namespace only');
    assert.equal(bypassFor([bypass], 'shop', reference, NOW + 3_600_001), undefined, 'until it ends');
  });

test('a bypass that was created while the webhook was away still ends after a day', () => {
  const long = readBypass(object(['nginx'], '2027-01-01T00:00:00Z'));
  assert.equal(new Date(capped(long, '2026-11-24T12:00:00Z').until).toISOString(), '2026-11-25T12:00:00.000Z');
  assert.equal(capped(long, undefined).until, long.until);
});

test('invalid bypasses: no literal host, broken references, no end, too long a term', () => {
  for (const images of [['**'], ['*/x'], ['*.example.com/**'], ['a b'], []])
    assert.throws(() => readBypass(object(images)), /spec\.images/);
  assert.throws(() => readBypass(object(['nginx'], 'soon')), /spec\.until/);
  assert.throws(() => checkTerm(readBypass(object(['nginx'], '2026-11-26T12:00:00Z')), NOW), /within a day/);
  assert.throws(() => checkTerm(readBypass(object(['nginx'], '2026-11-24T11:00:00Z')), NOW), /already passed/);
  checkTerm(readBypass(object(['nginx'])), NOW);
});
