// tagproof sign: signs images, always by digest. With a key, or keyless with the identity of the current build.
import { type Command, Option } from 'commander';
import { readNamed } from '../../file.ts';
import type { PinnedReference, Reference } from '../../flow.ts';
import { parseReference, repositoryOf, withDigest } from '../../image/reference.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Artifact } from '../../registry/push.ts';
import { plural } from '../../report/plural.ts';
import type { Cell } from '../../report/report.ts';
import { loadSigningKey } from '../../sign/key.ts';
import { ambientToken, certify } from '../../sign/keyless.ts';
import { bundleAnnotations, makeBundle, type Signatory, type Statement } from '../../sign/sign.ts';
import { type LoggedSigner, logInRekor1, logInRekor2, stampBytes } from '../../sign/witness.ts';
import { BUNDLE_TYPE, SIGN_PREDICATE } from '../../sigstore/statement.ts';
import { fromBundle } from '../../verify/cosign/material.ts';
import { verifyBeforePush } from '../../verify/cosign/verify-before-push.ts';
import { signatureRepository } from '../../verify/signature-repository.ts';
import type { TrustRoot } from '../../verify/trust/root.ts';
import { loadTrustRoot, PUBLIC_GOOD } from '../../verify/trust/store.ts';
import { type CommonOptions, type Context, collect, defineCommand, execute } from '../shared/command.ts';
import { loadConfig } from '../shared/project.ts';
import { type RegistryFlags, registryOptions, withClient } from '../shared/registry.ts';

const EXAMPLES = `
tagproof sign ghcr.io/org/app:v1                         keyless, in a build with an identity token
tagproof sign --key cosign.key ghcr.io/org/app@sha256:…  with a key (COSIGN_PASSWORD opens an encrypted one)
tagproof sign --key release.pem -a build=42 ghcr.io/org/app:v1
tagproof sign --key release.pem --dry-run ghcr.io/org/app:v1
`;

export type SignFlags = CommonOptions &
  RegistryFlags & {
    key?: string;
    annotation: string[];
    fulcioUrl: string;
    rekorUrl?: string;
    rekorVersion: '1' | '2';
    timestampUrl?: string;
    log: boolean;
    trustRoot: string;
    signatureRepository?: string;
    dryRun: boolean;
  };

const PUBLIC_FULCIO = 'https://fulcio.sigstore.dev';
const PUBLIC_REKOR = 'https://rekor.sigstore.dev';

export function signOptions(command: Command): Command {
  return registryOptions(command)
    .option(
      '--key <file>',
      'private key: PEM, PKCS#8, or cosign’s encrypted form; without one the signature is keyless',
    )
    .option('-a, --annotation <key=value>', 'annotation to include in the signature (repeatable)', collect, [])
    .option('--fulcio-url <url>', 'certificate authority for keyless signatures', PUBLIC_FULCIO)
    .option('--rekor-url <url>', `transparency log (keyless: ${PUBLIC_REKOR}; with --key none unless this is given)`)
    .addOption(new Option('--rekor-version <version>', 'API version of the log').choices(['1', '2']).default('1'))
    .option('--timestamp-url <url>', 'RFC 3161 timestamp authority (a Rekor 2 log needs one for keyless signatures)')
    .option('--no-log', 'keyless without a log entry: needs --timestamp-url')
    .option('--trust-root <file>', 'trust root to verify the signature with before it is pushed', PUBLIC_GOOD)
    .option('--signature-repository <repository>', 'where to push the signature, if not beside the image')
    .option('--dry-run', 'make and verify the signature, but push nothing', false);
}

export function run(args: string[]): Promise<number> {
  const command = signOptions(
    defineCommand('sign', 'Signs images by digest, as cosign 3 does: a bundle beside the image.', EXAMPLES),
  ).argument('<images...>', 'image references; a tag is resolved, and its digest is shown first');
  const about = { predicateType: SIGN_PREDICATE, predicate: {} };
  return execute<SignFlags>(command, args, (images, options, context) =>
    signAll({ images, options, context, name: 'sign', about }),
  );
}

type SignRun = {
  readonly images: readonly string[];
  readonly options: SignFlags;
  readonly context: Context;
  /** The command. */
  readonly name: 'sign' | 'attest';
  readonly about: Pick<Statement, 'predicateType' | 'predicate'>;
};

/** Signs one statement about each image, by one signer. */
export async function signAll({ images, options, context, name, about }: SignRun) {
  const config = await loadConfig(options.config);
  const annotations = readAnnotations(options.annotation);
  const references = images.map((image) => parseReference(image));
  const wrong = references.find((reference) => reference instanceof Problem);
  if (wrong !== undefined) throw wrong; // a half-signed release is worse than an unsigned one
  return withClient(options, config, context, async (client) => {
    const signatory = await signatoryOf(client, options);
    const witnessed = [signatory.certificate, signatory.log, signatory.stamp].some((part) => part !== undefined);
    const trust = witnessed ? (await loadTrustRoot(options.trustRoot)).root : undefined;
    const rows: Cell[][] = [];
    const problems: Problem[] = [];
    const signed: object[] = [];
    for (const reference of references as Reference[]) {
      try {
        const { bytes, digest, mediaType } = await client.manifest(reference);
        const subject = withDigest(reference, digest);
        // Printed before signing, so that a user who sees another digest than the one built can still stop.
        if (reference.digest === undefined && options.output === 'text' && !options.quiet)
          process.stderr.write(`${reference.text} is ${digest}\n`);
        const statement = { ...about, subject, annotations };
        const bundle = await makeBundle(statement, signatory);
        checkBeforePush(bundle, subject, trust, signatory.key.spki);
        const place = signatureRepository(subject, options.signatureRepository);
        const artifact: Artifact = {
          artifactType: BUNDLE_TYPE,
          layer: bundle,
          layerType: BUNDLE_TYPE,
          annotations: bundleAnnotations(about.predicateType, new Date()),
        };
        const pushed = options.dryRun
          ? undefined
          : await client.pusher(place).attach({ digest, mediaType, size: bytes.length }, artifact);
        rows.push([
          { text: options.dryRun ? 'would sign' : name === 'sign' ? 'signed' : 'attested', style: 'good' },
          reference.digest === undefined ? `${reference.text} → ${digest}` : subject.text,
          { text: pushed === undefined ? '' : `${repositoryOf(place)}@${pushed}`, style: 'dim' },
        ]);
        signed.push({ image: reference.text, digest, predicateType: about.predicateType, signature: pushed });
      } catch (error) {
        problems.push(asProblem(error, 'unreachable', { image: reference.text }));
      }
    }
    return {
      report: {
        command: name,
        sections: rows.length === 0 ? [] : [{ head: [], rows }],
        findings: [],
        problems,
        summary: [
          `${options.dryRun ? 'would have signed' : 'signed'} ${signed.length} of ${plural(images.length, 'image')}`,
        ],
        data: { signed },
      },
    };
  });
}

function readAnnotations(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at <= 0) throw new Problem('usage', `--annotation '${text}': expected key=value`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

async function signatoryOf(client: RegistryClient, options: SignFlags): Promise<Signatory> {
  const { rekorUrl, rekorVersion, timestampUrl } = options;
  const keyless = options.key === undefined;
  if (keyless && !options.log && timestampUrl === undefined)
    throw new Problem('usage', 'a keyless signature needs proof of its time: a log, or --timestamp-url');
  const signedBy = keyless ? await keylessOf(client, options) : keyOf(options.key as string);
  const log = options.log ? (rekorUrl ?? (keyless ? PUBLIC_REKOR : undefined)) : undefined;
  const signer: LoggedSigner =
    signedBy.certificate === undefined
      ? { kind: 'key', der: signedBy.key.spki }
      : { kind: 'certificate', der: signedBy.certificate };
  return {
    ...signedBy,
    ...(timestampUrl !== undefined && {
      stamp: (bytes: Buffer) => stampBytes(client.service({ url: timestampUrl }), bytes),
    }),
    ...(log !== undefined && {
      log: (envelope) =>
        rekorVersion === '1'
          ? logInRekor1(client.service({ url: log }), envelope, signer)
          : logInRekor2(client.service({ url: log }), envelope, signer, signedBy.key.keyDetails),
    }),
  };
}

function keyOf(file: string): Signatory {
  const pem = readNamed(file).toString('utf8');
  return { key: loadSigningKey(pem, process.env['COSIGN_PASSWORD'], file) };
}

async function keylessOf(client: RegistryClient, { fulcioUrl }: SignFlags): Promise<Signatory> {
  const token = await ambientToken(process.env, (url) => client.service({ url }));
  return certify(client.service({ url: fulcioUrl }), token);
}

/** Verifies before pushing: a witness that cheats, or a wrong clock, is found here. */
function checkBeforePush(bundle: Buffer, subject: PinnedReference, trust: TrustRoot | undefined, spki: Buffer): void {
  const material = fromBundle(bundle);
  const wrong = 'malformed' in material ? material.malformed : verifyBeforePush(material, subject, trust, spki);
  if (wrong !== undefined)
    throw new Problem('refused', `the signature that was made does not verify, nothing was pushed: ${wrong}`);
}
