// The version of this tagproof, from the package.json that it ships with.
import { readFileSync } from 'node:fs';

export function version(): string {
  for (const path of ['./package.json', '../package.json', '../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as {
        name: string;
        version: string;
      };
      if (name === 'tagproof') return version;
    } catch {
      // not there: try the next place, because the bundle and the source tree have it in different ones
    }
  }
  return '0.0.0';
}
