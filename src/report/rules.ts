// The rules of findings: what is wrong, and what to do about it. The ids are stable.

export const RULES = {
  unpinned: {
    title: 'Image is not pinned to a digest',
    help: 'A tag can be moved: everyone who can push can change what runs. Run `tagproof pin` to write the digest after the tag.',
  },
  'not-pinnable': {
    title: 'Image is not pinned, and no digest can be written here',
    help: 'The message says why. Change the line by hand, then run `tagproof pin`.',
  },
  'invalid-reference': {
    title: 'Not a valid image reference',
    help: 'No node can run it (InvalidImageName). Correct it. If it is no image, or another program replaces it, put `# tagproof:ignore: REASON` on the line or above it.',
  },
  templated: {
    title: 'Image is known only after rendering',
    help: 'Pin the value that fills the template or the variable, or check the rendered result: `helm template … | tagproof check -`.',
  },
  'tag-moved': {
    title: 'The tag points to another digest than the pinned one',
    help: 'The pin still protects you. Review the change (`tagproof diff OLD NEW`), then take it with `tagproof pin --update`.',
  },
  'tag-digest-disagree': {
    title: 'Tag and digest do not belong together',
    help: 'The lock has another digest for this tag, or knows the digest under another tag. Run `tagproof pin`: it asks the registry, takes an update into the lock, and pins an edited tag anew.',
  },
  'lock-behind': {
    title: 'The lock has not seen this pin yet',
    help: 'It was written by hand, by Renovate or by Dependabot. Run `tagproof pin`: it takes the digest into the lock where the registry confirms it.',
  },
  'lock-stale': {
    title: 'An entry of the lock is no longer used',
    help: 'Run `tagproof pin` over the whole tree: it removes the entry.',
  },
  'custom-pattern': {
    title: 'A custom pattern of Renovate does not expect a digest',
    help: 'The message names the file and the pattern. Let the pattern take an optional `@(?<currentDigest>sha256:[a-f0-9]+)`, or Renovate no longer updates this line.',
  },
  'two-digests': {
    title: 'One tag has two digests',
    help: 'Two environments may mean that. If not, `tagproof pin --update` gives all places what the tag is now.',
  },
  'digest-gone': {
    title: 'The pinned digest is no longer served',
    help: 'Nodes that do not have the image can no longer pull it. Restore it, copy it to a registry of yours, or pin the digest that the tag has now.',
  },
  'tag-gone': {
    title: 'The tag beside the pin no longer exists',
    help: 'The pin still works. A registry that deleted the tag may soon delete the digest: copy the image, or move to a tag that exists.',
  },
  'single-platform': {
    title: 'The pin names one platform of a multi-platform image',
    help: 'Nodes of another architecture fail with "exec format error". Pin the index: `tagproof pin --update`.',
  },
  'platform-missing': {
    title: 'A required platform is missing',
    help: 'Nodes of that platform cannot run the image. Choose another tag, or no longer require the platform.',
  },
  'policy-denied': {
    title: 'The policy denies this image',
    help: 'The message says which rule of tagproof.yaml is not met, and why. `tagproof verify IMAGE` shows every rule.',
  },
  'policy-warned': {
    title: 'A rule in warn or audit mode is not met',
    help: 'Nothing is denied yet. Meet the rule before you set its mode to enforce.',
  },
  'mixed-replicas': {
    title: 'Pods of one template run different digests',
    help: 'The tag moved between their starts. Pin the template (`tagproof pin`) and roll it out.',
  },
  'runs-something-else': {
    title: 'A pod runs another image than the pinned one',
    help: 'The digest on the node does not belong to the declared one. Check the node and its runtime first.',
  },
  'ledger-broken': {
    title: 'The ledger fails its own verification',
    help: 'An entry was changed or is missing. Keep the file as evidence, and restore an export that verifies.',
  },
  'cluster-gap': {
    title: 'A check of the cluster failed',
    help: 'The message says what is wrong and how to fix it. Run `tagproof doctor` again afterwards.',
  },
  'policy-lint': {
    title: 'The policy may not mean what it says',
    help: 'The message says which rule or authority, and why.',
  },
  'replay-differs': {
    title: 'This policy decides a logged review differently',
    help: 'The message says how and why. If the change is intended, roll out the policy; `tagproof simulate` shows which workloads it would block.',
  },
  'policy-test': {
    title: 'The policy decides differently than a test case expects',
    help: 'The message says what the policy decides and why. Change the rule, or the test case.',
  },
  'evidence-missing': {
    title: 'The lock does not say why this image may run',
    help: 'It was pinned without --verify. Run `tagproof pin --verify --update`.',
  },
  'evidence-stale': {
    title: 'The evidence in the lock is not what the policy requires now',
    help: 'The policy or the pin has changed since. Run `tagproof pin --verify --update`.',
  },
  'trust-expiry': {
    title: 'A part of the trust root expires soon, or has expired',
    help: 'Run `tagproof trust update`, or import a newer trusted_root.json with `tagproof trust import`.',
  },
  'would-change': {
    title: 'tagproof pin would change this line',
    help: 'Run `tagproof pin` without --diff to write it.',
  },
  different: { title: 'The two images differ', help: '' },
} as const;

export type RuleId = keyof typeof RULES;
