// Signs a sample image by a key, as `tagproof sign` does, without asking the registry anything: for the demos, and for tests.
import type { KeyObject } from 'node:crypto';
import { pushReferrer } from '../registry/sample.ts';
import { BUNDLE_TYPE, SIGN_PREDICATE } from '../sigstore/statement.ts';
import { signingKeyOf } from './key.ts';
import { makeBundle } from './sign.ts';

/** @param host as EmbeddedRegistry.listen returned it; @param digest of the image, as pushSample returned it; @param key private */
export async function signSample(host: string, repository: string, digest: string, key: KeyObject): Promise<void> {
  const statement = { digest, predicateType: SIGN_PREDICATE, predicate: {}, annotations: {} };
  const bundle = await makeBundle(statement, { key: signingKeyOf(key) });
  await pushReferrer(host, { repository, subject: digest, artifactType: BUNDLE_TYPE, layer: bundle });
}
