import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_CONFIG } from './config.ts';
import { parseConfig, readConfig } from './config-file.ts';

test('defaults and a full file', () => {
  assert.deepEqual(parseConfig('', 'c'), NO_CONFIG);
  const config = parseConfig(
    'version: 1\nfind:\n  exclude: [vendor/]\n  ignore: [{image: "localhost/**", reason: built here}]\n  fields: [{kinds: [X], paths: [spec.image]}]\nplatforms: [linux/amd64]\nregistries: [{host: r.io, plainHttp: true}]\n',
    'c',
  );
  assert.equal(config.find.ignore[0]?.reason, 'built here');
  assert.equal(config.registries[0]?.plainHttp, true);
});

const broken: [text: string, message: RegExp][] = [
  ['find: [', /^c:\d+:\d+: /],
  ['fnid: {}\n', /^c:1:1: fnid: there is no setting 'fnid' here/],
  ['find:\n  ignore:\n  - image: x\n', /^c:3:\d+: find\.ignore\.0\.reason/],
  ['platforms: linux\n', /^c:1:1: platforms: .*Expected Array/],
  ['platforms: x\nregistries: y\n', /^c:1:1: platforms: [^\n]*\nc:2:1: registries: /],
];
for (const [text, message] of broken) {
  test(`mistakes have a place: ${JSON.stringify(text)}`, () =>
    assert.throws(
      () => parseConfig(text, 'c'),
      (error) => message.test(String(error)),
    ));
}

test('no file is no configuration, a named file must be there', () => {
  assert.throws(() => readConfig('/nonexistent/tagproof.yaml'), /ENOENT/);
});
