// The root of a repository's trust: does the one that is served lead back to the keys that the policy pins?
import type { X509Certificate } from 'node:crypto';
import { checkRootCertificate } from './key.ts';
import { checkRole, Disorder, keysOf, type RoleFile, Root, type RootData, readRole } from './metadata.ts';

export type Pins = {
  /** SPKI of keys, DER in hex. */
  readonly keys: ReadonlySet<string>;
  /** Root certificates, or authorities that issued them. */
  readonly certificates: readonly X509Certificate[];
};

/** Root rotations that are followed back to the pin. */
const MAX_ROTATIONS = 32;

/** The latest root, if it leads back to the pin: signed by a pinned key, or by its predecessor that was, step by step. */
export async function trustRoot(
  latest: RoleFile<RootData>,
  pins: Pins,
  gun: string,
  now: Date,
  fetchVersion: (version: number) => Promise<Buffer | undefined>,
): Promise<RoleFile<RootData> | undefined> {
  const chain = [latest];
  let oldest = latest;
  while (!isPinned(oldest, pins)) {
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
    const own = keysOf(file.data.keys, root);
    if (file.signedBy(own).size < root.threshold) throw new Disorder(`root ${file.data.version}: too few signatures`);
    if (previous === undefined) continue;
    const old = previous.data.roles.root;
    if (file.signedBy(keysOf(previous.data.keys, old)).size < old.threshold)
      throw new Disorder(`root ${file.data.version} is not signed by the keys of the root before it`);
  }
  const { root } = latest.data.roles;
  checkRole(latest, keysOf(latest.data.keys, root), root.threshold, 'root', now);
  for (const { certificate } of keysOf(latest.data.keys, root)) {
    const wrong = certificate && checkRootCertificate(certificate, gun, now);
    if (wrong !== undefined) throw new Disorder(wrong);
  }
  return latest;
}

/** Enough of its own root keys are pinned ones, and signed it. */
function isPinned(file: RoleFile<RootData>, pins: Pins): boolean {
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
