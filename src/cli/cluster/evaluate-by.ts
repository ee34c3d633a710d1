// Digests before the policy of tagproof.yaml, for those who look at what runs.
import { judgeImage, openBench } from '../../evaluate/evaluate.ts';
import type { Config } from '../../policy/config.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Judge } from '../../watcher/evidence.ts';

/** The policy as the file has it now; signers and their verdicts are kept while it stays the same. */
export function judgeBy(load: () => Promise<Config>, client: RegistryClient): () => Promise<Judge | undefined> {
  let kept: { config: string; judge: Promise<Judge | undefined> } | undefined;
  return async () => {
    const config = await load();
    const text = JSON.stringify(config);
    if (kept?.config !== text) kept = { config: text, judge: open(config, client) };
    return kept.judge;
  };
}

async function open(config: Config, client: RegistryClient): Promise<Judge | undefined> {
  if (config.rules.length === 0) return undefined;
  const bench = await openBench(config, new Map());
  return {
    policy: bench.policy,
    judge: (reference, setting) => {
      const digest = reference.digest as string;
      const resolved = { reference, digest, from: 'registry' as const, at: new Date().toISOString() };
      return judgeImage(client, reference, resolved, bench, setting);
    },
  };
}
