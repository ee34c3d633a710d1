// Whether what runs is what was declared, from what the runtime reports and the closure of the
// declared image.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestIn, type IdentityFacts, type ImageClosure, identify, namesRepository } from './image-identity.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const [INDEX, MANIFEST, CONFIG, OTHER] = ['a', 'b', 'c', 'd'].map(digest) as [string, string, string, string];
const closure: ImageClosure = {
  root: INDEX,
  members: new Map([
    [INDEX, { role: 'index' }],
    [MANIFEST, { role: 'manifest', platform: 'linux/amd64' }],
    [CONFIG, { role: 'config', platform: 'linux/amd64' }],
  ]),
};
const facts = (more: Partial<IdentityFacts>): IdentityFacts => ({
  running: MANIFEST,
  imageId: `registry.test/web@${MANIFEST}`,
  declared: INDEX,
  closure,
  pinned: true,
  ...more,
});
const running = (of: string, more: Partial<IdentityFacts> = {}) =>
  facts({ running: of, imageId: `registry.test/web@${of}`, ...more });

for (const [name, given, pinned, byTag] of [
  ['the declared digest itself', running(INDEX), 'exact', 'same'],
  ['a manifest of the declared index', running(MANIFEST), 'exact', 'same'],
  ['a configuration of it, as Docker reports', facts({ running: CONFIG, imageId: CONFIG }), 'exact', 'same'],
  ['its digest under the name of another repository', facts({ imageId: `other.test/x@${MANIFEST}` }), 'exact', 'same'],
  ['another image', running(OTHER), 'different', 'moved'],
  ['a bare digest outside the closure', facts({ running: OTHER, imageId: OTHER }), 'unknown', 'unknown'],
  ['a digest, and the closure cannot be read', running(MANIFEST, { closure: undefined }), 'unknown', 'unknown'],
  ['the declared digest, and the closure cannot be read', running(INDEX, { closure: undefined }), 'exact', 'same'],
] as const) {
  test(`declared by digest, runs ${name}: ${pinned}`, () => assert.equal(identify(given).state, pinned));
  test(`declared by tag, runs ${name}: ${byTag}`, () =>
    assert.equal(identify({ ...given, pinned: false }).state, byTag));
}

test('a difference names what was declared, or what the tag points to now', () => {
  assert.deepEqual(identify(running(OTHER)), { state: 'different', declared: INDEX });
  assert.deepEqual(identify(running(OTHER, { pinned: false })), { state: 'moved', now: INDEX });
});

test('property: a digest outside the closure is never taken for the declared image', () => {
  const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(hex, fc.boolean(), fc.boolean(), (text, pinned, bare) => {
      const other = `sha256:${text}`;
      fc.pre(!closure.members.has(other));
      const { state } = identify(facts({ running: other, imageId: bare ? other : `x@${other}`, pinned }));
      assert.ok(state !== 'exact' && state !== 'same');
    }),
  );
});

for (const [imageId, expected, named] of [
  [`ghcr.io/org/app@${INDEX}`, INDEX, true],
  [`docker-pullable://ghcr.io/org/app@${INDEX}`, INDEX, true],
  [`localhost:5000/x@${INDEX}`, INDEX, true],
  [`docker://${INDEX}`, INDEX, false],
  [`containerd://${INDEX}`, INDEX, false],
  [`cri-o://${INDEX}`, INDEX, false],
  [INDEX, INDEX, false],
  ['a'.repeat(64), INDEX, false],
  ['', undefined, false],
  ['ghcr.io/org/app:v1', undefined, false],
  ['ghcr.io/org/app@sha256:short', undefined, true],
  ['sha256:short', undefined, false],
  [`sha256:${'A'.repeat(64)}`, undefined, false],
  ['a'.repeat(63), undefined, false],
] as const)
  test(`imageID '${imageId}': ${expected === undefined ? 'no digest' : 'a digest'}`, () => {
    assert.equal(digestIn(imageId), expected);
    assert.equal(namesRepository(imageId), named);
  });
