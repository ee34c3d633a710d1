// Single faults in verifying signatures, each of which a test must notice.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the rows quote source code
import { join } from 'node:path';
import type { Mutant } from './mutant.ts';

const byKey = 'src/verify/cosign/verify-material.test.ts';
const keyless = 'test/signing/keyless.test.ts';
const oldLayout = 'test/signing/old-layout.test.ts';
const material = 'src/verify/cosign/material.test.ts';
const certificate = 'src/verify/cosign/certificate.test.ts';
const log = 'src/verify/cosign/log.test.ts';
const terms = 'test/signing/keyless-trust.test.ts';
const table = 'src/verify/verify.test.ts';
const fetched = 'src/verify/cosign/fetch.test.ts';
const cache = 'src/verify/cache.test.ts';
const trust = 'src/verify/trust/root.test.ts';
const store = 'src/verify/trust/store.test.ts';
const root = 'src/verify/notary/root.test.ts';
const metadata = 'src/verify/notary/metadata.test.ts';
const walk = 'src/verify/notary/verify.test.ts';
const state = 'src/verify/notary/state.test.ts';
const envelope = 'test/signing/notation-envelope.test.ts';
const names = 'test/signing/notation-chain.test.ts';
const stamped = 'test/signing/notation-timestamp.test.ts';
const revoked = 'test/signing/notation-revocation.test.ts';
const chain = 'src/verify/notation/chain.test.ts';
const revocation = 'src/verify/notation/revocation.test.ts';
const timestamp = 'src/verify/notation/timestamp.test.ts';
const identity = 'src/verify/notation/identity.test.ts';

/** `file` is relative to src/verify. */
type Row = [name: string, file: string, from: string, to: string, test: string, threat?: string];

// biome-ignore format: a mutant is a line
const rows: Row[] = [
  // cosign: the claim, the material, certificate, log, engine, and what a registry has
  ['a signature of another digest counts', 'cosign/verify-material.ts', '!claim.digests.includes(digest)', 'false', byKey, 'T33'],
  ['an attestation counts as a signature', 'cosign/verify-material.ts', 'if (claim.predicateType !== undefined && claim.predicateType !== SIGN_PREDICATE) {', 'if (false as boolean) {', keyless, 'T31'],
  ['required annotations are not compared', 'cosign/verify-material.ts', 'claim.annotations[name] !== value', 'false', byKey],
  ['a certificate beside a key is accepted', 'cosign/verify-material.ts', '  if (material.certificate !== undefined)\n', '  if (false as boolean)\n', byKey, 'T36'],
  ['a signature copied from another repository counts', 'cosign/verify-material.ts', 'if (signer.bindRepository) {', 'if (false as boolean) {', oldLayout, 'T8'],
  ['an identity that does not match counts', 'cosign/verify-material.ts', 'if (subject === undefined) return undefined;\n  const proven', "if (subject === undefined) return { ...prove({ material, trust: trust.material, thresholds, now, policyKey: undefined }), subject: 'x' } as Signed;\n  const proven", keyless, 'T28'],
  ['what is wrong with a certificate is ignored', 'cosign/verify-material.ts', "if ('wrong' in facts) return facts;", "if ('wrong' in facts) return { ...(prove({ material, trust: trust.material, thresholds, now, policyKey: undefined }) as Proven), subject: 'x' };", keyless],
  ['proofs of a key are never checked', 'cosign/verify-material.ts', 'thresholds.logEntries + thresholds.timestamps > 0 ? material', 'thresholds.logEntries + thresholds.timestamps > 9 ? material', oldLayout, 'T33'],
  ['a candidate that could not be fetched counts as none', 'cosign/verify-material.ts', '      problem ??= candidate;\n', '', byKey, 'T22'],
  ['any text is a payload', '../sigstore/payload.ts', "type: v.literal('cosign container image signature'),", 'type: v.string(),', byKey],
  ['annotations of another subject count', '../sigstore/statement.ts', 'annotations: stringsOf(about?.annotations),', 'annotations: Object.assign({}, ...subject.map((item) => stringsOf(item.annotations))),', byKey],
  ['two signatures in an envelope are accepted', 'cosign/material.ts', "v.length(1, 'expected exactly one signature')", 'v.minLength(1)', material],
  ['the payload type of an envelope is free', 'cosign/material.ts', 'payloadType: v.literal(IN_TOTO),', 'payloadType: v.string(),', material],
  ['a bundle may carry any number of log entries', 'cosign/material.ts', 'tlogEntries.length > MAX_PROOFS || ', '', keyless, 'T39'],
  ['an extension may occur twice', 'cosign/certificate.ts', 'if (repeated !== undefined)', 'if (false as boolean)', certificate],
  ['gap 1: any extended key usage', 'cosign/certificate.ts', 'usage.toOID() === CODE_SIGNING', 'usage.toOID() !== undefined', certificate],
  ['gap 2: any key usage', 'cosign/certificate.ts', '& 0x80) === 0)', '& 0xff) === 0)', certificate],
  ['gap 3: an unknown critical extension is ignored', 'cosign/certificate.ts', 'critical && !UNDERSTOOD.has(oid)', 'false', certificate],
  ['a certificate authority signs artifacts', 'cosign/certificate.ts', 'parseDer(constraints).subs[0]?.toBoolean() === true', 'false', certificate],
  ['gap 5: only the first name is read', 'cosign/certificate.ts', 'parseDer(alternative).subs.flatMap(nameOf)', 'parseDer(alternative).subs.slice(0, 1).flatMap(nameOf)', certificate],
  ['the issuer is not compared', 'cosign/identity.ts', 'identity.issuer !== undefined && identity.issuer !== facts.issuer', 'false', keyless, 'T28'],
  ['claims are not compared', 'cosign/identity.ts', 'facts.claims[name] === wanted', 'true', keyless],
  ['a subject is compared by its beginning', 'cosign/identity.ts', 'candidate === identity.subject', 'candidate.startsWith(identity.subject)', keyless, 'T28'],
  ['a log entry without signer is accepted', 'cosign/log.ts', "if (logged.length === 0) return 'its log entry names no signer';", '', log, 'T33'],
  ['gap 4: a log entry about another key', 'cosign/log.ts', '? !signer.der.equals(spki)', '? false', log, 'T33'],
  ['gap 4: a log entry about another certificate', 'cosign/log.ts', ': !signer.der.equals(certificate);', ': false;', log, 'T33'],
  ['gap 4: only one signer of a log entry is compared', 'cosign/log.ts', "if (wrong) return 'its log entry is about another signer';", "return wrong ? 'its log entry is about another signer' : undefined;", log, 'T33'],
  ['a log that is not in office yet', 'cosign/log.ts', 'validFor.start <= time && time <= validFor.end', 'time <= validFor.end', log, 'T34'],
  ['a log that is no longer in office', 'cosign/log.ts', 'validFor.start <= time && time <= validFor.end', 'validFor.start <= time', log, 'T34'],
  ['the signer of a log entry is not checked', 'cosign/engine.ts', 'if (wrongSigner !== undefined) return', 'if (false as boolean) return', keyless, 'T33'],
  ['the term of a log is not checked', 'cosign/engine.ts', 'if (wrongTerm !== undefined) return', 'if (false as boolean) return', terms, 'T34'],
  ['a required timestamp may be missing', 'cosign/engine.ts', 'stamps.length < thresholds.timestamps', 'false', keyless],
  ['a log entry without any time', 'cosign/engine.ts', 'certificate !== undefined && logEntries.length > 0 && times.length === 0', 'false', keyless, 'T35'],
  ['without witnesses a certificate is never too old', 'cosign/engine.ts', 'if (times.length === 0 && certificate !== undefined)', 'if (false as boolean)', keyless, 'T35'],
  ['the certificate log is not required', 'cosign/engine.ts', 'certificate === undefined ? 0 : thresholds.certificateTimestamps', '0', keyless, 'T35'],
  ['the transparency log is not required', 'cosign/engine.ts', 'tlogThreshold: thresholds.logEntries', 'tlogThreshold: 0', keyless, 'T33'],
  ['a log entry about another signature', 'cosign/engine.ts', 'compareSignature: (other) => other.equals(signature)', 'compareSignature: () => true', keyless, 'T33'],
  ['a log entry about another payload', 'cosign/engine.ts', "compareDigest: (digest) => sameDigest(digest, form === 'statement' ? payload : signed)", 'compareDigest: () => true', keyless, 'T33'],
  ['an RSA key of any size', 'cosign/key.ts', '(modulusLength ?? 0) < MIN_RSA_BITS', 'false', table],
  ['any elliptic curve', 'cosign/key.ts', "!CURVES.has(namedCurve ?? '')", 'false', table],
  ['a referrer of another subject counts', 'cosign/fetch.ts', 'result.output.subject.digest !== subject.digest', 'false', fetched],
  ['a registry that does not answer has no signatures', 'cosign/fetch.ts', "error.code === 'not-found'", 'true', fetched, 'T22'],
  ['signatures are not capped', 'cosign/fetch.ts', 'ranked.slice(0, MAX_SIGNATURES)', 'ranked.slice(0)', fetched, 'T39'],
  ['more signatures than the cap are not reported', 'cosign/fetch.ts', 'total > MAX_SIGNATURES', 'false', fetched, 'T39'],
  ['a flood of attestations hides a signature', 'cosign/fetch.ts', 'rank(a) - rank(b)', 'rank(b) - rank(a)', fetched, 'T39'],
  ['the size of a payload is not compared', 'cosign/fetch.ts', 'bytes.length !== layer.size', 'false', fetched],
  ['a registry that fails has no signatures', 'cosign/verifier.ts', "return { verdict: { kind: 'unchecked', problem }, problem };", "return { verdict: { kind: 'unsigned' } };", table, 'T22'],
  // The table of kinds, the cache of verdicts, trust roots
  ['two authorities may share a key', 'verify.ts', 'if (owner !== signer.name)', 'if (false as boolean)', table, 'T37'],
  ['a verdict does not depend on its trust root', 'verify.ts', "describeSigner(signer).trust?.id ?? ''", "''", table],
  ['a stale verdict is used for ever', 'cache.ts', 'cached !== undefined && cached.stale > now ? cached', 'cached !== undefined ? cached', cache],
  ['a verdict is fresh for a day', 'cache.ts', 'if (usable.until > now)', 'if (usable.stale > now)', cache],
  ['an open question is cached', 'cache.ts', 'if (isSettled(gathered)) this', 'if (true as boolean) this', cache],
  ['a registry that fails undoes a verdict', 'cache.ts', 'if (usable !== undefined && isOpen(gathered)) return usable.gathered;', '', cache],
  ['attestations that could not be read are cached', 'cache.ts', 'attestations.problems.size === 0 && [', '[', cache],
  ['the cache is not bounded', 'cache.ts', 'this.#entries.size > this.#size', 'false', cache],
  ['gap 7: a term without a start', 'trust/root.ts', 'if (term?.start === undefined) throw', 'if (term?.start === undefined) return { start: new Date(0).toISOString() };\n  if (false as boolean) throw', trust],
  ['a timestamp authority for other purposes too', 'trust/root.ts', 'purposes.length !== 1 || ', '', trust],
  ['a timestamp purpose that is not critical', 'trust/root.ts', 'usage?.critical !== true || ', '', trust],
  ['a certificate that is no authority issues others', 'trust/root.ts', 'if (!certificate.isCA)', 'if (false as boolean)', trust],
  ['a chain of any length', 'trust/root.ts', 'if (ders.length > MAX_CHAIN)', 'if (false as boolean)', trust, 'T41'],
  ['a damaged stored root falls back to the shipped one', 'trust/store.ts', '  if (stored !== undefined)\n', "  if (stored?.toString().startsWith('{'))\n", store],
  // Docker Content Trust
  ['any root is trusted on first use', 'notary/root.ts', 'return file.signedBy(pinned).size >= root.threshold;', 'return true;', root],
  ['a root rotation is not signed by the keys before', 'notary/root.ts', '.size < old.threshold)', '.size < 0)', root],
  ['a root is not signed by its own keys', 'notary/root.ts', '.size < root.threshold)', '.size < 0)', root],
  ['a root file of another version', 'notary/root.ts', 'if (oldest.data.version !== version)', 'if (false as boolean)', root, 'T7'],
  ['the root certificate is not checked', 'notary/root.ts', 'if (wrong !== undefined) throw', 'if (false as boolean) throw', root],
  ['a pinned certificate that is no authority issues others', 'notary/root.ts', '(pin.ca && certificate.checkIssued(pin) && certificate.verify(pin.publicKey))', '(certificate.checkIssued(pin) && certificate.verify(pin.publicKey))', root],
  ['a pinned authority vouches by its name alone', 'notary/root.ts', ' && certificate.verify(pin.publicKey)', '', root],
  ['a root certificate for any name', 'notary/key.ts', 'if (!matches) return', 'if (false as boolean) return', root],
  ['a root certificate that has ended', 'notary/key.ts', 'Date.parse(certificate.validTo) < now.getTime()', 'false', root],
  ['any number of signatures meets a threshold', 'notary/metadata.ts', 'if (count < threshold)', 'if (count < 1)', metadata, 'T37'],
  ['expired metadata', 'notary/metadata.ts', 'Date.parse(file.data.expires) <= now.getTime()', 'false', metadata],
  ['a key under an id that is not its own', 'notary/metadata.ts', 'key.id === id ? [key] : []', '[key]', metadata],
  ['one key listed twice counts twice', 'notary/metadata.ts', '[...new Set(keyids)]', 'keyids', metadata, 'T37'],
  ['metadata of any length', 'notary/metadata.ts', 'if (bytes.length !== length)', 'if (false as boolean)', metadata],
  ['metadata bound by no hash', 'notary/metadata.ts', 'if (known.length === 0)', 'if (false as boolean)', metadata, 'T3'],
  ['metadata with another hash', 'notary/metadata.ts', "digest('base64') !== base64", "digest('base64') === ''", metadata, 'T3'],
  ['canonical JSON with members in any order', 'notary/canonical.ts', '.sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))', '', metadata],
  ['older metadata is accepted', 'notary/verify.ts', 'if (version < (before[name] ?? 0))', 'if (false as boolean)', walk, 'T7'],
  ['versions are not remembered', 'notary/verify.ts', '    keepVersions(this.#url, this.#gun, this.#seen);\n', '', walk, 'T7'],
  ['the served root is not the one of the snapshot', 'notary/verify.ts', "    checkBytes(root.bytes, rootMeta, 'root');\n", '', walk],
  ['a role is not checked', 'notary/verify.ts', '    checkRole(file, { ...keys, role, now: this.#now });\n', '', walk],
  ['a delegation signs any tag', 'notary/verify.ts', '!(role.paths ?? []).some((prefix) => tag.startsWith(prefix))', 'false', walk],
  ['a tag with another digest', 'notary/verify.ts', 'if (`sha256:${hex(meta)}` !== digest)', 'if (false as boolean)', walk],
  ['one named signer is enough', 'notary/verify.ts', "if (answer === undefined) return { kind: 'others', count: 1 };", 'if (answer === undefined) continue;', walk, 'T37'],
  ['a file is not bound to the one before it', 'notary/server.ts', '    checkBytes(bytes, meta, role);\n', '', walk],
  ['any "not found" page means unsigned', 'notary/server.ts', "status === 404 && Array.isArray(errors) && errors.some((e) => e?.code === 'METADATA_NOT_FOUND')", 'status === 404', walk, 'T22'],
  ['a version may be lowered', 'notary/state.ts', 'Math.max(version, versions[role] ?? 0)', 'version', state, 'T7'],
  ['damaged rollback state counts as none', 'notary/state.ts', "  throw new Problem('file', 'the rollback state is damaged; delete it if you know why', { file });", '  return {};', state, 'T7'],
  ['rollback state of another repository', 'notary/state.ts', 'if (stored === gun) return', 'if (stored) return', state, 'T7'],
  // Notation
  ['a signature of another digest', 'notation/verify-envelope.ts', 'if (named !== target.digest)', 'if (false as boolean)', envelope, 'T33'],
  ['a signature of another size or media type', 'notation/verify-envelope.ts', 'size !== target.size || mediaType !== target.mediaType', 'false', envelope],
  ['the signature is not verified', 'notation/verify-envelope.ts', 'if (!isSigned(envelope, leaf))', 'if (false as boolean)', envelope],
  ['the envelope chooses the algorithm', 'notation/verify-envelope.ts', 'algorithm === undefined || algorithm !== envelope.algorithm', 'algorithm === undefined', envelope],
  ['any store of certificates', 'notation/verify-envelope.ts', "envelope.scheme === 'notary.x509' ? signer.stores.ca : signer.stores.signingAuthority", '[...signer.stores.ca, ...signer.stores.signingAuthority]', envelope],
  ['any identity below a trusted authority', 'notation/verify-envelope.ts', ' && isTrusted(leaf, signer.identities)', '', names, 'T28'],
  ['an expired signature', 'notation/verify-envelope.ts', 'envelope.expiry && envelope.expiry <= now', 'envelope.expiry && envelope.expiry > now', envelope],
  ['the chain is not read', 'notation/verify-envelope.ts', "const chain = readChain(envelope.chain, 'code');", 'const chain = certificates;', names],
  ['certificates that have ended', 'notation/verify-envelope.ts', 'if (!wanted) return { wrong: ended, times: [] };', 'if (!wanted) return { wrong: undefined, times: [] };', names],
  ['a required timestamp of a Notation signature may be missing', 'notation/verify-envelope.ts', "{ wrong: 'it has no timestamp by a trusted authority', times: [] }", '{ wrong: ended, times: [] }', stamped],
  ['a revoked certificate', 'notation/verify-envelope.ts', "check(signer.revocation === 'enforce', `${revocation.who} was revoked`)", 'check(false, `${revocation.who} was revoked`)', revoked],
  ['revocation that could not be checked', 'notation/verify-envelope.ts', "if (revocation.kind === 'unknown' && signer.revocation === 'enforce')", 'if (false as boolean)', revoked, 'T22'],
  ['a Notation signature of another subject counts', 'notation/fetch.ts', 'result.output.subject.digest !== place.digest', 'false', envelope],
  ['an unknown critical attribute is ignored', 'notation/envelope.ts', "typeof name !== 'string' || !UNDERSTOOD.has(name)", 'false', envelope],
  ['an expiry that is not critical', 'notation/envelope.ts', 'if (!critical.includes(name)) throw', 'if (false as boolean) throw', envelope],
  ['a signature that requires a plugin', 'notation/envelope.ts', 'if (plugin !== undefined)', 'if (false as boolean)', envelope],
  ['certificates in any order', 'notation/chain.ts', 'if (!isIssued(certificate, issuer)) throw', 'if (false as boolean) throw', chain],
  ['an issuer by name alone', 'notation/chain.ts', ' && certificate.verify(by.publicKey)', '', chain],
  ['certificates signed with SHA-1', 'notation/chain.ts', 'if (isSignedWithSha1(certificate.raw))', 'if (false as boolean)', chain],
  ['an authority without keyCertSign', 'notation/chain.ts', '((bits[0] ?? 0) & BIT.keyCertSign) === 0', 'false', chain],
  ['an issuer that is no authority', 'notation/chain.ts', '!certificate.ca || constraints?.critical !== true', 'constraints?.critical === false', chain],
  ['a path length that is exceeded', 'notation/chain.ts', 'length.toInteger() < BigInt(below)', 'false', chain],
  ['a leaf that may issue certificates', 'notation/chain.ts', '((bits[0] ?? 0) & ~allowed) !== 0', 'false', chain],
  ['an unknown critical extension is ignored', 'notation/chain.ts', 'critical && !UNDERSTOOD.has(oid)', 'false', chain],
  ['an anchor by another certificate', 'notation/chain.ts', 'trusted.raw.equals(certificate.raw)', 'trusted.subject === certificate.subject', chain],
  ['OCSP without nextUpdate', 'notation/revocation.ts', 'if (end === undefined || end.getTime()', 'if (end !== undefined && end.getTime()', revocation],
  ['an OCSP answer that is out of date', 'notation/revocation.ts', 'end.getTime() + SKEW_MS < now.getTime()', 'false', revocation],
  ['an answer from the future', 'notation/revocation.ts', 'if (start.getTime() - SKEW_MS > now.getTime())', 'if (false as boolean)', revocation],
  ['an OCSP delegate that has ended', 'notation/revocation.ts', 'now.getTime() <= Date.parse(certificate.validTo) &&', '', revocation],
  ['an OCSP delegate that is not for OCSP', 'notation/revocation.ts', 'purpose.toOID() === OCSP_SIGNING', 'purpose.toOID() !== undefined', revocation],
  ['an OCSP delegate of someone else', 'notation/revocation.ts', 'isIssued(certificate, issuer) &&', '', revocation],
  ['OCSP about another serial number', 'notation/revocation.ts', 'child(item, 0, 3).value.equals(serial) &&', '', revocation],
  ['OCSP about another issuer', 'notation/revocation.ts', 'child(item, 0, 2).value.equals(sha1(issuerParts.keyBits))', 'true', revocation],
  ['OCSP that does not know the certificate', 'notation/revocation.ts', 'if (status === 2)', 'if (false as boolean)', revocation],
  ['an OCSP answer that nobody signed', 'notation/revocation.ts', '![issuer, ...delegates].some((signer) => signedBy(basic, signer))', 'false', revocation],
  ['a revocation list that nobody signed', 'notation/revocation.ts', 'if (!signedBy(list, issuer))', 'if (false as boolean)', revocation],
  ['a delta revocation list', 'notation/revocation.ts', 'if (unknown !== undefined)\n    throw', 'if (false as boolean)\n    throw', revocation],
  ['only the leaf is checked for revocation', 'notation/revocation.ts', 'chain.slice(0, -1).entries()', 'chain.slice(0, 1).entries()', revocation],
  ['an envelope of Notation with further signers', 'notation/envelope.ts', 'const JwsSchema = v.strictObject({', 'const JwsSchema = v.object({', envelope],
  ['an envelope of Notation for several signers', 'notation/envelope.ts', 'outer.tag !== 18', 'outer.tag === 0', envelope],
  ['a timestamp with two signers', 'notation/timestamp.ts', 'if (signers.length !== 1)', 'if (signers.length < 1)', timestamp],
  ['a timestamp by a stranger', 'notation/timestamp.ts', 'if (anchorOf(path, store) === undefined)', 'if (false as boolean)', timestamp],
  ['a timestamp of another signature', 'notation/timestamp.ts', '!child(imprint, 1).value.equals(createHash(hash).update(stamped).digest())', 'false', timestamp],
  ['a timestamp over other content', 'notation/timestamp.ts', '!attribute(MESSAGE_DIGEST)?.value.equals(createHash(hash).update(tst).digest())', 'false', timestamp],
  ['a timestamp of another content type', 'notation/timestamp.ts', 'attribute(CONTENT_TYPE)?.toOID() !== TST_INFO', 'false', timestamp],
  ['a timestamp whose signature is wrong', 'notation/timestamp.ts', 'if (!verifies({ key: leaf.publicKey,', 'if (false && !verifies({ key: leaf.publicKey,', timestamp],
  ['a timestamp after its certificate ended', 'notation/timestamp.ts', 'if (wrong !== undefined) throw', 'if (false as boolean) throw', timestamp],
  ['a timestamp that names two certificates', 'notation/timestamp.ts', 'if (sid.tag.number === SEQUENCE && !', 'if (sid.tag.number === 99 && !', timestamp],
  ['the accuracy of a timestamp is ignored', 'notation/timestamp.ts', 'accuracy === undefined\n      ? 0', 'accuracy !== null\n      ? 0', timestamp],
  ['two values of one part of a name', 'notation/identity.ts', "parts.has(attribute) ? '\\0' : value", 'value', identity],
];

export const VERIFY_MUTANTS: readonly Mutant[] = rows.map(([name, file, from, to, test, threat]) => ({
  name,
  file: join('src/verify', file),
  from,
  to,
  tests: [test],
  ...(threat !== undefined && { threat }),
}));
