// Single faults in what users are told of their policy, and in which hosts the watcher may reach.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the rows quote source code
import type { Mutant } from './mutant.ts';

const authority = 'src/policy/lint-authority.test.ts';
const text = 'src/policy/demand-text.test.ts';
const client = 'src/cli/cluster/watcher-client.test.ts';

type Row = [name: string, file: string, from: string, to: string, test: string, threat?: string];

// biome-ignore format: a mutant is a line
const rows: Row[] = [
  ['the watcher reaches any host at a private address', 'src/cli/cluster/watcher-client.ts', 'isNamed: namesHost(config),', 'isNamed: () => true,', client, 'T46'],
  ['the watcher has a client without the hosts of the policy', 'src/cli/cluster/watcher-client.ts', '    isNamed: namesHost(config),\n', '', client, 'T46'],
  ['the watcher reaches the registries of the policy as strangers', 'src/cli/cluster/watcher-client.ts', 'namesHost(config)', 'namesHost({ ...config, registries: [] })', client, 'T46'],
  ['a certificate that has ended is a warning', 'src/policy/lint-authority.ts', "level: 'error', message", "level: 'warning', message", authority],
  ['a certificate that ends soon is not said', 'src/policy/lint-authority.ts', 'if (days > WARNING_DAYS) return [];', 'if (days >= 0) return [];', authority],
  ['a certificate that has ended today is not said', 'src/policy/lint-authority.ts', 'Math.floor((Date.parse(validTo)', 'Math.ceil((Date.parse(validTo)', authority],
  ['only the first certificate of a text is read', 'src/policy/lint-authority.ts', '.flatMap(certificatesIn);', '.flatMap((text) => certificatesIn(text).slice(0, 1));', authority],
  ['the trust stores of timestamps are not read', 'src/policy/lint-authority.ts', 'Object.values(trustStores).flat()', '[...trustStores.ca, ...trustStores.signingAuthority]', authority],
  ['roots of Docker Content Trust are not read', 'src/policy/lint-authority.ts', 'notary: ({ roots }) => [...roots]', 'notary: () => []', authority],
  ['a pattern for every repository of an owner is not said', 'src/policy/lint-authority.ts', '.filter((pattern) => /^https:', '.filter((pattern) => /^ftp:', authority, 'T28'],
  ['only the first pattern is read', 'src/policy/lint-authority.ts', 'identities.flatMap(({ subjectPattern })', 'identities.slice(0, 1).flatMap(({ subjectPattern })', authority, 'T28'],
  ['a pattern without a ref is not said', 'src/policy/lint-authority.ts', "!pattern.includes('@')", 'false', authority, 'T28'],
  ['identities without any proof of time are not said', 'src/policy/lint-authority.ts', "identities.length > 0 && transparencyLog === 'ignore'", "identities.length > 0 && transparencyLog !== 'ignore'", authority, 'T35'],
  ['level audit is not said', 'src/policy/lint-authority.ts', "level === 'audit' ?", 'false ?', authority],
  ['any identity is not said', 'src/policy/lint-authority.ts', "trustedIdentities.includes('*') ?", "trustedIdentities[0] === '*' ?", authority],
  ['any of reads as all of', 'src/policy/demand-text.ts', "'all' in demand ? 'all of '", "'any' in demand ? 'all of '", text],
  ['a threshold is not told', 'src/policy/demand-text.ts', "if ('threshold' in demand)", "if ('threshold' in demand && names.length === 0)", text],
  ['a condition is not told', 'src/policy/demand-text.ts', "condition === undefined ? ''", "condition !== undefined ? ''", text],
  ['signatures of platforms read as one of the index', 'src/policy/demand-text.ts', "platforms: ' of every platform', both", "platforms: '', both", text],
];

export const LINT_MUTANTS: readonly Mutant[] = rows.map(([name, file, from, to, test, threat]) => ({
  name,
  file,
  from,
  to,
  tests: [test],
  ...(threat !== undefined && { threat }),
}));
