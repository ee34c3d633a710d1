// A real Docker API: podman's service. What `docker inspect --format '{{index .RepoDigests 0}}'` says, tagproof says.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { resolveFromEngine } from '../../src/engine/docker.ts';
import type { Reference } from '../../src/flow.ts';
import { parseReference, printReference, withDigest } from '../../src/image/reference.ts';
import { EmbeddedRegistry } from '../../src/registry/embedded.ts';
import { pushSample } from '../../src/registry/sample.ts';
import { atEnd, command, scratch, start, suite } from './suite.ts';

suite('container engine: podman over the Docker API', ['podman'], () => {
  const folder = scratch();
  const socket = join(folder, 'podman.sock');
  const registry = new EmbeddedRegistry();
  const podman = (...args: string[]) => [
    '--root',
    join(folder, 'root'),
    '--runroot',
    join(folder, 'run'),
    '--storage-driver',
    'vfs',
    '--cgroup-manager',
    'cgroupfs',
    '--events-backend',
    'none',
    ...args,
  ];
  let image = '';

  before(async () => {
    atEnd(() => registry.close());
    const host = await registry.listen();
    // An image with one architecture that this machine runs, so that podman pulls it.
    const arch = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
    await pushSample(host, { repository: 'team/app', tag: '1', platforms: [arch], content: 'x' });
    image = `${host}/team/app:1`;
    await command('podman', podman('pull', '--tls-verify=false', image));
    await start('podman', podman('system', 'service', '--time=0', `unix://${socket}`), async () => {
      if (!existsSync(socket)) throw new Error('no socket yet');
      return resolveFromEngine(parseReference('nothing:1') as Reference, env).catch((error) =>
        assert.match(String(error), /no such image/),
      );
    });
  });

  const env = { DOCKER_HOST: `unix://${socket}` };

  test('the answer is the engine’s own', async () => {
    const resolved = await resolveFromEngine(parseReference(image) as Reference, env);
    const oracle = (
      await command('podman', podman('image', 'inspect', '--format', '{{index .RepoDigests 0}}', image))
    ).trim();
    const { tag: _, ...untagged } = resolved.reference;
    assert.equal(printReference(withDigest(untagged, resolved.digest)), oracle);
  });

  test('an image that the engine lacks is said to be missing', async () => {
    await assert.rejects(
      resolveFromEngine(parseReference('localhost/missing:1') as Reference, env),
      /has no such image: pull it first/,
    );
  });
});
