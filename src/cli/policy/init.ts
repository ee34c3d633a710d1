// tagproof policy init: writes a first policy. It asks registries which of the images here are
// signed and, where a public identity signed, verifies the signature. What it cannot know, it
// leaves as a comment to fill in.
import type { Reference, Resolution } from '../../flow.ts';
import { printReference, repositoryOf, withDigest } from '../../image/reference.ts';
import type { CosignAuthority } from '../../policy/config.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import { plural } from '../../report/plural.ts';
import type { Report } from '../../report/report.ts';
import { resolveAll } from '../../resolve/resolve.ts';
import { type CertificateFacts, readCertificate } from '../../verify/cosign/certificate.ts';
import { fetchCandidates, type SignatureCandidate } from '../../verify/cosign/fetch.ts';
import { loadCosignSigner } from '../../verify/cosign/signer.ts';
import { verifyMaterial } from '../../verify/cosign/verify-material.ts';
import { PUBLIC_GOOD } from '../../verify/trust/store.ts';
import type { CommonOptions, Context } from '../shared/command.ts';
import { gather } from '../shared/gather.ts';
import type { OpenProject } from '../shared/project.ts';
import { type RegistryFlags, withClient } from '../shared/registry.ts';

type SignerIdentity = { readonly issuer: string; readonly subject: string };

/** What is known about the signatures of one repository. */
type RepositorySignatures = {
  readonly repository: string;
  /** Identities whose signature is valid. */
  readonly identities: readonly SignerIdentity[];
  /** Signatures that name no identity, and those that are not valid. */
  readonly others: number;
  readonly problem?: Problem;
};

export async function initPolicy(
  project: OpenProject,
  paths: string[],
  options: CommonOptions & RegistryFlags,
  context: Context,
): Promise<{ report: Report; stdout: string }> {
  const { found, problems } = await gather(paths, { exclude: [], stdinName: 'stdin.yaml' }, project, context);
  const references = new Map(found.map(({ reference }) => [repositoryOf(reference), reference]));
  if (references.size === 0) throw new Problem('usage', 'there are no images here for a first policy');
  const known = await withClient(options, project.config, context, async (client) => {
    const answers = await resolveAll(references.values(), { client });
    return Promise.all(
      [...references].map(([name, reference]) =>
        signaturesOf(client, name, reference, answers.get(printReference(reference))),
      ),
    );
  });
  known.sort((a, b) => (a.repository < b.repository ? -1 : 1));
  const signed = known.filter(({ identities, others }) => identities.length + others > 0).length;
  return {
    stdout: policyText(known),
    report: {
      command: 'policy init',
      listing: 'sections',
      sections: [],
      findings: [],
      problems: [...problems, ...known.flatMap(({ problem }) => problem ?? [])],
      summary: [`${plural(known.length, 'image')}, ${signed} with signatures; read the policy before you rely on it`],
      data: { repositories: known.map(({ problem: _, ...rest }) => rest) },
    },
  };
}

/** The signatures of one image stand for its repository. */
async function signaturesOf(
  client: RegistryClient,
  repository: string,
  reference: Reference,
  answer: Resolution | undefined,
): Promise<RepositorySignatures> {
  const nothing = { repository, identities: [], others: 0 };
  if (answer === undefined) return nothing;
  if (answer instanceof Problem) return { ...nothing, problem: answer.at({ image: reference.text }) };
  try {
    const subject = withDigest(reference, answer.digest);
    const candidates = await fetchCandidates(client, subject, false);
    const named = new Map(
      candidates.flatMap((candidate) => {
        const identity = identityOf(candidate);
        return identity === undefined ? [] : [[`${identity.issuer} ${identity.subject}`, identity] as const];
      }),
    );
    const identities: SignerIdentity[] = [];
    for (const identity of named.values()) {
      const signer = await loadCosignSigner('probe', { ...PROBE, identities: [identity] });
      if (verifyMaterial(candidates, signer, subject, new Date()).verdict.kind === 'verified')
        identities.push(identity);
    }
    const others = candidates.filter(
      (candidate) => !(candidate instanceof Problem) && identityOf(candidate) === undefined,
    ).length;
    return { repository, identities, others: others + named.size - identities.length };
  } catch (error) {
    return { ...nothing, problem: asProblem(error, 'unreachable', { image: reference.text }) };
  }
}

const PROBE = {
  kind: 'cosign',
  keys: [],
  hashAlgorithm: 'sha256',
  rsaScheme: 'pkcs1',
  identities: [],
  trustRoot: PUBLIC_GOOD,
  certificateAuthorities: [],
  transparencyLog: 'required',
  certificateTransparency: 'required',
  timestamp: 'optional',
  bindRepository: false,
  annotations: {},
} as const satisfies CosignAuthority & { annotations: object };

/** The identity that a certificate claims; whether the claim is true is verified next. */
function identityOf(candidate: SignatureCandidate): SignerIdentity | undefined {
  if (candidate instanceof Problem || 'malformed' in candidate || candidate.certificate === undefined) return undefined;
  let facts: CertificateFacts | { wrong: string };
  try {
    facts = readCertificate(candidate.certificate);
  } catch {
    return undefined;
  }
  if ('wrong' in facts) return undefined;
  const { issuer, names } = facts;
  const [subject] = names;
  return issuer === undefined || subject === undefined ? undefined : { issuer, subject };
}

function policyText(known: readonly RepositorySignatures[]): string {
  const authorities = new Map<string, { name: string; identity: SignerIdentity }>();
  for (const identity of known.flatMap(({ identities }) => identities)) {
    const key = `${identity.issuer} ${identity.subject}`;
    if (!authorities.has(key))
      authorities.set(key, { name: nameFor(identity.subject, authorities.size + 1), identity });
  }
  const nameOf = ({ issuer, subject }: SignerIdentity) => authorities.get(`${issuer} ${subject}`)?.name as string;
  const lines = [
    '# Written by tagproof policy init from the images in this repository. An image without a rule is denied.',
    'version: 1',
  ];
  if (authorities.size > 0) {
    lines.push('authorities:');
    for (const { name, identity } of authorities.values())
      lines.push(
        `  ${name}:`,
        '    identities:',
        `      - issuer: ${JSON.stringify(identity.issuer)}`,
        `        subject: ${JSON.stringify(identity.subject)}   # this one build; subjectPattern: with * allows others`,
      );
  }
  lines.push('rules:');
  const pinned = known.filter(({ identities }) => identities.length === 0);
  for (const { repository, identities } of known) {
    if (identities.length === 0) continue;
    lines.push(
      `  - name: ${JSON.stringify(`${repository} is signed`)}`,
      `    images: [${JSON.stringify(repository)}]`,
      '    digest: required',
      `    signatures: {any: [${identities.map(nameOf).join(', ')}]}`,
    );
  }
  if (pinned.length > 0) {
    lines.push('  - name: pinned', '    digest: required', '    images:');
    for (const { repository, others, problem } of pinned) {
      const why =
        problem !== undefined
          ? 'could not be checked'
          : others > 0
            ? `has ${plural(others, 'signature')} by a key or an unknown signer: name an authority with the public key`
            : 'no signature found';
      lines.push(`      - ${JSON.stringify(repository)}   # ${why}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** `org-app` of https://github.com/org/app/.github/…, `ada` of a mail address. */
function nameFor(subject: string, number: number): string {
  const [, owner, repository] = /^https:\/\/[^/]+\/([^/]+)\/([^/]+)\//.exec(subject) ?? [];
  const name = (owner === undefined ? subject.split('@', 1).join() : `${owner}-${repository ?? ''}`).replace(
    /[^A-Za-z0-9-]+/g,
    '-',
  );
  return /^[A-Za-z]/.test(name) ? `${name}${number > 1 ? `-${number}` : ''}` : `signer-${number}`;
}
