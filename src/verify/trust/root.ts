// A trust root: the certificate authorities, logs and timestamp authorities that a signature may rely on. sigstore protobuf-specs,
// trusted_root.json. Closes gap 7 of the engine (cosign/engine.ts): a term without a start counts there as unlimited.
import { createHash, X509Certificate as NodeCertificate } from 'node:crypto';
import { X509Certificate } from '@sigstore/core';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { type TrustMaterial, toTrustMaterial } from '@sigstore/verify';
import { Problem } from '../../problem.ts';
import { parseJson } from '../../sigstore/json.ts';
import { extensionsOf, parseDer } from '../der.ts';

export type TrustRoot = {
  /** SHA-256 of the bytes, hex: the version of the trust, and part of every cached verdict's key. */
  readonly id: string;
  readonly material: TrustMaterial;
  readonly members: readonly Member[];
};

/** One authority or log of a root, as it is shown to the user. */
export type Member = {
  readonly kind: 'certificate authority' | 'transparency log' | 'certificate log' | 'timestamp authority';
  readonly name: string;
  /** Term of office, RFC 3339. */
  readonly start: string;
  readonly end?: string;
  /** When the first of its certificates ends; logs have none. */
  readonly certificateEnd?: string;
};

const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
/** Certificates that one authority's chain may have (T41). */
const MAX_CHAIN = 10;

/** @throws Problem `usage` that says what is missing: an incomplete trust root is refused as a whole */
export function parseTrustRoot(bytes: Buffer, name: string): TrustRoot {
  const json = parseJson(bytes);
  if (json === undefined || json === null || typeof json !== 'object')
    throw new Problem('usage', `${name}: expected a trust root as JSON (trusted_root.json)`, { file: name });
  let root: TrustedRoot;
  try {
    root = TrustedRoot.fromJSON(json);
  } catch (error) {
    throw new Problem('usage', `${name}: not a trust root: ${String((error as Error).message)}`, { file: name }, error);
  }
  if (!/^application\/vnd\.dev\.sigstore\.trustedroot(\+json;version=0\.1|\.v0\.[12]\+json)$/.test(root.mediaType))
    throw new Problem('usage', `${name}: expected mediaType application/vnd.dev.sigstore.trustedroot+json;version=0.1`);
  try {
    const members = membersOf(root);
    return { id: createHash('sha256').update(bytes).digest('hex'), material: materialOf(root), members };
  } catch (error) {
    throw new Problem(
      'usage',
      `${name}: ${error instanceof Error ? error.message : String(error)}`,
      { file: name },
      error,
    );
  }
}

function materialOf(root: TrustedRoot): TrustMaterial {
  // Signers' keys never come from the root: each signer has its own, which the policy names.
  return toTrustMaterial(root, () => ({ publicKey: undefined as never, validFor: () => true }));
}

function membersOf(root: TrustedRoot): Member[] {
  const logs = (list: TrustedRoot['tlogs'], kind: Member['kind']) =>
    list.map((log): Member => {
      const { validFor } = log.publicKey ?? {};
      const name = log.baseUrl || log.logId?.keyId.toString('hex') || 'a log';
      return { kind, name, ...termOf(validFor, `${kind} ${name}`) };
    });
  const authorities = (list: TrustedRoot['certificateAuthorities'], kind: Member['kind']) =>
    list.map((authority): Member => {
      const chain = authority.certChain?.certificates.map(({ rawBytes }) => new NodeCertificate(rawBytes)) ?? [];
      const name = authority.uri || chain[0]?.subject.replaceAll('\n', ', ') || 'an authority';
      if (chain.length === 0) throw new Error(`the ${kind} ${name} has no certificates`);
      if (chain.length > MAX_CHAIN) throw new Error(`the ${kind} ${name} has a chain of more than ${MAX_CHAIN}`);
      if (kind === 'timestamp authority')
        checkTimestampAuthority(authority.certChain?.certificates[0]?.rawBytes as Buffer, name);
      const end = Math.min(...chain.map(({ validTo }) => Date.parse(validTo)));
      return { kind, name, ...termOf(authority.validFor, `${kind} ${name}`), certificateEnd: iso(end) };
    });
  return [
    ...authorities(root.certificateAuthorities, 'certificate authority'),
    ...logs(root.tlogs, 'transparency log'),
    ...logs(root.ctlogs, 'certificate log'),
    ...authorities(root.timestampAuthorities, 'timestamp authority'),
  ];
}

function termOf(term: { start?: Date | undefined; end?: Date | undefined } | undefined, who: string) {
  if (term?.start === undefined) throw new Error(`the ${who} has no validFor.start, which is required`);
  return { start: term.start.toISOString(), ...(term.end !== undefined && { end: term.end.toISOString() }) };
}

/** RFC 3161 2.3: a timestamp authority's certificate is for timestamps and nothing else. */
function checkTimestampAuthority(der: Buffer, name: string): void {
  const usage = extensionsOf(parseDer(der)).find(({ oid }) => oid === '2.5.29.37');
  const purposes = usage === undefined ? [] : parseDer(usage.value).subs.map((purpose) => purpose.toOID());
  if (usage?.critical !== true || purposes.length !== 1 || purposes[0] !== TIME_STAMPING)
    throw new Error(`the certificate of the timestamp authority ${name} is not for timestamps alone`);
}

/** A root that trusts no authority and no log: for signatures by key without a log. */
export const EMPTY_ROOT: TrustRoot = parseTrustRoot(
  Buffer.from('{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}'),
  'no trust root',
);

/**
 * The root with an organisation's own certificate authorities in place of its own.
 * @param chains PEM texts, each a chain from the issuing authority to its root
 */
export function withAuthorities(root: TrustRoot, chains: readonly string[]): TrustRoot {
  const certificateAuthorities = chains.map((pem) => {
    const ders = [...pem.matchAll(/-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g)];
    if (ders.length === 0) throw new Problem('usage', 'certificateAuthorities: expected certificates in PEM');
    if (ders.length > MAX_CHAIN)
      throw new Problem('usage', `certificateAuthorities: a chain of more than ${MAX_CHAIN}`);
    const certChain = ders.map(([, base64]) => {
      const certificate = X509Certificate.parse(Buffer.from(base64 as string, 'base64'));
      if (!certificate.isCA)
        throw new Problem('usage', 'certificateAuthorities: one of the certificates is not a certificate authority');
      return certificate;
    });
    const start = new Date(Math.max(...certChain.map(({ notBefore }) => notBefore.getTime())));
    const end = new Date(Math.min(...certChain.map(({ notAfter }) => notAfter.getTime())));
    return { certChain, validFor: { start, end } };
  });
  const id = createHash('sha256').update(root.id).update(chains.join('\n')).digest('hex');
  return { id, material: { ...root.material, certificateAuthorities }, members: root.members };
}

const iso = (milliseconds: number) => new Date(milliseconds).toISOString();

/** What will soon, or already does, stop a root from verifying new signatures. @param days how far ahead */
export function expiries(root: Pick<TrustRoot, 'members'>, now: Date, days: number): string[] {
  const horizon = now.getTime() + days * 86_400_000;
  const current = root.members.filter(({ end }) => end === undefined || Date.parse(end) > now.getTime());
  const kinds: Member['kind'][] = ['certificate authority', 'transparency log'];
  const gone = kinds
    .filter((kind) => root.members.some((member) => member.kind === kind) && !current.some((m) => m.kind === kind))
    .map((kind) => `no ${kind} is in office any more: new signatures will not verify`);
  const soon = current.flatMap(({ kind, name, end, certificateEnd }) => {
    const first = [end, certificateEnd].filter((text) => text !== undefined).sort()[0];
    if (first === undefined || Date.parse(first) > horizon) return [];
    const past = Date.parse(first) <= now.getTime();
    return [`${kind} ${name} ${past ? 'ended' : 'ends'} on ${first.slice(0, 10)}`];
  });
  return [...gone, ...soon];
}
