// The webhook in tests: a policy in, reviews in, answers out, without a socket.
import assert from 'node:assert/strict';
import type { AdmissionConfig } from '../src/admission/admit.ts';
import { createApp } from '../src/admission/app.ts';
import { Metrics } from '../src/admission/metrics.ts';
import { makeRegistryAccess } from '../src/admission/pull-secrets.ts';
import { loadPolicyContext } from '../src/evaluate/evaluate.ts';
import type { Lock } from '../src/lock/lock.ts';
import { parseConfig } from '../src/policy/config-file.ts';
import type { RegistryClient } from '../src/registry/client.ts';

export type App = ReturnType<typeof createApp>;
export type WebhookResponse = {
  readonly allowed: boolean;
  readonly status?: { readonly message: string };
  readonly warnings?: readonly string[];
  readonly patch?: string;
};
export type WebhookFixtureOptions = {
  readonly templates?: AdmissionConfig['templates'];
  readonly lock?: Lock | undefined;
  readonly bypass?: AdmissionConfig['bypass'];
};

/** @returns the application, and the lines of its log */
export async function startWebhookFixture(
  client: RegistryClient,
  policy: string,
  options: WebhookFixtureOptions = {},
): Promise<{ app: App; lines: object[] }> {
  const { templates = 'enforce', lock, bypass } = options;
  const policyContext = await loadPolicyContext(parseConfig(policy, 'test'), lock ?? new Map());
  const registryAccess = makeRegistryAccess(client);
  const config: AdmissionConfig = {
    policyContext,
    registryAccess: () => registryAccess,
    templates,
    locked: lock !== undefined,
    ...(bypass !== undefined && { bypass }),
  };
  const lines: object[] = [];
  return { app: createApp({ config: () => config, metrics: new Metrics(), log: (line) => lines.push(line) }), lines };
}

export async function ask(
  app: App,
  step: 'mutate' | 'validate',
  request: object,
  query = '',
): Promise<WebhookResponse> {
  const review = {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      namespace: 'n',
      operation: 'CREATE',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      ...request,
    },
  };
  const answer = await app.request(`/${step}${query}`, { method: 'POST', body: JSON.stringify(review) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return ((await answer.json()) as { response: WebhookResponse }).response;
}

export const patchOf = ({ patch }: WebhookResponse) =>
  JSON.parse(Buffer.from(patch ?? 'W10=', 'base64').toString()) as { op: string; path: string; value: string }[];

export const pod = (...images: string[]) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p' },
  spec: { containers: images.map((image, i) => ({ name: `c${i}`, image })) },
});
