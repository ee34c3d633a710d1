// For generated answers the client gives the digest of the complete manifest that the server holds, or a problem.
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { openClient, referenceOf } from '../../test/registry-fixture.ts';
import { digestOf } from '../image/hash.ts';
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../image/media-type.ts';
import { Problem } from '../problem.ts';

const TYPES = [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST, 'application/json', 'application/octet-stream'];
const STATUSES = [203, 206, 400, 403, 404, 405, 500, 501];

const digest = fc.uint8Array({ minLength: 1 }).map((bytes) => digestOf(bytes));
const descriptors = fc.array(
  digest.map((of) => ({ mediaType: OCI_MANIFEST, digest: of, size: 1 })),
  { maxLength: 3 },
);
/** What the server holds: manifests and indexes, with and without type, white space around them. */
const stored = fc
  .record({
    isIndex: fc.boolean(),
    list: descriptors,
    config: digest,
    isTyped: fc.boolean(),
    space: fc.constantFrom('', '\n', '  \n\n'),
    indent: fc.constantFrom(0, 2),
  })
  .map(({ isIndex, list, config, isTyped, space, indent }) => {
    const content = isIndex ? { manifests: list } : { config: { digest: config }, layers: list };
    const mediaType = isTyped ? { mediaType: isIndex ? OCI_INDEX : DOCKER_MANIFEST } : {};
    const text = JSON.stringify({ schemaVersion: 2, ...mediaType, ...content }, null, indent);
    return { type: isIndex ? OCI_INDEX : DOCKER_MANIFEST, bytes: Buffer.from(`${space}${text}${space}`) };
  });

const BODIES = ['empty', 'gzip', 'html', 'error', 'prefix', 'schema1'] as const;
/** Mostly the right value, so that single faults come among right answers. */
const mostly = <T>(right: T, others: readonly T[]) =>
  fc.oneof({ arbitrary: fc.constant(right), weight: 6 }, { arbitrary: fc.constantFrom(...others), weight: 2 });
const answer = fc.record({
  status: mostly(200, STATUSES),
  type: mostly('right', ['none', 'text/html', 'image/png', ...TYPES]),
  /** What the digest header says. HEAD's is believed, so there it is right, absent or malformed. */
  claim: fc.constantFrom('right', 'none', 'none', 'short', 'of nothing', 'wrong'),
  body: mostly<'whole' | (typeof BODIES)[number]>('whole', BODIES),
  encoding: mostly('none', ['gzip', 'identity']),
  framing: fc.constantFrom('length', 'chunked', 'close'),
  /** Bytes that are kept back at the end of the body, while the framing promises them. */
  cut: mostly(0, [1, 2, 5, 20]),
  closes: fc.boolean(),
});
type Scripted = typeof answer extends fc.Arbitrary<infer T> ? T : never;
type Stored = typeof stored extends fc.Arbitrary<infer T> ? T : never;

let script: { held: Stored; head: Scripted; get: Scripted };
const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.on('data', (request) => {
    const isHead = request.toString('latin1').startsWith('HEAD');
    write(socket, isHead ? script.head : script.get, script.held, isHead);
  });
});
let host = '';
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `localhost:${(server.address() as { port: number }).port}`;
});
after(() => server.close());

function write(socket: Socket, scripted: Scripted, { bytes, type }: Stored, isHead: boolean): void {
  const { status, claim, encoding, framing, cut, closes } = scripted;
  const bodies: Record<Scripted['body'], Buffer> = {
    whole: bytes,
    empty: Buffer.alloc(0),
    gzip: gzipSync(bytes),
    html: Buffer.from('<html><body>Bad gateway</body></html>'),
    error: Buffer.from('{"errors":[{"code":"UNKNOWN","message":"down"}]}'),
    prefix: bytes.subarray(0, bytes.length >> 1),
    schema1: Buffer.from('{"schemaVersion":1,"fsLayers":[]}'),
  };
  const body = bodies[scripted.body];
  const claims = {
    right: digestOf(bytes),
    none: undefined,
    short: 'sha256:abc',
    'of nothing': digestOf(''),
    wrong: isHead ? undefined : digestOf('another'),
  };
  const headers = {
    'content-type': scripted.type === 'right' ? type : scripted.type === 'none' ? undefined : scripted.type,
    'docker-content-digest': claims[claim],
    'content-encoding': encoding === 'none' ? undefined : encoding,
    'content-length': framing === 'length' ? String(body.length) : undefined,
    'transfer-encoding': framing === 'chunked' ? 'chunked' : undefined,
    connection: closes || framing === 'close' ? 'close' : undefined,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}`));
  const start = Buffer.from(`HTTP/1.1 ${status} Some\r\n${lines.join('\r\n')}\r\n\r\n`);
  if (isHead) return void socket.end(start);
  const sent = body.subarray(0, Math.max(0, body.length - cut));
  const chunk = sent.length === 0 ? '' : `${sent.length.toString(16)}\r\n${sent.toString('latin1')}\r\n`;
  const end = sent.length < body.length ? '' : '0\r\n\r\n';
  socket.end(Buffer.concat([start, framing === 'chunked' ? Buffer.from(`${chunk}${end}`, 'latin1') : sent]));
}

test('S2-1: the digest of the complete manifest, or a problem', async () => {
  const client = openClient({ backoffMs: 0, deadlineMs: 5000 });
  const count = { digests: 0, problems: 0 };
  await fc.assert(
    fc.asyncProperty(stored, answer, answer, async (held, head, get) => {
      script = { held, head, get };
      const result = await client.head(referenceOf(`${host}/a:1`)).catch((error: unknown) => error);
      if (result instanceof Problem) {
        count.problems++;
        return;
      }
      count.digests++;
      assert.equal((result as { digest?: string }).digest, digestOf(held.bytes));
    }),
    { numRuns: 1000 },
  );
  // Both come often: the property is not of problems alone.
  assert.ok(count.digests > 100 && count.problems > 100, JSON.stringify(count));
});

test('S2-1: a right answer to GET is always taken', async () => {
  const client = openClient({ backoffMs: 0 });
  const right = answer.map((one) => ({ ...one, status: 200, type: 'right', body: 'whole' as const, cut: 0 }));
  const framed = right.map(
    (one): Scripted => ({
      ...one,
      claim: one.claim === 'right' ? 'right' : 'none',
      framing: one.closes ? 'length' : 'chunked',
    }),
  );
  await fc.assert(
    fc.asyncProperty(stored, answer, framed, async (held, head, get) => {
      script = { held, head: { ...head, status: 405 }, get };
      assert.equal((await client.head(referenceOf(`${host}/a:1`))).digest, digestOf(held.bytes));
    }),
    { numRuns: 200 },
  );
});
