// tagproof inspect: what is this image? Digest, platforms, when and from which source it was built, what it starts.

import type { Reference } from '../../flow.ts';
import { parseReference, printReference, withDigest } from '../../image/reference.ts';
import { Problem } from '../../problem.ts';
import type { RegistryClient } from '../../registry/client.ts';
import type { Cell, Section } from '../../report/report.ts';
import { type Child, type Closure, type ImageConfig, readClosure, readImageConfig } from '../../resolve/closure.ts';
import { type CommonOptions, defineCommand, execute } from '../shared/command.ts';
import { loadConfig } from '../shared/project.ts';
import { type RegistryFlags, rateLimitLines, registryOptions, withClient } from '../shared/registry.ts';
import { platformName } from './platforms.ts';

const EXAMPLES = `
tagproof inspect nginx:1.27
tagproof inspect --platform linux/arm64 ghcr.io/org/app@sha256:…
`;

type Options = CommonOptions & RegistryFlags & { platform?: string };

/** The OCI annotation keys that say where an image comes from (image-spec, annotations.md). */
const SOURCE_LABELS = ['title', 'version', 'revision', 'source', 'url', 'created', 'base.name', 'base.digest'].map(
  (key) => `org.opencontainers.image.${key}`,
);

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    defineCommand(
      'inspect',
      'Shows what an image is. Reads its manifests, which registries may count as a pull.',
      EXAMPLES,
    ),
  )
    .argument('<image>', 'image reference')
    .option('--platform <platform>', 'whose configuration to show (default: linux/amd64, else the first)');
  return execute<Options>(command, args, async ([image], options, context) => {
    const reference = parseReference(image as string);
    if (reference instanceof Problem) throw reference;
    const config = await loadConfig(options.config);
    return withClient(options, config, context, async (client) => {
      const subject = await readSubject(client, reference, options.platform);
      const { closure, image: details } = subject;
      const digest = closure.root.digest;
      return {
        report: {
          command: 'inspect',
          sections: [
            overview(reference, subject),
            ...(closure.children.length > 0 ? [platforms(closure.children)] : []),
            configuration(details),
          ],
          findings: [],
          problems: [],
          summary: [`pin it as ${withDigest(reference, digest).text}`, ...rateLimitLines(client)],
          data: {
            image: reference.text,
            reference: printReference(withDigest(reference, digest)),
            ...closure.root,
            platforms: closure.platforms,
            children: closure.children,
            config: details,
          },
        },
      };
    });
  });
}

export type InspectedImage = { readonly closure: Closure; readonly image: ImageConfig };

/** The closure and one platform's configuration. @throws Problem when the image lacks the platform */
export async function readSubject(
  client: RegistryClient,
  reference: Reference,
  platform: string | undefined,
): Promise<InspectedImage> {
  const closure = await readClosure(client, reference).catch((error) => {
    throw error instanceof Problem ? error.at({ image: reference.text }) : error;
  });
  const images = closure.children.filter(({ attachment }) => !attachment);
  const wanted = platform === undefined ? undefined : platformName(platform);
  if (closure.config !== undefined) {
    if (wanted !== undefined && !closure.platforms.includes(wanted)) throw missingPlatform(reference, wanted, closure);
    return { closure, image: closure.config };
  }
  const child =
    images.find((item) => item.platform === (wanted ?? 'linux/amd64')) ??
    (wanted === undefined ? images[0] : undefined);
  if (child === undefined) throw missingPlatform(reference, wanted ?? 'image', closure);
  return { closure, image: await readImageConfig(client, reference, child.digest) };
}

function missingPlatform(reference: Reference, platform: string, { platforms }: Closure): Problem {
  return new Problem('not-found', `has no ${platform}, only ${platforms.join(', ') || 'what it does not name'}`, {
    image: reference.text,
  });
}

function overview(reference: Reference, { closure, image }: InspectedImage): Section {
  const { root, children, platforms } = closure;
  const labels = SOURCE_LABELS.flatMap((key): Cell[][] =>
    image.labels[key] === undefined
      ? []
      : [[{ text: key.replace('org.opencontainers.image.', ''), style: 'dim' }, image.labels[key]]],
  );
  const attachments = children.filter(({ attachment }) => attachment).length;
  const kind =
    children.length === 0
      ? 'manifest'
      : `index of ${children.length - attachments} images${attachments > 0 ? ` and ${attachments} attestations` : ''}`;
  const row = (name: string, value: string): Cell[][] => (value === '' ? [] : [[{ text: name, style: 'dim' }, value]]);
  return {
    title: printReference(reference),
    head: [],
    rows: [
      ...row('digest', root.digest),
      ...row('kind', `${kind} (${root.mediaType}, ${root.size} bytes)`),
      ...row('platforms', platforms.join(', ')),
      ...row('built', image.created ?? ''),
      ...labels,
    ],
  };
}

function platforms(children: readonly Child[]): Section {
  const rows = children.map(({ platform, digest, size, attachment }): Cell[] => [
    attachment ? { text: 'attestation', style: 'dim' } : (platform ?? '?'),
    digest,
    { text: `${size} bytes`, style: 'dim' },
  ]);
  return { title: 'closure', head: [], rows };
}

function configuration({
  platform,
  digest,
  configDigest,
  entrypoint,
  cmd,
  user,
  workingDir,
  env,
  labels,
  layers,
}: ImageConfig): Section {
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  const rows: [string, string][] = [
    ['manifest', digest],
    ['config', configDigest],
    ['entrypoint', entrypoint.join(' ')],
    ['cmd', cmd.join(' ')],
    ['user', user],
    ['workdir', workingDir],
    ...env.map((line): [string, string] => ['env', line]),
    ...Object.entries(labels)
      .filter(([key]) => !SOURCE_LABELS.includes(key))
      .map(([key, value]): [string, string] => ['label', `${key}=${value}`]),
    ['layers', `${layers.length}, ${(bytes / 1024 / 1024).toFixed(1)} MiB compressed`],
  ];
  return {
    title: platform,
    head: [],
    rows: rows
      .filter(([, value]) => value !== '')
      .map(([name, value]): Cell[] => [{ text: name, style: 'dim' }, value]),
  };
}
