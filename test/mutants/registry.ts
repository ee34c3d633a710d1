// Single faults of the registry client: who gets credentials, where requests may go, what an answer may claim.
import type { Mutant } from './mutant.ts';

export const REGISTRY_MUTANTS: readonly Mutant[] = [
  {
    name: 'credentials go to a look-alike domain',
    threat: 'T47',
    file: 'src/registry/tokens.ts',
    from: 'realm.hostname.endsWith(`.${domain}`)',
    to: 'realm.hostname.endsWith(domain)',
    tests: ['src/registry/client.test.ts'],
  },
  {
    name: 'bytes of another digest are used',
    threat: 'T3',
    file: 'src/registry/client.ts',
    from: 'if (wanted !== undefined && digest !== wanted) throw',
    to: 'if (false) throw',
    tests: ['src/registry/client.test.ts'],
  },
];
