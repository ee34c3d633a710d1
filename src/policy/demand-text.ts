// The demands of a rule as users read them. Pure.
import { authoritiesOf, type Demand, type DemandName, type Rule } from './config.ts';
import { quoted } from './demand-result.ts';

/** A text for each demand that the rule makes; none for a rule without demands. */
export const demands = (rule: Rule): string[] => Object.values(TEXTS).flatMap((text) => text(rule));

/** In the order in which users read them. A demand without a row does not compile. */
const TEXTS: Readonly<Record<DemandName, (rule: Rule) => string[]>> = {
  registries: ({ registries }) => (registries === undefined ? [] : [`a registry among ${registries.join(', ')}`]),
  digest: ({ digest }) => ({ required: ['a digest'], resolve: ['a tag that resolves'], off: [] })[digest],
  signatures({ signatures, signed }) {
    if (signatures === undefined) return [];
    const of = { digest: '', platforms: ' of every platform', both: ' of the index and every platform' }[signed];
    return [`a signature${of} by ${authoritiesText(signatures)}`];
  },
  attestations: ({ attestations }) =>
    attestations.map(
      ({ type, by, condition }) =>
        `an attestation ${type} by ${authoritiesText(by)}${condition === undefined ? '' : ` where ${condition}`}`,
    ),
  platforms: ({ platforms }) => (platforms.length === 0 ? [] : [platforms.join(', ')]),
  tagAgrees: ({ tagAgrees }) => (tagAgrees ? ['a tag that still resolves to the digest beside it'] : []),
  noRollback: ({ noRollback }) => (noRollback ? ['a tag that did not return to an old digest'] : []),
  minimumAgeDays: ({ minimumAgeDays }) =>
    minimumAgeDays > 0 ? [`${minimumAgeDays} days since it was first seen`] : [],
};

/** `all of 'a', 'b'` */
function authoritiesText(demand: Demand): string {
  const names = authoritiesOf(demand);
  if ('threshold' in demand) return `${demand.threshold} of ${quoted(names)}`;
  return `${names.length === 1 ? '' : 'all' in demand ? 'all of ' : 'any of '}${quoted(names)}`;
}
