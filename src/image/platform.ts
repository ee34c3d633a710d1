// Platforms: `os/architecture[/variant]`. OCI image-spec, image-index.md; variants are normalised
// as in containerd/platforms.
import type { Platform } from '../flow.ts';
import { Problem } from '../problem.ts';

const ARCHITECTURE: Record<string, string> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  i386: '386',
};

/** Reads `linux/arm64` and `linux/arm/v7`. A single word is an architecture of linux. */
export function parsePlatform(text: string): Platform | Problem {
  const parts = text.trim().toLowerCase().split('/');
  if (parts.length > 3 || parts.some((part) => !/^[a-z0-9_.-]+$/.test(part))) {
    return new Problem('usage', `'${text}' is not a platform: expected os/architecture[/variant], as in linux/arm64`);
  }
  const [os, architecture, variant] = parts.length === 1 ? ['linux', parts[0]] : parts;
  return normalise({ os: os as string, architecture: architecture as string, ...(variant && { variant }) });
}

/** `arm64` means `arm64/v8`, and `arm` means `arm/v7`: equal platforms have equal values. */
export function normalise(platform: Platform): Platform {
  const architecture = ARCHITECTURE[platform.architecture] ?? platform.architecture;
  const variant = architecture === 'arm' ? (platform.variant ?? 'v7') : platform.variant;
  const implied = (architecture === 'arm64' && variant === 'v8') || (architecture === 'amd64' && variant === 'v1');
  return { os: platform.os, architecture, ...(variant && !implied && { variant }) };
}

export function printPlatform(platform: Platform): string {
  const { os, architecture, variant } = normalise(platform);
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}
