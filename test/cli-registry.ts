// For tests of commands: a registry on loopback with two images, and folders of files that name it.
import { after, before } from 'node:test';
import { EmbeddedRegistry } from '../src/registry/embedded.ts';
import { pushSample, type SampleImage } from '../src/registry/sample.ts';
import { makeRepository } from './run-cli.ts';

export const registry = new EmbeddedRegistry();
/** Host and port of the registry; set before the first test. */
export let host = '';
/** The digest of `web:1`. */
export let web = '';

export const WEB: SampleImage = {
  repository: 'web',
  tag: '1',
  platforms: ['linux/amd64', 'linux/arm64'],
  content: 'web',
  env: ['A=1'],
};

before(async () => {
  host = await registry.listen();
  web = await pushSample(host, WEB);
  await pushSample(host, { repository: 'db', tag: '2', platforms: ['linux/amd64'], content: 'db' });
});
after(() => registry.close());

/** A fresh folder with these files; HOST stands for the registry. */
export const repository = (files: Readonly<Record<string, string>>) =>
  makeRepository(
    Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replaceAll('HOST', host)])),
  );
