// tagproof's own files in a tree. Their images are patterns and test cases, not images that the tree deploys. Pure.

/** What a configuration may be called. Two of them in one folder are a mistake. */
export const CONFIGURATION_NAMES = ['tagproof.yaml', 'tagproof.yml', '.tagproof.yaml', '.tagproof.yml'] as const;
export const LOCK_NAME = 'tagproof.lock';
const CASES_NAMES = ['tagproof.test.yaml', 'tagproof.test.yml'];

const OWN_NAMES: ReadonlySet<string> = new Set([...CONFIGURATION_NAMES, LOCK_NAME, ...CASES_NAMES]);

export const isConfiguration = (name: string): boolean => (CONFIGURATION_NAMES as readonly string[]).includes(name);
/** @param name a file's name without its folder */
export const isOwnFile = (name: string): boolean => OWN_NAMES.has(name);
