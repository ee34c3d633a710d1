// The rules behind findings: one line each on what is wrong and what to do; the ids are stable.

export const RULES = {
  unpinned: {
    title: 'Image is not pinned to a digest',
    help: 'A tag is a movable bookmark: whoever can push can change what runs. Run `tagproof pin` to write the digest behind the tag.',
  },
  'not-pinnable': {
    title: 'Image is not pinned, and no digest can be written here',
    help: 'The message says what is in the way. Change it by hand, then run `tagproof pin`.',
  },
  templated: {
    title: 'Image is known only after rendering',
    help: 'Pin the value that fills the template or the variable, or check the rendered result: `helm template … | tagproof check -`.',
  },
  'tag-moved': {
    title: 'The tag points to another digest than the pinned one',
    help: 'The pin still protects you. Look at the change (`tagproof diff OLD NEW`), then take it with `tagproof pin --update`.',
  },
  'tag-digest-disagree': {
    title: 'Tag and digest do not belong together',
    help: 'The lock knows this tag under another digest: the line was edited by hand, or the lock is stale. Run `tagproof pin --update`.',
  },
  'digest-gone': {
    title: 'The pinned digest is no longer served',
    help: 'Nodes that lack the image cannot pull it any more. Restore it, copy it to a registry of yours, or pin what the tag has now.',
  },
  'tag-gone': {
    title: 'The tag beside the pin no longer exists',
    help: 'The pin still works. A registry that drops the tag may soon drop the digest: copy the image, or move to a tag that lives.',
  },
  'single-platform': {
    title: 'The pin names one platform of a multi-platform image',
    help: 'Nodes of another architecture fail with "exec format error". Pin the index: `tagproof pin --update`.',
  },
  'platform-missing': {
    title: 'A required platform is missing',
    help: 'Nodes of that platform cannot run the image. Choose another tag, or take the platform off the requirement.',
  },
  'policy-denied': {
    title: 'The policy denies this image',
    help: 'The message says which rule of tagproof.yaml is not met, and by what. `tagproof verify IMAGE` shows all of it.',
  },
  'policy-warned': {
    title: 'A rule in warn or audit mode is not met',
    help: 'Nothing is denied yet. Meet the rule before its mode becomes enforce.',
  },
  'mixed-replicas': {
    title: 'Pods of one template run different digests',
    help: 'The tag moved between their starts. Pin the template (`tagproof pin`) and roll it out.',
  },
  'runs-something-else': {
    title: 'A pod runs another image than the pinned one',
    help: 'The digest on the node does not belong to the declared one. Look at the node and its runtime before anything else.',
  },
  'ledger-broken': {
    title: 'The record does not hold',
    help: 'An entry was changed or is missing. Keep the file as it is, and go back to an export that holds.',
  },
  'cluster-hole': {
    title: 'Something in the cluster is not guarded as it should be',
    help: 'The message says what, and its mend. Run `tagproof doctor` again afterwards.',
  },
  'policy-lint': {
    title: 'The policy may not mean what it says',
    help: 'The message says which rule or authority, and why.',
  },
  'replay-differs': {
    title: 'The policy at hand decides a logged review another way',
    help: 'The message says how and why. If the change is meant, roll the policy out; `tagproof simulate` shows what it would strand.',
  },
  'policy-test': {
    title: 'The policy decides another way than a test case expects',
    help: 'The message says what was decided and why. Change the rule, or the case.',
  },
  'evidence-missing': {
    title: 'The lock does not say why this image may run',
    help: 'It was pinned without --verify. Run `tagproof pin --verify --update`.',
  },
  'evidence-stale': {
    title: 'The evidence in the lock is not what the policy asks today',
    help: 'The policy or the pin changed since. Run `tagproof pin --verify --update`.',
  },
  'trust-expiry': {
    title: 'A part of the trust root ends soon, or has ended',
    help: 'Run `tagproof trust update`, or take a newer trusted_root.json in with `tagproof trust import`.',
  },
  'would-change': {
    title: 'tagproof pin would change this line',
    help: 'Run `tagproof pin` without --diff to write it.',
  },
  different: { title: 'The two images differ', help: '' },
} as const;

export type RuleId = keyof typeof RULES;
