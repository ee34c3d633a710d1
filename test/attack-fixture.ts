// A registry on loopback, images, signatures and a policy for the tests of the attack list: real HTTP and real signatures.
import { generateKeyPairSync } from 'node:crypto';
import { after, before } from 'node:test';
import { evaluateImage, loadPolicyContext, type PolicyContext, resolveAllowed } from '../src/evaluate/evaluate.ts';
import type { Decision, Reference } from '../src/flow.ts';
import { parsePinned, parseReference, printReference } from '../src/image/reference.ts';
import { parseConfig } from '../src/policy/config-file.ts';
import { Problem } from '../src/problem.ts';
import { RegistryClient } from '../src/registry/client.ts';
import { EmbeddedRegistry } from '../src/registry/embedded.ts';
import { pushReferrer, pushSample } from '../src/registry/sample.ts';
import { signingKeyOf } from '../src/sign/key.ts';
import { makeBundle } from '../src/sign/sign.ts';
import { BUNDLE_TYPE, SIGN_PREDICATE } from '../src/sigstore/statement.ts';
import { keyAuthorityYaml } from './signing/authority.ts';

export const mine = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const theirs = generateKeyPairSync('ec', { namedCurve: 'P-256' });
type Intercept = NonNullable<NonNullable<ConstructorParameters<typeof EmbeddedRegistry>[0]>['intercept']>;
/** The registry of an attacker: a test sets how it answers. */
export const attacker: { intercept: Intercept } = { intercept: () => false };
export const registry = new EmbeddedRegistry({ intercept: (...args) => attacker.intercept(...args) });
export const client = new RegistryClient({ credentials: async () => undefined, backoffMs: 1, deadlineMs: 1500 });
export let host = '';
before(async () => {
  host = await registry.listen();
});
after(async () => {
  await client.close();
  await registry.close();
});

export const policy = (rules: string, authorities = keyAuthorityYaml('release', mine.publicKey)) =>
  `authorities:\n${authorities}rules:\n${rules}`;
export const SIGNED = '  - {name: signed, images: ["**"], digest: resolve, signatures: {all: [release]}}\n';
export const policyContext = (text = policy(SIGNED)): Promise<PolicyContext> =>
  loadPolicyContext(parseConfig(text, 'test'), new Map());

let count = 0;
export async function image(
  content = `image ${count++}`,
  repository = 'app',
  tag = `v${count}`,
  platforms = ['linux/amd64'],
) {
  const digest = await pushSample(host, { repository, tag, platforms, content });
  return { reference: parseReference(`${host}/${repository}:${tag}`) as Reference, digest };
}

export async function signImage(
  digest: string,
  key = mine.privateKey,
  { repository = 'app', about = digest, type = SIGN_PREDICATE } = {},
) {
  const subject = parsePinned(`${host}/${repository}@${about}`);
  const statement = { subject, predicateType: type, predicate: {}, annotations: {} };
  const layer = await makeBundle(statement, { key: signingKeyOf(key) });
  await pushReferrer(host, { repository, subject: digest, artifactType: BUNDLE_TYPE, layer });
}

export async function decideOn(
  reference: Reference,
  given: PolicyContext,
  by = client,
): Promise<Decision & { digest: string | undefined }> {
  const answers = await resolveAllowed(by, [{ reference, scope: {} }], given);
  const answer = answers.get(printReference(reference)) as Exclude<ReturnType<typeof answers.get>, undefined>;
  const { decision } = await evaluateImage({ client: by, reference, resolved: answer, policyContext: given });
  return { ...decision, digest: answer instanceof Problem ? undefined : answer.digest };
}
export const words = ({ results }: Decision) => results.map(({ reason }) => reason).join('; ');
