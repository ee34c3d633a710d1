// Certificates of Notary Project signatures, fault by fault: order, usages, strength, names.
import { generateKeyPairSync } from 'node:crypto';
import * as der from './der.ts';
import { DAY, spkiOf } from './keys.ts';
import {
  CODE,
  from,
  leafKey,
  leafOf,
  type NotationCase,
  now,
  ROOT,
  root,
  rootKey,
  rootOf,
  testNotation,
  to,
  WHO,
} from './notation.ts';

const { EXTENSIONS } = der;
const selfSigned = (more: Partial<der.Certificate> = {}) =>
  der.certificate({
    subject: WHO,
    issuer: WHO,
    spki: spkiOf(leafKey.publicKey),
    signer: leafKey.privateKey,
    from,
    to,
    extensions: [EXTENSIONS.usage(0x80), EXTENSIONS.purposes([CODE])],
    ...more,
  });
const alone = selfSigned();
const idle = rootOf({ extensions: [EXTENSIONS.authority(), EXTENSIONS.usage(0x80)] });
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
const middleKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const middle = der.certificate({
  subject: { ...ROOT, CN: 'middle' },
  issuer: ROOT,
  spki: spkiOf(middleKey.publicKey),
  signer: rootKey.privateKey,
  from,
  to,
  extensions: [EXTENSIONS.authority(0), EXTENSIONS.usage(0x04)],
});
const below = (more: Partial<der.Certificate> = {}) =>
  leafOf({ issuer: { ...ROOT, CN: 'middle' }, signer: middleKey.privateKey, ...more });

const company = (O: string, more: object = {}) => leafOf({ subject: { C: 'US', ST: 'WA', O, ...more } });

const cases: NotationCase[] = [
  ['with an intermediate', 'verified', { chain: [below(), middle, root] }],
  [
    'one self-signed certificate is legal',
    'verified',
    { chain: [alone] },
    undefined,
    { trustStores: { ca: [der.pem(alone)], signingAuthority: [], tsa: [] } },
  ],
  [
    'an intermediate in the store is enough',
    'verified',
    { chain: [below(), middle, root] },
    undefined,
    { trustStores: { ca: [der.pem(middle)], signingAuthority: [], tsa: [] } },
  ],
  [
    'for servers',
    'invalid',
    { chain: [leafOf({ extensions: [EXTENSIONS.usage(0x80), EXTENSIONS.purposes(['1.3.6.1.5.5.7.3.1'])] }), root] },
    /not for code signing/,
  ],
  [
    'for code and for servers',
    'invalid',
    {
      chain: [leafOf({ extensions: [EXTENSIONS.usage(0x80), EXTENSIONS.purposes([CODE, '1.3.6.1.5.5.7.3.1'])] }), root],
    },
    /more than code signing/,
  ],
  [
    'without key usage',
    'invalid',
    { chain: [leafOf({ extensions: [EXTENSIONS.purposes([CODE])] }), root] },
    /not for signatures/,
  ],
  [
    'key usage that is not critical',
    'invalid',
    { chain: [leafOf({ extensions: [EXTENSIONS.usage(0x80, false)] }), root] },
    /not for signatures/,
  ],
  [
    'may issue certificates',
    'invalid',
    { chain: [leafOf({ extensions: [EXTENSIONS.usage(0x84)] }), root] },
    /more than signatures/,
  ],
  [
    'an unknown critical extension',
    'invalid',
    {
      chain: [
        leafOf({ extensions: [EXTENSIONS.usage(0x80), { oid: '1.2.3.4', critical: true, value: der.nothing() }] }),
        root,
      ],
    },
    /1\.2\.3\.4/,
  ],
  ['signed with SHA-1', 'invalid', { chain: [leafOf({ hash: 'sha1' }), root] }, /SHA-1/],
  [
    'an RSA key of 1024 bits',
    'invalid',
    { chain: [leafOf({ spki: spkiOf(weak.publicKey) }), root], key: weak.privateKey, alg: 'PS256' },
  ],
  ['the chain is cut off', 'others', { chain: [leafOf()] }],
  ['the chain is in disorder', 'invalid', { chain: [below(), root, middle] }, /not in order/],
  ['something extra in the chain', 'invalid', { chain: [leafOf(), middle, root] }, /not in order/],
  [
    'an authority that may not issue',
    'invalid',
    { chain: [leafOf(), idle] },
    /may not issue/,
    {
      trustStores: {
        ca: [der.pem(idle)],
        signingAuthority: [],
        tsa: [],
      },
    },
  ],
  ['a leaf that ended', 'invalid', { chain: [leafOf({ to: new Date(now.getTime() - DAY) }), root] }, /is valid from/],
  [
    'a name with a comma',
    'verified',
    { chain: [company('Acme, Inc.'), root] },
    undefined,
    { trustedIdentities: ['x509.subject: C=US, ST=WA, O=Acme\\, Inc.'] },
  ],
  [
    'a name that holds another’s parts',
    'others',
    { chain: [company('evil\nO=tagproof'), root] },
    undefined,
    { trustedIdentities: ['x509.subject: C=US, ST=WA, O=tagproof'] },
  ],
];
testNotation(cases);
