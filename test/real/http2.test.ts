// A registry over TLS and HTTP/2, as the public ones are: many HEADs on few connections, and a connection that is lost amid.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { Reference } from '../../src/flow.ts';
import { digestOf } from '../../src/image/hash.ts';
import { OCI_MANIFEST } from '../../src/image/media-type.ts';
import { parseReference } from '../../src/image/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { resolveAll } from '../../src/resolve/resolve.ts';
import { atEnd, certificate, scratch, suite } from './suite.ts';

suite('HTTP/2 over TLS', ['openssl'], () => {
  const folder = scratch();
  const body = Buffer.from('{"schemaVersion":2}');
  const versions = new Set<string>();
  let host = '';
  let sessions = 0;
  let heads = 0;

  before(async () => {
    const { cert, key } = await certificate(folder, 'server');
    const server = createSecureServer(
      { key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true },
      (request, response) => {
        versions.add(request.httpVersion);
        if (request.url.startsWith('/token')) return void response.end('{"token":"opaque"}');
        if (request.headers.authorization === undefined) {
          return void response
            .writeHead(401, { 'www-authenticate': `Bearer realm="https://${host}/token",service="x"` })
            .end();
        }
        if (++heads === 30) return request.stream.session?.destroy();
        response.writeHead(200, {
          'content-type': OCI_MANIFEST,
          'docker-content-digest': digestOf(body),
          'content-length': body.length,
        });
        response.end(request.method === 'HEAD' ? '' : body);
      },
    );
    server.on('session', () => sessions++);
    atEnd(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, resolve));
    host = `localhost:${(server.address() as AddressInfo).port}`;
  });

  test('150 images, one connection lost: all are answered', async () => {
    const client = new RegistryClient({
      credentials: async () => undefined,
      backoffMs: 10,
      registries: [{ host, ca: join(folder, 'server.pem') }],
    });
    const references = Array.from({ length: 150 }, (_, i) => parseReference(`${host}/team/r${i}:1`) as Reference);
    const answers = [...(await resolveAll(references, { client })).values()];
    await client.close();
    assert.deepEqual(
      answers.filter((answer) => answer instanceof Error),
      [],
    );
    assert.deepEqual([...versions], ['2.0']);
    assert.ok(sessions < 10, `${sessions} connections`);
  });
});
