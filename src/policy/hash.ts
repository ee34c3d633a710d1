// The hash of a policy: two texts that mean the same have the same hash. The lock records it beside
// its evidence. Pure.
import { createHash } from 'node:crypto';
import type { Authority } from './config.ts';
import type { Policy } from './match.ts';

/** `sha256:HEX` of everything that decides; the order of keys does not matter. */
export function policyHash({ authorities, rules, exemptions, tightening, blocked = [] }: Hashed): string {
  return hashOf({
    authorities,
    rules,
    // An empty setting does not count, so a policy keeps the hash that it had before the setting
    // existed.
    ...(exemptions.length > 0 && { exemptions }),
    ...(blocked.length > 0 && {
      blocked: blocked.map(({ digest, repository = '' }) => `${digest} ${repository}`).sort(),
    }),
    ...(tightening !== undefined && { tightening: Object.fromEntries(tightening) }),
  });
}

type Hashed = Policy & { readonly authorities: Readonly<Record<string, Authority>> };

/** `sha256:HEX` of a JSON value. */
export function hashOf(value: unknown): string {
  return `sha256:${createHash('sha256').update(canonical(value)).digest('hex')}`;
}

/** JSON with sorted keys, and without keys whose value is undefined. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
