// Single faults in the polls: what is believed of a tag, and what registries get from us.
import type { Mutant } from './mutant.ts';

const TAGS = ['src/watcher/tags.test.ts', 'src/watcher/watched-tag.test.ts'];

export const WATCHER_MUTANTS: readonly Mutant[] = [
  // Push notifications.
  {
    name: 'a notification is believed: the tag is gone before it is polled',
    file: 'src/watcher/tags.ts',
    from: '    tag.hinted = true;\n',
    to: '    tag.hinted = true;\n    tag.digest = null;\n',
    tests: TAGS,
  },
  {
    name: 'a notification makes nothing due',
    file: 'src/watcher/tags.ts',
    from: '    tag.due = now;\n',
    to: '',
    tests: TAGS,
  },

  // What is believed of a tag.
  {
    name: 'a registry that does not answer counts as a tag that is gone',
    file: 'src/watcher/tags.ts',
    from: "if (problem.code === 'not-found') return { tag, digest: null };",
    to: "if (problem.code !== 'usage') return { tag, digest: null };",
    tests: TAGS,
  },
  {
    name: 'a registry that denies access counts as a tag that is gone',
    file: 'src/watcher/tags.ts',
    from: "problem.code === 'not-found'",
    to: "['not-found', 'denied'].includes(problem.code)",
    tests: TAGS,
  },
  {
    name: 'a tag that is gone is never noticed',
    file: 'src/watcher/tags.ts',
    from: "if (problem.code === 'not-found') return { tag, digest: null };",
    to: '',
    tests: TAGS,
  },
  {
    name: 'a failed poll counts as a check',
    file: 'src/watcher/watched-tag.ts',
    from: '  tag.failure = message;\n',
    to: '  tag.failure = message;\n  tag.checked = now;\n',
    tests: TAGS,
  },
  {
    name: 'a failure is not shown',
    file: 'src/watcher/watched-tag.ts',
    from: '  tag.failure = message;\n',
    to: '',
    tests: TAGS,
  },
  {
    name: 'a change is believed before it is on disk',
    file: 'src/watcher/tags.ts',
    from: '    if (events.length > 0) await ledger.append(events, new Date(now));\n',
    to: '    for (const { tag, digest } of answers) tag.digest = digest;\n    if (events.length > 0) await ledger.append(events, new Date(now));\n',
    tests: TAGS,
  },
  {
    name: 'a change is not recorded',
    file: 'src/watcher/tags.ts',
    from: 'if (events.length > 0) await',
    to: 'if (events.length > 1000) await',
    tests: TAGS,
  },
  {
    name: 'the first digest ever seen counts as a move',
    file: 'src/watcher/watched-tag.ts',
    from: 'if (from !== undefined) {',
    to: 'if (from !== null) {',
    tests: TAGS,
  },
  {
    name: 'a restart forgets what each tag pointed to',
    file: 'src/watcher/watched-tag.ts',
    from: 'digest: interval?.digest,',
    to: 'digest: undefined,',
    tests: TAGS,
  },

  // Budget.
  {
    name: 'polls ignore the budget',
    file: 'src/watcher/tags.ts',
    from: 'if (this.#options.budget.take(tag.reference, now)) chosen.push(tag);',
    to: 'chosen.push(tag);',
    tests: TAGS,
  },
  {
    name: 'an idle hour allows a burst',
    file: 'src/watcher/budget.ts',
    from: 'Math.min(Math.max(1, perSecond), account.tokens + gained)',
    to: 'account.tokens + gained',
    tests: ['src/watcher/budget.test.ts'],
  },
  {
    name: 'all of an announced limit is used, and nodes cannot pull',
    file: 'src/watcher/budget.ts',
    from: 'if (limit !== undefined && isShort(limit)) return false;',
    to: '',
    tests: ['src/watcher/budget.test.ts', 'src/watcher/paced-client.test.ts'],
  },
  {
    name: 'polls go on at the full rate when half of a limit is used',
    file: 'src/watcher/budget.ts',
    from: 'if (limit === undefined || !isShort(limit)) return PER_SECOND;',
    to: 'if (limit !== undefined) return PER_SECOND;',
    tests: ['src/watcher/budget.test.ts'],
  },
  {
    name: 'a registry with nothing left is asked',
    file: 'src/watcher/budget.ts',
    from: 'limit.remaining === 0',
    to: 'limit.remaining < 0',
    tests: ['src/watcher/budget.test.ts'],
  },
  {
    name: 'manifests are read without the budget',
    file: 'src/watcher/paced-client.ts',
    from: '    await this.#waitForBudget(reference);\n    return super.manifest(reference);',
    to: '    return super.manifest(reference);',
    tests: ['src/watcher/paced-client.test.ts'],
  },
  {
    name: 'referrers are read without the budget',
    file: 'src/watcher/paced-client.ts',
    from: '    await this.#waitForBudget(reference);\n    return super.referrers(reference);',
    to: '    return super.referrers(reference);',
    tests: ['src/watcher/paced-client.test.ts'],
  },
];
