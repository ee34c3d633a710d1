// AdmissionReviews in and out: what is refused, and what API servers accept as an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Problem } from '../problem.ts';
import { readReview, writeReview } from './review.ts';

const review = (request: object, more: object = {}) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: { uid: 'u', kind: { group: '', version: 'v1', kind: 'Pod' }, operation: 'CREATE', ...request },
  ...more,
});

test('what a review may leave out has a default', () => {
  const request = readReview(review({}));
  assert.deepEqual(
    [request.namespace, request.name, request.subResource, request.userInfo.username, request.userInfo.groups],
    ['', '', '', '', []],
  );
  assert.equal(readReview(review({ object: null, oldObject: null, dryRun: null })).dryRun, null);
});

const invalid: [name: string, body: unknown, message: RegExp][] = [
  ['an older version', review({}, { apiVersion: 'admission.k8s.io/v1beta1' }), /apiVersion: expected admission/],
  ['another kind', review({}, { kind: 'Pod' }), /kind/],
  ['no request', review({}, { request: undefined }), /request/],
  ['an empty uid', review({ uid: '' }), /request\.uid: expected a uid/],
  ['an unknown operation', review({ operation: 'PATCH' }), /request\.operation/],
  ['an object that is a list', review({ object: 'pod' }), /request\.object/],
  ['groups that are no list', review({ userInfo: { groups: 'system:masters' } }), /request\.userInfo\.groups/],
  ['dryRun as a text', review({ dryRun: 'false' }), /request\.dryRun/],
  ['no body', null, /body/],
];
for (const [name, body, message] of invalid)
  test(`T42: refused: ${name}`, () => assert.throws(() => readReview(body), message));

test('T42: no body makes the reader throw anything but a Problem', () => {
  fc.assert(
    fc.property(fc.anything(), (body) => {
      try {
        readReview(body);
      } catch (error) {
        assert.ok(error instanceof Problem);
      }
    }),
  );
});

test('a denial is a Status with code 403; warnings are bounded as API servers bound them', () => {
  const { response } = writeReview('u', {
    allowed: false,
    message: 'no',
    warnings: Array<string>(100).fill('x'.repeat(1000)),
  }) as { response: { status: object; warnings: string[]; patch?: string } };
  assert.deepEqual(response.status, { code: 403, reason: 'Forbidden', message: 'no' });
  assert.equal(response.warnings.length, 15);
  assert.ok(response.warnings.every((line) => line.length === 250));
  assert.ok(response.warnings.join('').length < 4096);
  assert.equal('patch' in response, false);
});

test('T53: no image text can leave its string in the patch', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), (value, path) => {
      const patch = [{ op: 'replace' as const, path, value }];
      const { response } = writeReview('u', { allowed: true, patch }) as { response: { patch: string } };
      const decoded = JSON.parse(Buffer.from(response.patch, 'base64').toString('utf8'));
      assert.equal(decoded.length, 1);
      assert.equal(decoded[0].path, Buffer.from(path).toString());
      assert.deepEqual(Object.keys(decoded[0]), ['op', 'path', 'value']);
    }),
  );
});
