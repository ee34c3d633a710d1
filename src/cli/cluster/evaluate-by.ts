// Evaluates running digests by the policy of tagproof.yaml, for the watcher and `tagproof status`.
import { evaluateImage, loadPolicyContext } from '../../evaluate/evaluate.ts';
import type { Config } from '../../policy/config.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Evaluator } from '../../watcher/evidence.ts';

/**
 * Reads the policy at each call. Signers and their verdicts are cached while the policy is
 * unchanged.
 */
export function policyEvaluator(
  load: () => Promise<Config>,
  client: RegistryClient,
): () => Promise<Evaluator | undefined> {
  let cached: { config: string; evaluator: Promise<Evaluator | undefined> } | undefined;
  return async () => {
    const config = await load();
    const text = JSON.stringify(config);
    if (cached?.config !== text) cached = { config: text, evaluator: open(config, client) };
    return cached.evaluator;
  };
}

async function open(config: Config, client: RegistryClient): Promise<Evaluator | undefined> {
  if (config.rules.length === 0) return undefined;
  const policyContext = await loadPolicyContext(config, new Map());
  return {
    policy: policyContext.policy,
    evaluate: (reference, scope) => {
      const { digest } = reference;
      const resolved = { reference, digest, from: 'registry' as const, at: new Date().toISOString() };
      return evaluateImage({ client, reference, resolved, policyContext, scope });
    },
  };
}
