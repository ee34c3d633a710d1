// P16: what a server reads beside the repository has git's paths.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { uriOf } from './paths.ts';

test('P16: a URI gives its path back, and a path from the top is a relative reference', () => {
  const part = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => !/[/\0]|^\.\.?$/.test(text));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), fc.boolean(), (parts, absolute) => {
      const path = (absolute ? '/' : '') + parts.join('/');
      const uri = uriOf(path);
      assert.match(uri, /^[\x21-\x7e]+$/);
      const { pathname, search, hash, origin } = new URL(uri, 'file:///top/');
      assert.deepEqual([search, hash, origin], ['', '', 'null']);
      assert.equal(decodeURIComponent(pathname), absolute ? path : `/top/${path}`);
      assert.equal(uri.startsWith('file:'), absolute);
    }),
  );
});

test('P16: a file of another drive is a file URI', () =>
  assert.equal(uriOf('C:/a b/c.yaml'), 'file:///C%3A/a%20b/c.yaml'));
