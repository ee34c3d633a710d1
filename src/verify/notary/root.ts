// The root of a repository's trust: does the root that the server has lead back to the keys that the policy pins?
import type { X509Certificate } from 'node:crypto';
import { checkRootCertificate } from './key.ts';
import { checkRole, Disorder, keysOf, type RoleFile, Root, type RootData, readRole } from './metadata.ts';

export type Pins = {
  /** SPKI of keys, DER in hex. */
  readonly keys: ReadonlySet<string>;
  /** Root certificates, or authorities that issued them. */
  readonly certificates: readonly X509Certificate[];
};

/** Root rotations that are followed back to a pin. */
const MAX_ROTATIONS = 32;

export type RootRequest = {
  readonly pins: Pins;
  /** The repository that root certificates must name. */
  readonly gun: string;
  readonly now: Date;
  readonly fetchVersion: (version: number) => Promise<Buffer | undefined>;
};

/**
 * The latest root, if it leads back to a pin: a pinned key signed it, or the keys of the root before it did, and so on.
 * @returns undefined if it does not lead back to a pin
 */
export async function trustRoot(
  latest: RoleFile<RootData>,
  { pins, gun, now, fetchVersion }: RootRequest,
): Promise<RoleFile<RootData> | undefined> {
  const chain = [latest];
  let oldest = latest;
  while (!hasPinnedKeys(oldest, pins)) {
    if (oldest.data.version <= 1 || chain.length > MAX_ROTATIONS) return undefined;
    const version = oldest.data.version - 1;
    const bytes = await fetchVersion(version);
    if (bytes === undefined) return undefined;
    oldest = readRole(bytes, Root, `root ${version}`);
    if (oldest.data.version !== version)
      throw new Disorder(`root ${version} says it is version ${oldest.data.version}`);
    chain.unshift(oldest);
  }
  for (const [index, file] of chain.entries()) {
    const previous = chain[index - 1];
    const { root } = file.data.roles;
    if (file.signedBy(keysOf(file.data.keys, root)).size < root.threshold)
      throw new Disorder(`root ${file.data.version}: too few signatures`);
    if (previous === undefined) continue;
    const old = previous.data.roles.root;
    if (file.signedBy(keysOf(previous.data.keys, old)).size < old.threshold)
      throw new Disorder(`root ${file.data.version} is not signed by the keys of the root before it`);
  }
  const { root } = latest.data.roles;
  const keys = keysOf(latest.data.keys, root);
  checkRole(latest, { keys, threshold: root.threshold, role: 'root', now });
  for (const { certificate } of keys) {
    const wrong = certificate && checkRootCertificate(certificate, gun, now);
    if (wrong !== undefined) throw new Disorder(wrong);
  }
  return latest;
}

/** Enough of its root keys are pinned, and signed it. */
function hasPinnedKeys(file: RoleFile<RootData>, pins: Pins): boolean {
  const { root } = file.data.roles;
  const pinned = keysOf(file.data.keys, root).filter(({ key, certificate }) => {
    if (pins.keys.has(key.export({ type: 'spki', format: 'der' }).toString('hex'))) return true;
    return (
      certificate !== undefined &&
      pins.certificates.some(
        (pin) =>
          pin.raw.equals(certificate.raw) ||
          (pin.ca && certificate.checkIssued(pin) && certificate.verify(pin.publicKey)),
      )
    );
  });
  return file.signedBy(pinned).size >= root.threshold;
}
