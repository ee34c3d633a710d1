// The lock of a cluster: a file, or an artifact in a registry as pushed by `tagproof lock push`.
// The rules that apply to its repository decide on it as on any image: by whom it must be signed
// and where it may come from.

import { evaluateImage, type PolicyContext } from '../evaluate/evaluate.ts';
import type { Reference } from '../flow.ts';
import { withDigest } from '../image/reference.ts';
import { LOCK_TYPE, type Lock, parseLock, readLock } from '../lock/lock.ts';
import { objections } from '../policy/decision.ts';
import { asProblem, Problem } from '../problem.ts';
import type { RegistryClient } from '../registry/client.ts';
import { MAX_ATTESTATION_BLOB } from '../registry/limits.ts';
import { parseJson } from '../sigstore/json.ts';

/**
 * @returns the lock, and the artifact's digest
 * @throws Problem `refused` if the policy denies the artifact
 */
export async function fetchLock(
  client: RegistryClient,
  policyContext: PolicyContext,
  reference: Reference,
): Promise<{ lock: Lock; digest: string }> {
  try {
    const { digest } = await client.head(reference);
    const subject = withDigest(reference, digest);
    const resolved = { reference, digest, from: 'registry' as const, at: new Date().toISOString() };
    const { decision } = await evaluateImage({ client, reference: subject, resolved, policyContext });
    if (decision.outcome === 'deny')
      throw new Problem('refused', `the policy denies this lock: ${objections(decision)}`);
    return { digest, lock: parseLock(await readLockArtifact(client, subject), reference.text) };
  } catch (error) {
    throw asProblem(error, 'unreachable', { image: reference.text });
  }
}

/**
 * Reads the text of a lock artifact.
 * @throws Problem `protocol` for any artifact but that of `tagproof lock push`
 */
export async function readLockArtifact(client: RegistryClient, subject: Reference): Promise<string> {
  const { bytes, digest } = await client.manifest(subject);
  const { layers = [] } = (parseJson(bytes) ?? {}) as { layers?: { mediaType?: unknown; digest?: unknown }[] };
  const [layer] = layers;
  if (layers.length !== 1 || layer?.mediaType !== LOCK_TYPE || typeof layer.digest !== 'string')
    throw new Problem('protocol', `expected one layer of type ${LOCK_TYPE}: push it with tagproof lock push`);
  const text = await client.blob(withDigest(subject, digest), layer.digest, MAX_ATTESTATION_BLOB);
  return text.toString('utf8');
}

/**
 * A missing file is an error and not an empty lock, which would deny every tag without an
 * explanation.
 */
export function lockOf(file: string): Lock {
  const { lock, bytes } = readLock(file);
  if (bytes === undefined) throw new Problem('file', 'there is no such lock file', { file });
  return lock;
}
