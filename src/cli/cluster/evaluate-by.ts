// Digests before the policy of tagproof.yaml, for those who look at what runs.
import { evaluateImage, loadPolicyContext } from '../../evaluate/evaluate.ts';
import type { Config } from '../../policy/config.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Evaluator } from '../../watcher/evidence.ts';

/** The policy as the file has it now; signers and their verdicts are kept while it stays the same. */
export function policyEvaluator(
  load: () => Promise<Config>,
  client: RegistryClient,
): () => Promise<Evaluator | undefined> {
  let kept: { config: string; evaluator: Promise<Evaluator | undefined> } | undefined;
  return async () => {
    const config = await load();
    const text = JSON.stringify(config);
    if (kept?.config !== text) kept = { config: text, evaluator: open(config, client) };
    return kept.evaluator;
  };
}

async function open(config: Config, client: RegistryClient): Promise<Evaluator | undefined> {
  if (config.rules.length === 0) return undefined;
  const policyContext = await loadPolicyContext(config, new Map());
  return {
    policy: policyContext.policy,
    evaluate: (reference, setting) => {
      const digest = reference.digest as string;
      const resolved = { reference, digest, from: 'registry' as const, at: new Date().toISOString() };
      return evaluateImage({ client, reference, resolved, policyContext, scope: setting });
    },
  };
}
