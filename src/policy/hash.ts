// The policy's hash: two texts that mean the same have the same one. Part of every kept verdict and of the lock's evidence.
import { createHash } from 'node:crypto';
import type { Config } from './config.ts';

/** `sha256:HEX` of authorities and rules; the order of settings within them does not matter. */
export function policyHash({ authorities, rules }: Pick<Config, 'authorities' | 'rules'>): string {
  return `sha256:${createHash('sha256').update(canonical({ authorities, rules })).digest('hex')}`;
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
