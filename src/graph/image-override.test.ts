// Entries of `images:` as kustomize applies them; the real kustomize is asked in test/real/kustomize-graph.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyOverride, type ImageOverride, joinImage, matchesOverride, splitImage } from './image-override.ts';

const D = `sha256:${'a'.repeat(64)}`;

const parts: [image: string, name: string, tag: string, digest: string][] = [
  ['redis', 'redis', '', ''],
  ['redis:7', 'redis', '7', ''],
  [`redis@${D}`, 'redis', '', D],
  [`redis:7@${D}`, 'redis', '7', D],
  ['host:5000/app', 'host:5000/app', '', ''],
  ['host:5000/app:1', 'host:5000/app', '1', ''],
  [`host:5000/app:1@${D}`, 'host:5000/app', '1', D],
];
for (const [image, name, tag, digest] of parts)
  test(`splits ${image.slice(0, 30)}`, () => {
    assert.deepEqual(splitImage(image), { name, tag, digest });
    assert.equal(joinImage({ name, tag, digest }), image);
  });

const matches: [image: string, name: string, matched: boolean][] = [
  ['redis:7', 'redis', true],
  [`redis@${D}`, 'redis', true],
  [`redis:7@${D}`, 'redis', true],
  ['redis', 'redis', true],
  ['rediss', 'redis', false],
  ['docker.io/library/redis:7', 'redis', false],
  ['redis/sentinel:7', 'redis', false],
  ['ghcrXio/app:1', 'ghcr.io/app', true], // the name is a regular expression to kustomize
  ['app:1', 'ap+', false],
  ['app:1', '', false],
];
for (const [image, name, matched] of matches)
  test(`${name || '(no name)'} ${matched ? 'matches' : 'does not match'} ${image.slice(0, 30)}`, () => {
    assert.equal(matchesOverride(image, name), matched);
  });

const applied: [image: string, override: Omit<ImageOverride, 'name'>, result: string][] = [
  ['redis:7', { newName: 'mirror/redis' }, 'mirror/redis:7'],
  [`redis:7@${D}`, { newName: 'mirror/redis' }, `mirror/redis:7@${D}`],
  [`redis:7@${D}`, { newTag: '8' }, 'redis:8'],
  ['redis:7', { digest: D }, `redis@${D}`],
  ['redis:7', { newTag: '8', digest: D }, `redis:8@${D}`],
  [`redis:7@${D}`, { tagSuffix: '-x' }, 'redis:7-x'],
  ['controller:latest', { newName: 'ghcr.io/org/operator', newTag: 'v1' }, 'ghcr.io/org/operator:v1'],
];
for (const [image, override, result] of applied)
  test(`${image.slice(0, 20)} with ${JSON.stringify(override).slice(0, 50)}`, () => {
    assert.equal(joinImage(applyOverride(splitImage(image), { name: 'x', ...override })), result);
  });
