// Revocation of Notary Project signatures over HTTP, and what each setting of the policy makes of the answer.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import * as der from './der.ts';
import { DAY } from './keys.ts';
import { CODE, envelope, leafOf, now, root, verify, WHO } from './notation.ts';
import { crl, ocsp } from './revocation.ts';

const { EXTENSIONS } = der;
// --- revocation ---

let answer: (path: string, body: Buffer) => Buffer | number = () => 500;
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = answer(request.url as string, Buffer.concat(chunks));
  if (typeof body === 'number') response.writeHead(body).end();
  else response.writeHead(200).end(body);
});
after(() => server.close());

test('revocation: OCSP, then the list; taken back, could not check, and what each setting makes of it', async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const points = (path: string): der.Extension => ({
    oid: '2.5.29.31',
    value: der.sequence(der.sequence(der.context(0, der.context(0, der.uri(`${url}/${path}`))))),
  });
  const access: der.Extension = {
    oid: '1.3.6.1.5.5.7.1.1',
    value: der.sequence(der.sequence(der.oid('1.3.6.1.5.5.7.48.1'), der.uri(`${url}/ocsp`))),
  };
  const usual = [EXTENSIONS.usage(0x80), EXTENSIONS.purposes([CODE])];
  const both = envelope({ chain: [leafOf({ extensions: [...usual, access, points('crl')] }), root] });
  const list = envelope({ chain: [leafOf({ extensions: [...usual, points('crl')] }), root] });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const old = new Date(now.getTime() - DAY);
  const runs: [
    name: string,
    bytes: Buffer,
    ocsp: Buffer | number,
    crl: Buffer | number,
    kind: string,
    says?: RegExp,
  ][] = [
    ['OCSP: good', both, ocsp('good'), 500, 'verified'],
    ['OCSP: revoked', both, ocsp('revoked'), crl([]), 'invalid', /was revoked/],
    ['OCSP does not know, the list does', both, ocsp('unknown'), crl([]), 'verified'],
    [
      'OCSP by a stranger, the list says revoked',
      both,
      ocsp('good', { key: other }),
      crl([2]),
      'invalid',
      /was revoked/,
    ],
    ['OCSP about another certificate', both, ocsp('good', { serial: 9 }), 404, 'unchecked', /another certificate/],
    ['OCSP out of date', both, ocsp('good', { until: old }), 404, 'unchecked', /out of date/],
    ['the list: not in it', list, 500, crl([7]), 'verified'],
    ['the list: in it', list, 500, crl([7, 2]), 'invalid', /was revoked/],
    ['the list by a stranger', list, 500, crl([], { key: other }), 'unchecked', /not signed by the issuer/],
    ['the list of another issuer', list, 500, crl([], { issuer: WHO }), 'unchecked', /another issuer/],
    ['the list out of date', list, 500, crl([], { until: old }), 'unchecked', /out of date/],
    ['garbage', list, 500, Buffer.from('garbage'), 'unchecked'],
    ['names no address', envelope(), 500, 500, 'unchecked', /names neither/],
  ];
  for (const [name, bytes, byOcsp, byList, kind, says] of runs) {
    answer = (path) => (path === '/ocsp' ? byOcsp : byList);
    const verdict = await verify(bytes, { revocation: 'enforce' });
    assert.equal(verdict.kind, kind, `${name}: ${JSON.stringify(verdict)}`);
    if (says !== undefined)
      assert.match(
        JSON.stringify({ ...verdict, problem: verdict.kind === 'unchecked' ? String(verdict.problem) : '' }),
        says,
        name,
      );
    const logged = await verify(bytes, { revocation: 'log' });
    assert.equal(logged.kind, 'verified', name);
    assert.equal(
      logged.kind === 'verified' && (logged.notes?.length ?? 0) > 0,
      kind === 'unchecked' || kind === 'invalid',
      `${name}: said in a note`,
    );
  }
});
