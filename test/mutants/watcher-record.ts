// Single faults in what the watcher records: evidence, closures, holds, runs, leaders.
import type { Mutant } from './mutant.ts';

const EVIDENCE = ['src/watcher/evidence.test.ts'];
const RECORD = [
  'src/watcher/cluster-watch.test.ts',
  'src/watcher/recording.test.ts',
  'src/watcher/recorder.test.ts',
  'src/watcher/finished-pods.test.ts',
];
const WHOLE = ['src/watcher/watcher.test.ts'];

export const WATCHER_RECORD_MUTANTS: readonly Mutant[] = [
  // Evidence.
  {
    name: 'a new policy does not count for what was evaluated before',
    file: 'src/watcher/evidence.ts',
    from: 'known.policy === this.#evaluator.policy && ',
    to: '',
    tests: EVIDENCE,
  },
  {
    name: 'an evaluation is valid for ever',
    file: 'src/watcher/evidence.ts',
    from: 'const VALID_MS = 24 * 3_600_000;',
    to: 'const VALID_MS = Number.MAX_SAFE_INTEGER;',
    tests: EVIDENCE,
  },
  {
    name: 'what could not be checked is not tried again for a day',
    file: 'src/watcher/evidence.ts',
    from: "known?.outcome === 'open' ? OPEN_MS : VALID_MS",
    to: 'VALID_MS',
    tests: EVIDENCE,
  },
  {
    name: 'a policy that cannot be read counts as no policy',
    file: 'src/watcher/evidence.ts',
    from: "      const problem = asProblem(error, 'file');\n",
    to: "      const problem = asProblem(error, 'file');\n      this.#evaluator = undefined;\n",
    tests: EVIDENCE,
  },
  {
    name: 'the finding of one namespace is used in another',
    file: 'src/watcher/evidence.ts',
    from: `\`\${printReference(reference)} \${scope.namespace} \${scope.kind}\``,
    to: `\`\${printReference(reference)} \${scope.kind}\``,
    tests: EVIDENCE,
  },
  {
    name: 'an evaluation that fails is repeated at once',
    file: 'src/watcher/evidence.ts',
    from: 'if ((this.#failures.get(key) ?? 0) > now - FAILED_MS) return;',
    to: '',
    tests: EVIDENCE,
  },
  {
    name: 'a closure is known before it is on disk',
    file: 'src/watcher/closures.ts',
    from: '    await this.#ledger.append([',
    to: '    this.#remember(root, { root, members });\n    await this.#ledger.append([',
    tests: ['src/watcher/closures.test.ts'],
  },
  {
    name: 'a closure that failed is read again and again',
    file: 'src/watcher/closures.ts',
    from: 'if ((this.#failures.get(digest) ?? 0) > now - RETRY_MS) return;',
    to: '',
    tests: ['src/watcher/closures.test.ts'],
  },

  // Overrides.
  {
    name: 'an outage of the ledger empties the blocklist',
    file: 'src/watcher/overrides.ts',
    from: 'const [holds, blocked] = [await statements.holds(), await statements.blocklist()];',
    to: 'this.#blocked = new Map();\n    const [holds, blocked] = [await statements.holds(), await statements.blocklist()];',
    tests: ['src/watcher/overrides.test.ts'],
  },
  {
    name: 'a hold of one cluster holds in all',
    file: 'src/watcher/overrides.ts',
    from: `\`\${cluster ?? ''} \${namespace}/\${kind}/\${name} \${container}\``,
    to: `\`\${cluster?.slice(0, 0) ?? ''} \${namespace}/\${kind}/\${name} \${container}\``,
    tests: ['src/watcher/overrides.test.ts'],
  },

  // Runs.
  {
    name: 'a pod is recorded before its owner is known',
    file: 'src/watcher/recorder.ts',
    from: 'if (pod.finished || !isPlaced(pod, owners)) continue;',
    to: 'if (pod.finished) continue;',
    tests: RECORD,
  },
  {
    name: 'a finished pod counts as running',
    file: 'src/watcher/recorder.ts',
    from: 'if (pod.finished || !isPlaced(pod, owners)) continue;',
    to: 'if (!isPlaced(pod, owners)) continue;',
    tests: RECORD,
  },
  {
    name: 'what ended is never recorded',
    file: 'src/watcher/recorder.ts',
    from: '      events.push(this.#event(key, 0));\n',
    to: '',
    tests: RECORD,
  },
  {
    name: 'a cluster without a first list counts as read',
    file: 'src/watcher/cluster-watch.ts',
    from: '.every((name) => this.#listed.has(name))',
    to: '.some((name) => this.#listed.has(name))',
    tests: [...RECORD, ...WHOLE],
  },
  {
    name: 'an API server that does not answer counts as one without revisions',
    file: 'src/watcher/cluster-watch.ts',
    from: "if (resource === OPTIONAL && problem.code === 'denied')",
    to: 'if (resource === OPTIONAL)',
    tests: RECORD,
  },
  {
    name: 'pods that may not be read count as none',
    file: 'src/watcher/cluster-watch.ts',
    from: "if (resource === OPTIONAL && problem.code === 'denied') this.#listed.add(OPTIONAL);",
    to: "if (problem.code === 'denied') this.#listed.add(resource);",
    tests: RECORD,
  },
  {
    name: 'a Job that ended early is recorded at each restart',
    file: 'src/watcher/finished-pods.ts',
    from: '!runs.some((run) => isSameRun(run, event))',
    to: 'runs.length >= 0',
    tests: RECORD,
  },
  {
    name: 'a run long ago counts as this one',
    file: 'src/watcher/finished-pods.ts',
    from: '(run.until === null || Date.parse(run.until) >= Date.parse(since) - SLACK_MS)',
    to: 'true',
    tests: RECORD,
  },

  // Leaders.
  {
    name: 'a leader never ends',
    file: 'src/watcher/leader-election.ts',
    from: '      else this.#held.delete(cluster);\n',
    to: '',
    tests: ['src/watcher/leader-election.test.ts'],
  },
  {
    name: 'every watcher is leader',
    file: 'src/watcher/leader-election.ts',
    from: 'return this.#held.has(cluster);',
    to: "return this.#held.has(cluster) || cluster !== '';",
    tests: ['src/watcher/leader-election.test.ts'],
  },
  {
    name: 'a watcher that ends keeps its lease',
    file: 'src/watcher/leader-election.ts',
    from: 'await this.#ledger.release(this.#holder).catch(() => {});',
    to: '',
    tests: ['src/watcher/leader-election.test.ts'],
  },
  {
    name: 'a watcher that is not the leader records',
    file: 'src/watcher/recording.ts',
    from: 'synced && election.has(name)',
    to: 'synced && election !== undefined && name.length > 0',
    tests: RECORD,
  },
  {
    name: 'what could not be recorded is forgotten',
    file: 'src/watcher/recording.ts',
    from: 'for (const cluster of this.#parts.clusters) cluster.forget();',
    to: '',
    tests: [...RECORD, ...WHOLE],
  },
  {
    name: 'a cluster that was not read yet ends what runs there',
    file: 'src/watcher/recording.ts',
    from: 'synced && election.has(name)',
    to: '(synced || true) && election.has(name)',
    tests: RECORD,
  },
];
