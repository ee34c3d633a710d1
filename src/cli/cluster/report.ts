// tagproof report: evaluates what exists in a cluster by the policy in force, also as report
// objects. It shares its code with simulate.
export { runReport as run } from './simulate.ts';
