// The container image, built without an engine and without a registry, and started: the webhook answers out of it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Agent, request } from 'undici';
import { atEnd, command, freePort, scratch, suite } from './suite.ts';

suite('the container image', ['buildah', 'ldd'], () => {
  const folder = scratch();
  const root = join(import.meta.dirname, '../..');
  // A store of its own: nothing of the user's is touched.
  const env = {
    ...process.env,
    BUILDAH_ISOLATION: 'chroot',
    STORAGE_DRIVER: 'vfs',
    CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
    SOURCE_DATE_EPOCH: '1700000000',
  };
  writeFileSync(
    env.CONTAINERS_STORAGE_CONF,
    `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/graph"\nrunroot = "${folder}/run"\n`,
  );
  const build = async (name: string) => {
    await command(join(root, 'deploy/build.sh'), [`oci:${folder}/${name}:latest`], env);
    const index = JSON.parse(readFileSync(join(folder, name, 'index.json'), 'utf8')) as {
      manifests: { digest: string }[];
    };
    return index.manifests[0]?.digest;
  };

  test('the same source gives the same digest', async () => {
    assert.equal(await build('first'), await build('second'));
  });

  test('it starts as an unprivileged user, and answers reviews', { timeout: 60_000 }, async () => {
    await command(join(root, 'deploy/build.sh'), ['containers-storage:localhost/tagproof:test'], env);
    const container = (await command('buildah', ['from', 'localhost/tagproof:test'], env)).trim();
    const config = JSON.parse(await command('buildah', ['inspect', '--type', 'container', container], env)) as {
      OCIv1: { config: { User: string; Entrypoint: string[] } };
    };
    assert.equal(config.OCIv1.config.User, '65532:65532');
    const policy = join(folder, 'policy');
    mkdirSync(policy);
    writeFileSync(join(policy, 'tagproof.yaml'), 'rules: [{name: r, images: ["**"], digest: required}]\n');
    const port = await freePort();
    const child: ChildProcess = spawn(
      'buildah',
      [
        'run',
        '--volume',
        `${policy}:/policy:ro`,
        container,
        '--',
        ...config.OCIv1.config.Entrypoint,
        ...[
          'serve',
          'admission',
          '--standalone',
          '--ca-file',
          '/tmp/ca.pem',
          '--policy',
          '/policy/tagproof.yaml',
          '--port',
          String(port),
        ],
      ],
      { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    );
    atEnd(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'));
    await new Promise<void>((resolve) =>
      child.stdout?.on('data', (chunk) => String(chunk).includes('listening') && resolve()),
    );
    const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
    const { statusCode, body } = await request(`https://127.0.0.1:${port}/readyz`, { dispatcher });
    assert.equal(statusCode, 200, await body.text());
    await dispatcher.destroy();
    process.kill(-(child.pid as number), 'SIGTERM');
  });
});
