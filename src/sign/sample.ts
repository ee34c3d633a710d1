// Signs a sample image with a key, as `tagproof sign` does, without reading from the registry. For demos and tests.
import type { KeyObject } from 'node:crypto';
import { parsePinned } from '../image/reference.ts';
import { pushReferrer } from '../registry/sample.ts';
import { BUNDLE_TYPE, SIGN_PREDICATE } from '../sigstore/statement.ts';
import { signingKeyOf } from './key.ts';
import { makeBundle } from './sign.ts';

/** @param host as EmbeddedRegistry.listen returned it; @param digest of the image, as pushSample returned it; @param key private */
export async function signSample(host: string, repository: string, digest: string, key: KeyObject): Promise<void> {
  const subject = parsePinned(`${host}/${repository}@${digest}`);
  const statement = { subject, predicateType: SIGN_PREDICATE, predicate: {}, annotations: {} };
  const bundle = await makeBundle(statement, { key: signingKeyOf(key) });
  await pushReferrer(host, { repository, subject: digest, artifactType: BUNDLE_TYPE, layer: bundle });
}
