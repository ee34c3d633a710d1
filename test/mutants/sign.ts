// Single faults in making signatures, each of which a test must notice.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the rows quote source code
import type { Mutant } from './mutant.ts';

const bundle = 'src/sign/sign.test.ts';
const key = 'src/sign/key.test.ts';
const keyless = 'src/sign/keyless.test.ts';
const witness = 'src/sign/witness.test.ts';
const statement = 'src/sigstore/statement.test.ts';
const checked = 'src/verify/cosign/verify-before-push.test.ts';
const command = 'src/cli/policy/sign.test.ts';

type Row = [name: string, file: string, from: string, to: string, test: string, threat?: string];

// biome-ignore format: a mutant is a line
const rows: Row[] = [
  // the statement, the bytes that are signed, and the bundle
  ['the payload is signed without its type', 'src/sign/sign.ts', 'const signed = preAuthentication(IN_TOTO, payload);', 'const signed = payload;', bundle],
  ['annotations are not signed', 'src/sign/sign.ts', 'predicateType, predicate, annotations);', 'predicateType, predicate, {});', bundle],
  ['an attestation is signed without its content', 'src/sign/sign.ts', 'statementOf(subject.digest, predicateType, predicate, annotations)', 'statementOf(subject.digest, predicateType, {}, annotations)', bundle],
  ['an attestation is signed as a signature of the image', 'src/sign/sign.ts', 'statementOf(subject.digest, predicateType, predicate, annotations)', "statementOf(subject.digest, 'https://sigstore.dev/cosign/sign/v1', predicate, annotations)", bundle, 'T31'],
  ['the time stamp is not about the signature', 'src/sign/sign.ts', 'stamp?.(signature)', 'stamp?.(signed)', bundle, 'T35'],
  ['the log entry is left out of the bundle', 'src/sign/sign.ts', 'tlogEntries: entry === undefined ? [] : [entry],', 'tlogEntries: [],', bundle],
  ['the time stamp is left out of the bundle', 'src/sign/sign.ts', '...(timestamp !== undefined && {', '...(timestamp === undefined && {', bundle],
  ['a keyless signature loses its certificate', 'src/sign/sign.ts', '...(certificate === undefined\n', "...(certificate === undefined || certificate.length > 0\n", bundle],
  ['a witness that fails is left out', 'src/sign/sign.ts', 'await log?.(envelope);', 'await log?.(envelope).catch(() => undefined);', bundle, 'T22'],
  ['the length of the type is not signed', 'src/sigstore/statement.ts', '${Buffer.byteLength(type)} ${type}', '${type}', statement],
  ['lengths count characters', 'src/sigstore/statement.ts', 'Buffer.byteLength(type)', 'type.length', statement],
  ['a statement may have any number of subjects', 'src/sigstore/statement.ts', 'v.maxLength(1000),', 'v.maxLength(1_000_000),', statement, 'T39'],
  // keys
  ['a short RSA key signs', 'src/sign/key.ts', 'modulusLength < 2048', 'modulusLength < 512', key],
  ['a curve whose hash tools disagree about signs', 'src/sign/key.ts', "namedCurve !== 'prime256v1'", "namedCurve === ''", key],
  ['ECDSA signatures are not in DER', 'src/sign/key.ts', "dsaEncoding: 'der'", "dsaEncoding: 'ieee-p1363'", key],
  ['RSA signs with SHA-1', 'src/sign/key.ts', "sign: (bytes) => sign('sha256', bytes, key),", "sign: (bytes) => sign('sha1', bytes, key),", key],
  ['a key file may ask for any amount of memory', 'src/sign/key.ts', 'v.maxValue(1 << 20)', 'v.maxValue(1 << 30)', key],
  ['a key file may ask for any amount of time', 'src/sign/key.ts', 'p: v.pipe(v.number(), v.integer(), v.maxValue(16)),', 'p: v.pipe(v.number(), v.integer()),', key],
  ['a missing password counts as an empty one', 'src/sign/key.ts', 'if (encrypted && password === undefined)', 'if (false as boolean)', key],
  ['any kind of sealed key is opened', 'src/sign/key.ts', "name: v.literal('nacl/secretbox')", 'name: v.string()', key],
  // keyless
  ['a certificate for another key is used', 'src/sign/keyless.ts', "if (!certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(key.spki))", 'if (false as boolean)', keyless],
  ['the proof of possession signs the token', 'src/sign/keyless.ts', 'Buffer.from(subjectOf(token)), privateKey', 'Buffer.from(token), privateKey', keyless],
  ['the mail address of a person is not proven', 'src/sign/keyless.ts', 'email ?? sub;', 'sub ?? email;', keyless],
  ['the token is made for any audience', 'src/sign/keyless.ts', "url.searchParams.set('audience', AUDIENCE);", '', keyless],
  ['a refusal of the certificate authority is read as an answer', 'src/sign/keyless.ts', 'answer.status !== 200 && answer.status !== 201', 'answer.status === 0', keyless],
  ['an error of the identity service is read as an answer', 'src/sign/keyless.ts', 'answer.status !== 200 || typeof value', 'typeof value', keyless],
  // witnesses
  ['an error of the log is read as an entry', 'src/sign/witness.ts', 'if (answer.status !== 201) throw', 'if (answer.status === 0) throw', witness],
  ['the log is told of other bytes', 'src/sign/witness.ts', 'update(envelope.signed)', 'update(envelope.payload)', witness, 'T33'],
  ['the log is told that a certificate is a key', 'src/sign/witness.ts', "signer.kind === 'certificate' ? { x509", "signer.kind === 'key' ? { x509", witness, 'T33'],
  ['any answer of the log is an entry', 'src/sign/witness.ts', " || !('inclusionProof' in entry)", '', witness],
  ['a query for a time stamp can be replayed', 'src/sign/witness.ts', 'randomBytes(8)', 'Buffer.alloc(8)', witness],
  ['the time stamp comes without its certificate', 'src/sign/witness.ts', 'Buffer.from([0xff])', 'Buffer.from([0])', witness],
  ['an answer of a service writes control characters to the terminal', 'src/sign/witness.ts', "message.replace(/[^\\x20-\\x7e]+/g, ' ')", 'message', witness],
  // before it is pushed
  ['a signature about another digest is pushed', 'src/verify/cosign/verify-before-push.ts', 'if (!claim.digests.includes(digest))', 'if (false as boolean)', checked, 'T33'],
  ['a signature by another key is pushed', 'src/verify/cosign/verify-before-push.ts', 'if (!key.verifies(material.signed, material.signature))', 'if (false as boolean)', checked],
  ['the certificate is not checked before the push', 'src/verify/cosign/verify-before-push.ts', "if ('wrong' in facts) return facts.wrong;", '', checked],
  ['the certificate log is not asked for before the push', 'src/verify/cosign/verify-before-push.ts', 'certificateTimestamps: material.certificate === undefined ? 0 : 1,', 'certificateTimestamps: 0,', checked],
  ['proofs are not checked before the push', 'src/verify/cosign/verify-before-push.ts', "return 'wrong' in proven ? proven.wrong : undefined;", 'return undefined;', checked],
  ['verify-before-push is removed', 'src/cli/policy/sign.ts', 'checkBeforePush(bundle, subject, trust, signatory.key.spki);', '', command],
  ['a dry run pushes', 'src/cli/policy/sign.ts', 'const pushed = options.dryRun\n', 'const pushed = options.dryRun && options.quiet\n', command],
  ['half of a release is signed', 'src/cli/policy/sign.ts', 'if (wrong !== undefined) throw wrong; //', '//', command],
  ['a keyless signature without proof of its time', 'src/cli/policy/sign.ts', 'if (keyless && !options.log && timestampUrl === undefined)', 'if (false as boolean)', command, 'T35'],
  ['--no-log asks the log', 'src/cli/policy/sign.ts', 'const log = options.log ?', 'const log = timestampUrl !== undefined || options.log ?', command],
  ['the digest is not said before it is signed', 'src/cli/policy/sign.ts', 'process.stderr.write(`${reference.text} is ${digest}\\n`);', '{}', command],
];

export const SIGN_MUTANTS: readonly Mutant[] = rows.map(([name, file, from, to, test, threat]) => ({
  name,
  file,
  from,
  to,
  tests: [test],
  ...(threat !== undefined && { threat }),
}));
