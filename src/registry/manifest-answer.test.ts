// A digest is taken only from a complete manifest, or from a HEAD that describes one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  answerManifest,
  type Handler,
  MANIFEST,
  openClient,
  openRegistry,
  problemOf,
  referenceOf,
  scriptedRegistry,
} from '../../test/registry-fixture.ts';
import { digestOf } from '../image/hash.ts';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';

const DIGEST = digestOf(MANIFEST);
const OTHER = `sha256:${'0'.repeat(64)}`;
const manifest = JSON.parse(MANIFEST.toString()) as object;
const index = { schemaVersion: 2, manifests: [{ digest: DIGEST, mediaType: OCI_MANIFEST, size: 1 }] };
const PROXY = /ask who runs this registry, or a proxy in front of it/;

/** HEAD answers 405, GET what the case says. */
const getOnly =
  (answer: Handler): Handler =>
  (request, response) =>
    request.method === 'HEAD' ? response.writeHead(405).end() : answer(request, response);
const answering = (body: unknown, headers: Record<string, string | string[]> = {}) =>
  getOnly((_, response) =>
    response
      .writeHead(200, { 'content-type': OCI_MANIFEST, ...headers })
      .end(Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body)),
  );
const headOf = async (handler: Handler) => openClient().head(referenceOf(`${await scriptedRegistry(handler)}/a:1`));

const REFUSED: [name: string, handler: Handler, sent: RegExp, remedy: RegExp][] = [
  ['a gzip body', answering(gzipSync(MANIFEST), { 'content-encoding': 'gzip' }), /'gzip'/, /turn compression off/],
  ['a gzip body that is not called one', answering(gzipSync(MANIFEST)), /\d+ bytes that are no complete JSON/, PROXY],
  ['an empty body', answering(''), /an empty body/, PROXY],
  ['an empty body with its digest', answering('', { 'docker-content-digest': digestOf('') }), /an empty body/, PROXY],
  ['half of a manifest', answering(MANIFEST.subarray(0, 20)), /20 bytes that are no complete JSON/, PROXY],
  [
    'an HTML page',
    answering('<html>', { 'content-type': 'text/html; charset=utf-8' }),
    /an HTML page/,
    /proxy settings/,
  ],
  ['an HTML page as a manifest', answering('\n<!DOCTYPE html><p>'), /an HTML page/, /check the registry's name/],
  ['a manifest called HTML', answering(manifest, { 'content-type': 'text/html' }), /an HTML page/, /proxy settings/],
  [
    'an HTML page with its digest',
    answering('<html>', { 'content-type': 'text/html', 'docker-content-digest': digestOf('<html>') }),
    /an HTML page/,
    /proxy settings/,
  ],
  ['an error with status 200', answering({ errors: [{ message: 'down\u001b' }] }), /'down '/, PROXY],
  ['another JSON', answering({}, { 'content-type': 'application/json' }), /JSON that is no manifest/, PROXY],
  ['null', answering('null'), /no manifest \(no object\)/, PROXY],
  ['another type', answering(manifest, { 'content-type': 'image/png' }), /'image\/png'/, /this name is an image's/],
  [
    'a configuration',
    answering({ os: 'linux' }, { 'content-type': 'application/vnd.oci.image.config.v1+json' }),
    /'application\/vnd\.oci\.image\.config\.v1\+json'/,
    /this name is an image's/,
  ],
  [
    'no schemaVersion',
    answering({ ...manifest, schemaVersion: undefined }),
    /no manifest \(expected schemaVersion 2\)/,
    PROXY,
  ],
  ['no config', answering({ ...manifest, config: undefined }), /no manifest \(config has no digest\)/, PROXY],
  [
    'a config without digest',
    answering({ ...manifest, config: { size: 2 } }),
    /no manifest \(config has no digest\)/,
    PROXY,
  ],
  ['no layers', answering({ ...manifest, layers: undefined }), /no manifest \(neither manifests nor layers\)/, PROXY],
  [
    'a layer without digest',
    answering({ ...manifest, layers: [{}] }),
    /no manifest \(layers\[0\] has no digest\)/,
    PROXY,
  ],
  [
    'an index without manifests',
    answering({ schemaVersion: 2 }, { 'content-type': OCI_INDEX }),
    /no manifest \(neither manifests nor layers\)/,
    PROXY,
  ],
  [
    'an index of nothings',
    answering({ ...index, manifests: [null] }, { 'content-type': OCI_INDEX }),
    /no manifest \(manifests\[0\] has no digest\)/,
    PROXY,
  ],
  [
    'a manifest that is an index too',
    answering({ ...index, ...manifest }),
    /no manifest \(both manifests and config or layers\)/,
    PROXY,
  ],
  ['an index as a manifest', answering(index), /which the document contradicts/, PROXY],
  [
    'a manifest that says it is an index',
    answering({ ...manifest, mediaType: OCI_INDEX }),
    /no manifest \(its mediaType is of something else\)/,
    PROXY,
  ],
  [
    'a mediaType that is a number',
    answering({ ...manifest, mediaType: 2 }),
    /no manifest \(its mediaType is of something else\)/,
    PROXY,
  ],
  ['a byte order mark', answering(`\ufeff${MANIFEST}`), /no complete JSON/, PROXY],
  [
    'bytes that are no UTF-8',
    answering(Buffer.concat([MANIFEST.subarray(0, -1), Buffer.from(',"a":"\xff"}', 'latin1')])),
    /no complete JSON/,
    PROXY,
  ],
  ['schema 1', answering({ schemaVersion: 1 }), /schema 1/, /push it again/],
  ['schema 1 by its layers', answering({ ...manifest, fsLayers: [] }), /schema 1/, /push it again/],
  [
    'schema 1 by its type',
    answering(manifest, { 'content-type': 'application/vnd.docker.distribution.manifest.v1+prettyjws' }),
    /schema 1/,
    /push it again/,
  ],
  ['a digest that is none', answering(manifest, { 'docker-content-digest': 'sha256:short' }), /'sha256:short'/, PROXY],
];
for (const [name, handler, sent, remedy] of REFUSED)
  test(`S2-1: ${name} is never pinned, and the error says what came and what to do`, async () => {
    const problem = await problemOf(headOf(handler));
    assert.equal(problem.code, 'protocol', problem.message);
    assert.match(problem.message, /^expected the image manifest or index of localhost:\d+\/a:1, localhost:\d+ sent /);
    assert.match(problem.message, sent);
    assert.match(problem.message, remedy);
  });

test('S2-1: GET asks for the bytes as they are, also behind a redirect', async () => {
  const encodings: unknown[] = [];
  const note: Handler = (request, response) => {
    encodings.push(request.headers['accept-encoding']);
    response.writeHead(200, { 'content-type': OCI_MANIFEST }).end(request.method === 'GET' ? MANIFEST : '');
  };
  const storage = await scriptedRegistry(note);
  const digest = (
    await headOf((request, response) => {
      encodings.push(request.headers['accept-encoding']);
      response.writeHead(307, { location: `http://${storage}/stored` }).end();
    })
  ).digest;
  assert.equal(digest, DIGEST);
  assert.deepEqual(encodings, ['identity', 'identity', 'identity', 'identity']);
});

test('S2-1: several digests in the headers must all be of the bytes', async () => {
  const sha512 = digestOf(MANIFEST, 'sha512');
  const two = (digests: string[]) => headOf(answering(MANIFEST, { 'docker-content-digest': digests }));
  assert.equal((await two([sha512, DIGEST])).digest, sha512);
  assert.equal((await problemOf(two([DIGEST, OTHER]))).code, 'mismatch');
  assert.equal((await problemOf(two([OTHER, DIGEST]))).code, 'mismatch');
});

test('S2-1: a body that ends with its connection, without length and digest, may be cut', async () => {
  const closing = (headers: Record<string, string>) =>
    getOnly((_, { socket }) => {
      const lines = ['HTTP/1.1 200 OK', `content-type: ${OCI_MANIFEST}`, 'connection: close'];
      for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
      socket?.end(`${lines.join('\r\n')}\r\n\r\n${MANIFEST}`);
    });
  const problem = await problemOf(headOf(closing({})));
  assert.match(problem.message, /sent \d+ bytes without their length or digest/);
  assert.equal((await headOf(closing({ 'docker-content-digest': DIGEST }))).digest, DIGEST);
  const host = await scriptedRegistry(closing({}));
  assert.equal((await openClient().head(referenceOf(`${host}/a@${DIGEST}`))).digest, DIGEST);
});

test('S2-1: a cut answer is called one, with what came of what', async () => {
  const length = MANIFEST.length;
  const cut: [name: string, handler: Handler, message: RegExp][] = [
    [
      'a length that is not reached',
      getOnly((_, r) => answerManifest(r, { 'content-length': length + 9 }).write(MANIFEST, () => r.destroy())),
      new RegExp(`cut its answer after ${length} of ${length + 9} bytes: try again`),
    ],
    [
      'a length that is not reached, on a connection that closes',
      getOnly((_, r) =>
        answerManifest(r, { 'content-length': length + 9, connection: 'close' }).write(MANIFEST, () => r.socket?.end()),
      ),
      new RegExp(`cut its answer after ${length} of ${length + 9} bytes`),
    ],
    [
      'chunks that break off',
      getOnly((_, r) => r.writeHead(200, { 'content-type': OCI_MANIFEST }).write(MANIFEST, () => r.destroy())),
      new RegExp(`cut its answer after ${length} bytes`),
    ],
    [
      'chunks that break off, on a connection that closes',
      getOnly((_, r) =>
        r.writeHead(200, { 'content-type': OCI_MANIFEST, connection: 'close' }).write(MANIFEST, () => r.socket?.end()),
      ),
      new RegExp(`cut its answer after ${length} bytes`),
    ],
  ];
  for (const [name, handler, message] of cut) {
    const problem = await problemOf(headOf(handler));
    assert.equal(problem.code, 'unreachable', name);
    assert.match(problem.message, message, name);
  }
});

test('S2-1: a cut answer is asked for again', async () => {
  let gets = 0;
  const handler = getOnly((_, r) =>
    gets++ === 0
      ? r.writeHead(200, { 'content-type': OCI_MANIFEST }).write('{', () => r.destroy())
      : answerManifest(r).end(MANIFEST),
  );
  assert.equal((await headOf(handler)).digest, DIGEST);
  assert.equal(gets, 2);
});

test('P24: HEAD fails or says too little, GET works: the digest of the bytes, and the type of the document', async () => {
  const heads: [status: number, headers: Record<string, string | string[]>][] = [
    [203, { 'content-type': OCI_MANIFEST, 'docker-content-digest': OTHER }],
    [200, { 'content-type': OCI_MANIFEST, 'docker-content-digest': [OTHER, DIGEST] }],
    ...[400, 403, 404, 405, 500, 501, 502, 204, 206].map((status): [number, Record<string, string>] => [status, {}]),
    [200, {}],
    [200, { 'content-type': OCI_MANIFEST }],
    [200, { 'docker-content-digest': OTHER }],
    [200, { 'content-type': OCI_MANIFEST, 'docker-content-digest': 'sha256:short' }],
    [200, { 'content-type': OCI_MANIFEST, 'docker-content-digest': digestOf('') }],
    [200, { 'content-type': OCI_MANIFEST, 'docker-content-digest': OTHER.toUpperCase() }],
    [200, { 'content-type': 'application/json', 'docker-content-digest': OTHER }],
    [200, { 'content-type': 'application/octet-stream', 'docker-content-digest': OTHER }],
    [200, { 'content-type': 'text/html', 'docker-content-digest': OTHER }],
  ];
  for (const [status, headers] of heads)
    for (const type of [OCI_MANIFEST, 'application/json', 'application/octet-stream', 'binary/octet-stream', '']) {
      const host = await scriptedRegistry((request, response) =>
        request.method === 'HEAD'
          ? response.writeHead(status, headers).end()
          : response.writeHead(200, type === '' ? {} : { 'content-type': type }).end(MANIFEST),
      );
      const head = await openClient().head(referenceOf(`${host}/a:1`));
      assert.deepEqual([head.digest, head.mediaType, head.size], [DIGEST, OCI_MANIFEST, MANIFEST.length], `${status}`);
    }
});

test('P24: the document names its own type where the storage does not', async () => {
  const documents: [document: object, mediaType: string][] = [
    [index, OCI_INDEX],
    [{ ...index, mediaType: DOCKER_LIST }, DOCKER_LIST],
    [{ ...manifest, mediaType: DOCKER_MANIFEST }, DOCKER_MANIFEST],
    [{ ...index, manifests: [] }, OCI_INDEX],
  ];
  for (const [document, mediaType] of documents)
    assert.equal((await headOf(answering(document, { 'content-type': 'application/json' }))).mediaType, mediaType);
});

test('P24: what GET would not better is final: no access, and a host that asks for a pause', async () => {
  for (const [status, headers] of [
    [401, {}],
    [429, { 'retry-after': '3600' }],
    [503, { 'retry-after': '3600' }],
  ] as const) {
    const { host, server } = await openRegistry({
      intercept: (_, response) => (response.writeHead(status, headers).end(), true),
    });
    await problemOf(openClient().head(referenceOf(`${host}/a:1`)));
    assert.deepEqual(
      server.log.filter((line) => line.startsWith('GET')),
      [],
      String(status),
    );
  }
});

test('P24: a failure of both is told with the words that GET brought', async () => {
  const handler: Handler = (request, response) =>
    response.writeHead(403).end(request.method === 'HEAD' ? '' : '{"errors":[{"message":"quota exceeded"}]}');
  assert.match((await problemOf(headOf(handler))).message, /403: quota exceeded/);
});

test('HEAD: the size is of the stored bytes, not of a compressed answer', async () => {
  const headers = { 'content-type': OCI_MANIFEST, 'docker-content-digest': DIGEST, 'content-length': '7' };
  const size = async (more: Record<string, string>) =>
    (await headOf((_, response) => response.writeHead(200, { ...headers, ...more }).end())).size;
  assert.deepEqual([await size({}), await size({ 'content-encoding': 'gzip' })], [7, undefined]);
});

test('a blob: HTML or nothing in its place is called that, other bytes are wrong bytes', async () => {
  const blob = async (body: string, type = 'application/octet-stream') => {
    const host = await scriptedRegistry((_, response) => response.writeHead(200, { 'content-type': type }).end(body));
    return openClient().blob(referenceOf(`${host}/a`), digestOf('x'));
  };
  assert.equal((await blob('x', 'text/html')).toString(), 'x');
  assert.match(
    (await problemOf(blob('<html>', 'text/html'))).message,
    /^expected the bytes of sha256:\w+, localhost:\d+ sent an HTML page/,
  );
  assert.match((await problemOf(blob(''))).message, /sent an empty body/);
  assert.equal((await problemOf(blob('y'))).code, 'mismatch');
});
