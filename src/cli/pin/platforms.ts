// The platform options of pin and check: names as users type them, warnings where one is missing, one platform with --only-platform.
import type { Resolution } from '../../flow.ts';
import { manifestKind } from '../../image/media-type.ts';
import { parsePlatform, printPlatform } from '../../image/platform.ts';
import { withDigest } from '../../image/reference.ts';
import { asProblem, Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Finding } from '../../report/report.ts';
import { readClosure } from '../../resolve/closure.ts';

/** Reads indexes only where platforms matter: these are GETs, which Docker Hub counts as pulls. */
export async function readPlatforms(
  client: RegistryClient,
  answers: ReadonlyMap<string, Resolution>,
  required: readonly string[],
  { onlyPlatform, frozen }: { onlyPlatform?: string; frozen: boolean },
): Promise<{ chosen: Map<string, Resolution>; findings: Finding[] }> {
  const wanted = required.map(platformName);
  const only = onlyPlatform === undefined ? undefined : platformName(onlyPlatform);
  const chosen = new Map<string, Resolution>();
  const findings: Finding[] = [];
  if (frozen || (wanted.length === 0 && only === undefined)) return { chosen, findings };
  const read = async ([key, answer]: [string, Resolution]) => {
    if (answer instanceof Problem) return;
    const image = answer.reference.text;
    try {
      const closure = await readClosure(client, withDigest(answer.reference, answer.digest));
      chosen.set(key, { ...answer, platforms: closure.platforms });
      for (const platform of wanted.filter((name) => !closure.platforms.includes(name))) {
        findings.push({
          rule: 'platform-missing',
          level: 'warning',
          image,
          message: `has no ${platform}, only ${closure.platforms.join(', ') || 'none that it names'}`,
        });
      }
      if (only === undefined || manifestKind(closure.root.mediaType) !== 'index') return;
      const child = closure.children.find(({ platform, attachment }) => platform === only && !attachment);
      if (child === undefined)
        throw new Problem('not-found', `has no ${only}, only ${closure.platforms.join(', ')}`, { image });
      chosen.set(key, {
        ...answer,
        digest: child.digest,
        mediaType: child.mediaType,
        size: child.size,
        platforms: [only],
      });
    } catch (error) {
      chosen.set(key, asProblem(error, 'unreachable', { image }));
    }
  };
  await Promise.all([...answers].map(read));
  return { chosen, findings };
}

export function platformName(text: string): string {
  const platform = parsePlatform(text);
  if (platform instanceof Problem) throw platform;
  return printPlatform(platform);
}
