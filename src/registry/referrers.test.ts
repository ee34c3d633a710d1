// Lists of referrers: what counts as an entry, how many are read, where the next page may be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  openClient,
  openRegistry,
  problemOf,
  referenceOf,
  SAMPLE,
  scriptedRegistry,
} from '../../test/registry-fixture.ts';
import { OCI_INDEX } from '../image/media-type.ts';
import { parsePinned } from '../image/reference.ts';
import type { Endpoint } from './endpoint.ts';
import { MAX_REFERRER_PAGES, MAX_REFERRERS } from './limits.ts';
import { mayBe, nextPage, type Referrer, readReferrers } from './referrers.ts';
import { pushReferrer, pushSample } from './sample.ts';

const ENDPOINT: Endpoint = {
  base: 'https://r.io/v2/',
  registry: 'r.io',
  mirror: false,
  skipVerify: false,
  headers: {},
};
const DIGEST = `sha256:${'a'.repeat(64)}`;
const digestNumber = (n: number) => `sha256:${n.toString(16).padStart(64, '0')}`;
const body = (value: unknown) => Buffer.from(JSON.stringify(value));
const list = (count: number, from = 0) =>
  JSON.stringify({
    manifests: Array.from({ length: count }, (_, i) => ({ digest: digestNumber(from + i), mediaType: 'x' })),
  });

test('an entry that is no descriptor hides no other', () => {
  const good = { digest: DIGEST, mediaType: 'x', artifactType: 'y', size: 7 };
  const annotated = { ...good, annotations: { 'dev.sigstore.bundle.predicateType': 'https://slsa.dev/provenance/v1' } };
  const manifests = [
    null,
    7,
    'text',
    [],
    {},
    { ...good, digest: 'sha256:short' },
    { ...good, digest: undefined },
    { ...good, mediaType: 7 },
    good,
    { ...good, artifactType: 7, annotations: null },
    annotated,
  ];
  assert.deepEqual(readReferrers(body({ manifests }), ENDPOINT), [
    { digest: DIGEST, mediaType: 'x', artifactType: 'y' },
    { digest: DIGEST, mediaType: 'x' },
    { digest: DIGEST, mediaType: 'x', artifactType: 'y', predicateType: 'https://slsa.dev/provenance/v1' },
  ]);
  for (const wrong of ['<html>', 'null', '[]', '{}', '{"manifests":{}}'])
    assert.throws(() => readReferrers(Buffer.from(wrong), ENDPOINT), { code: 'protocol' }, wrong);
});

test('property: whatever stands in a list, each entry that is read has a digest and a media type', () => {
  const entry = fc.oneof(
    fc.jsonValue(),
    fc.record({ digest: fc.oneof(fc.constant(DIGEST), fc.string()), mediaType: fc.jsonValue() }),
  );
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 8 }), (manifests) => {
      for (const { digest, mediaType } of readReferrers(body({ manifests }), ENDPOINT)) {
        assert.match(digest, /^sha(256|512):[0-9a-f]+$/);
        assert.equal(typeof mediaType, 'string');
      }
    }),
  );
});

test('only a type that plainly says otherwise rules a referrer out', () => {
  const of = (artifactType?: string): Referrer => ({
    digest: DIGEST,
    mediaType: 'x',
    ...(artifactType !== undefined && { artifactType }),
  });
  const prefix = 'application/vnd.dev.sigstore.bundle';
  for (const type of [
    undefined,
    '',
    'application/vnd.oci.empty.v1+json',
    'application/vnd.oci.image.config.v1+json',
    `${prefix}.v0.3+json`,
  ])
    assert.ok(mayBe(of(type), prefix), type);
  for (const type of ['text/plain', `x${prefix}`]) assert.ok(!mayBe(of(type), prefix), type);
});

test('the next page is on the same registry and repository', () => {
  const next = (link: string | undefined) => nextPage(link, ENDPOINT, 'team/web');
  assert.equal(next(undefined), undefined);
  assert.equal(next('</v2/team/web/referrers/x>; rel="prev"'), undefined);
  for (const rel of ['rel="next"', 'rel=next'])
    assert.equal(next(`</v2/team/web/referrers/${DIGEST}?n=1>; ${rel}`), `referrers/${DIGEST}?n=1`);
  assert.equal(next('<https://r.io/v2/team/web/referrers/x>; rel="next"'), 'referrers/x');
  for (const elsewhere of [
    'https://evil.io/v2/team/web/referrers/x',
    'http://r.io/v2/team/web/referrers/x',
    'https://r.io.evil.io/v2/team/web/referrers/x',
    '/v2/team/other/referrers/x',
    '/v2/team/web/../other/referrers/x',
    '/v2/team/web/manifests/x',
    '//evil.io/v2/team/web/referrers/x',
    'https://',
  ])
    assert.throws(() => next(`<${elsewhere}>; rel="next"`), { code: 'refused' }, elsewhere);
});

test('the API and the fallback tag give the same list', async () => {
  for (const referrers of [true, false]) {
    const { host } = await openRegistry({ referrers });
    const subject = await pushSample(host, { ...SAMPLE, platforms: ['linux/amd64'] });
    const artifact = { repository: 'team/web', subject, artifactType: 'text/plain', layer: Buffer.from('x') };
    if (referrers) await pushReferrer(host, artifact);
    else
      await openClient()
        .pusher(referenceOf(`${host}/team/web`))
        .attach((await openClient().head(referenceOf(`${host}/team/web@${subject}`))) as never, {
          artifactType: 'text/plain',
          layer: Buffer.from('x'),
          layerType: 'text/plain',
          annotations: {},
        });
    const found = await openClient().referrers(parsePinned(`${host}/team/web@${subject}`));
    assert.deepEqual(
      found.map(({ artifactType }) => artifactType),
      ['text/plain'],
      `API: ${referrers}`,
    );
  }
});

test('no answer, HTML or an error where the API is missing: the fallback tag decides; another error is an error', async () => {
  const cases: [status: number, contentType: string, outcome: string][] = [
    [404, 'text/plain', 'fallback'],
    [400, 'application/json', 'fallback'],
    [405, 'text/plain', 'fallback'],
    [501, 'text/plain', 'fallback'],
    [200, 'text/html', 'fallback'],
    [403, 'application/json', 'denied'],
    [500, 'application/json', 'unreachable'],
  ];
  for (const [status, contentType, outcome] of cases) {
    const host = await scriptedRegistry((request, response) =>
      request.url?.includes('/referrers/')
        ? response.writeHead(status, { 'content-type': contentType }).end('<html>')
        : response.writeHead(404).end(),
    );
    const answer = await openClient()
      .referrers(parsePinned(`${host}/a@${DIGEST}`))
      .then(
        (found) => (found.length === 0 ? 'fallback' : 'found'),
        (error) => error.code,
      );
    assert.equal(answer, outcome, `${status} ${contentType}`);
  }
});

test('T39: more entries or pages than the limit are a problem, never a shorter list', async () => {
  const referrers = (answer: (page: number) => { text: string; next: boolean }) =>
    scriptedRegistry((request, response) => {
      const page = Number(/page=(\d+)/.exec(request.url ?? '')?.[1] ?? 0);
      const { text, next } = answer(page);
      if (next) response.setHeader('link', `</v2/a/referrers/${DIGEST}?page=${page + 1}>; rel="next"`);
      response.setHeader('content-type', OCI_INDEX).end(text);
    });
  const read = async (host: string) => openClient().referrers(parsePinned(`${host}/a@${DIGEST}`));

  const most = await referrers(() => ({ text: list(MAX_REFERRERS), next: false }));
  assert.equal((await read(most)).length, MAX_REFERRERS);
  const tooMany = await referrers(() => ({ text: list(MAX_REFERRERS + 1), next: false }));
  assert.equal((await problemOf(read(tooMany))).code, 'limit');
  const half = MAX_REFERRERS / 2 + 1;
  const overPages = await referrers((page) => ({ text: list(half, page * half), next: page === 0 }));
  assert.equal((await problemOf(read(overPages))).code, 'limit');
  const pages = await referrers((page) => ({ text: list(1, page), next: page < MAX_REFERRER_PAGES - 1 }));
  assert.equal((await read(pages)).length, MAX_REFERRER_PAGES);
  const endless = await referrers((page) => ({ text: list(1, page), next: true }));
  assert.match((await problemOf(read(endless))).message, /more than \d+ pages/);
});
