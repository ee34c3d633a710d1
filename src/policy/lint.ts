// What is wrong with a policy that its schema cannot see: rules without demands, rules that match
// nothing, checks that are switched off, certificates that end.
import type { Reference } from '../flow.ts';
import { authoritiesOfRule, type Config, type Rule } from './config.ts';
import { demands } from './demand-text.ts';
import { authorityWarnings, expiryOf } from './lint-authority.ts';
import { matchingRules } from './match.ts';

export type Lint = {
  readonly level: 'error' | 'warning';
  readonly subject: string;
  readonly message: string;
  /** The place in tagproof.yaml. */
  readonly path: readonly (string | number)[];
};

export type LintedPolicy = Pick<Config, 'rules' | 'authorities' | 'exemptions'>;
type LintInput = LintedPolicy & {
  readonly references: readonly Reference[];
  readonly now: Date;
};

/**
 * @param references the images of the repository; without any, rules that match nothing cannot be
 * found
 */
export function lintPolicy(policy: LintedPolicy, references: readonly Reference[], now: Date): Lint[] {
  const { rules, authorities, exemptions } = policy;
  const input = { rules, authorities, exemptions, references, now };
  return Object.values(LINTS).flatMap((lint) => lint(input));
}

/** The checks of lint, in the order of its report. */
const LINTS: Readonly<Record<'authorities' | 'noRules' | 'rules' | 'exemptions' | 'unused' | 'unmatched', LintRule>> = {
  authorities: ({ authorities, now }) =>
    Object.entries(authorities).flatMap(([name, authority]) => {
      const at = { subject: `authority '${name}'`, path: ['authorities', name] };
      return [
        ...expiryOf(authority, now).map((finding): Lint => ({ ...at, ...finding })),
        ...authorityWarnings(authority).map((message): Lint => ({ ...at, level: 'warning', message })),
      ];
    }),

  noRules: ({ rules }) =>
    rules.length > 0
      ? []
      : [{ level: 'error', subject: 'rules', message: 'there are none: every image is denied', path: ['rules'] }],

  rules: ({ rules, references }) =>
    rules.flatMap((rule, index) => {
      const at = { subject: `rule '${rule.name}'`, path: ['rules', index] };
      return RULE_LINTS.flatMap((lint) => lint(rule, references)).map((finding): Lint => ({ ...at, ...finding }));
    }),

  exemptions: ({ exemptions, now }) =>
    exemptions.flatMap(({ until, images }, index): Lint[] => {
      if (until === undefined) return [];
      const days = (Date.parse(until) - now.getTime()) / DAY_MS;
      if (days >= WARNING_DAYS) return [];
      // The last day counts in full.
      const message = `${days < -1 ? 'ended' : 'ends'} on ${until}`;
      return [{ level: 'warning', subject: `exemption of ${images[0]}`, message, path: ['exemptions', index] }];
    }),

  unused({ rules, authorities }) {
    const used = new Set(rules.flatMap(authoritiesOfRule));
    return Object.keys(authorities)
      .filter((name) => !used.has(name))
      .map((name) => ({
        level: 'warning',
        subject: `authority '${name}'`,
        message: 'no rule names it',
        path: ['authorities', name],
      }));
  },

  unmatched({ rules, references }) {
    const unmatched = references.filter((reference) => matchingRules(rules, reference).length === 0);
    if (rules.length === 0 || unmatched.length === 0) return [];
    const names = [...new Set(unmatched.map(({ registry, repository }) => `${registry}/${repository}`))].sort();
    const shown = names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
    return [{ level: 'warning', subject: 'rules', message: `no rule applies to ${shown}: denied`, path: ['rules'] }];
  },
};
type LintRule = (input: LintInput) => Lint[];

/** Days before an end that lint warns of it. */
const WARNING_DAYS = 30;
const DAY_MS = 86_400_000;

type Finding = Pick<Lint, 'level' | 'message'>;

/** What can be wrong with one rule. */
const RULE_LINTS: readonly ((rule: Rule, references: readonly Reference[]) => Finding[])[] = [
  (rule) => {
    if (demands(rule).length > 0) return [];
    return rule.images.includes('**')
      ? [{ level: 'error', message: 'has no demands: it admits every image that no other rule matches' }]
      : [{ level: 'warning', message: 'has no demands: its images pass as they are' }];
  },
  (rule, references) =>
    references.length === 0 || references.some((reference) => matchingRules([rule], reference).length > 0)
      ? []
      : [
          {
            level: 'warning',
            message:
              'matches no image here: it is not used, or its pattern is wrong (names are canonical: docker.io/library/nginx)',
          },
        ],
  ({ mode, digest, signatures }) =>
    mode === 'enforce' && digest === 'off' && signatures !== undefined
      ? [
          {
            level: 'warning',
            message:
              'demands a signature, but no digest, so the tag may move after the check: set digest: required or resolve',
          },
        ]
      : [],
];
