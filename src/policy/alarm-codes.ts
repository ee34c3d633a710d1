// Every alarm: its code, how serious it is, and what it means, in one row. Pure.
// It lies in this folder because tagproof.yaml names the codes, and watcher is a higher layer.

export type AlarmSeverity = 'critical' | 'warning';

/** Codes are public: sinks name them in tagproof.yaml, and alarms carry them. */
export const ALARM_CODES = {
  'tag-moved': { severity: 'warning', text: 'a tag points to another image' },
  'tag-moved-after-rest': { severity: 'critical', text: 'a tag that did not move for long points to another image' },
  'tag-gone': { severity: 'critical', text: 'a tag that is in use was deleted' },
  'signer-changed': { severity: 'critical', text: 'the same tag is signed by someone else' },
  'signature-lost': { severity: 'critical', text: 'an image that had a valid signature has none any more' },
  'digest-gone': { severity: 'critical', text: 'a running image can no longer be pulled' },
  'digest-going': {
    severity: 'warning',
    text: 'no tag in use names a running image any more: its registry may delete it',
  },
  'mixed-replicas': { severity: 'critical', text: 'pods of one template run different images' },
  'runs-something-else': { severity: 'critical', text: 'the reference is pinned to one image, and another runs' },
  'blocked-image': { severity: 'critical', text: 'an image on the blocklist runs' },
  'hold-broken': { severity: 'critical', text: 'a workload that was rolled back and held runs something else' },
  unpinned: { severity: 'warning', text: 'the image is declared by a tag alone' },
  denied: { severity: 'critical', text: 'the policy of today would deny the image' },
  unverified: { severity: 'warning', text: 'the image could not be checked, or no rule applies to it' },
  'platform-missing': {
    severity: 'warning',
    text: 'the image no longer has the platform of the nodes that it runs on',
  },
} as const satisfies Readonly<Record<string, { readonly severity: AlarmSeverity; readonly text: string }>>;

export type AlarmCode = keyof typeof ALARM_CODES;

export const ALARM_CODE_NAMES = Object.keys(ALARM_CODES) as AlarmCode[];
