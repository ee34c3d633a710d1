// tagproof report: what exists in a cluster, by the policy in force; also as report objects. The same look as simulate.
export { runReport as run } from './simulate.ts';
