// Facts about what an image contains, and how two images differ. Pure.
import { createHash } from 'node:crypto';
import type { ImageFacts } from '../ledger/event.ts';
import type { ImageConfig } from '../resolve/closure.ts';

/** One difference. `from` is absent for something new, `to` for something removed. */
export type Difference = {
  readonly what: string;
  readonly name?: string;
  readonly from?: string;
  readonly to?: string;
};

/**
 * The facts that are recorded. Environment values are hashed, because images sometimes contain
 * secrets.
 */
export function factsOf(config: ImageConfig): ImageFacts {
  const hashed = ([name, value]: [string, string]): [string, string] => [
    name,
    createHash('sha256').update(value).digest('hex').slice(0, 12),
  ];
  const plain = plainFactsOf(config);
  return { ...plain, env: Object.fromEntries(Object.entries(plain.env).map(hashed)) };
}

/**
 * The same facts with plain environment values, for a command that shows them and records nothing.
 */
export function plainFactsOf(config: ImageConfig): ImageFacts {
  const { platform, created, entrypoint, cmd, user, workingDir, env, labels, layers } = config;
  const textAfter = (line: string) => line.slice(line.indexOf('=') + 1);
  return {
    platform,
    ...(created !== undefined && { created }),
    entrypoint: entrypoint.join(' '),
    cmd: cmd.join(' '),
    user,
    workingDir,
    env: Object.fromEntries(env.map((line) => [line.split('=', 1)[0] as string, textAfter(line)])),
    labels,
    layers: layers.map(({ digest, size }) => [digest, size]),
  };
}

/**
 * The two images of a platform that both have, linux/amd64 first. Without a common platform, the
 * first of each.
 */
export function comparable(
  from: readonly ImageFacts[],
  to: readonly ImageFacts[],
): [ImageFacts, ImageFacts] | undefined {
  const platforms = from.map(({ platform }) => platform);
  const common = ['linux/amd64', ...platforms].find((platform) =>
    [from, to].every((side) => side.some((image) => image.platform === platform)),
  );
  const of = (side: readonly ImageFacts[]) => side.find(({ platform }) => platform === common) ?? side[0];
  const [a, b] = [of(from), of(to)];
  return a === undefined || b === undefined ? undefined : [a, b];
}

export function compareFacts(a: ImageFacts, b: ImageFacts): Difference[] {
  const layers = ({ layers: list }: ImageFacts) =>
    Object.fromEntries(list.map(([digest, size]) => [digest, `${digest} (${size} bytes)`]));
  return [
    ...one('platform compared', a.platform, b.platform),
    ...one('created', a.created ?? '', b.created ?? ''),
    ...one('entrypoint', a.entrypoint, b.entrypoint),
    ...one('cmd', a.cmd, b.cmd),
    ...one('user', a.user, b.user),
    ...one('workdir', a.workingDir, b.workingDir),
    ...named('env', a.env, b.env),
    ...named('label', a.labels, b.labels),
    ...named('layer', layers(a), layers(b)).map(({ name: _, ...rest }) => rest),
  ];
}

/** Differences of two lists, such as platforms. */
export function compareSets(what: string, from: readonly string[], to: readonly string[]): Difference[] {
  return [
    ...from.filter((item) => !to.includes(item)).map((item) => ({ what, from: item })),
    ...to.filter((item) => !from.includes(item)).map((item) => ({ what, to: item })),
  ];
}

/** A short text for an alarm: what the image is built from, and which parts differ. */
export function summaryOf(differences: readonly Difference[]): string {
  const label = (name: string) =>
    differences.find((item) => item.what === 'label' && item.name === `org.opencontainers.image.${name}`);
  const revision = label('revision');
  const parts = [
    ...(revision === undefined
      ? []
      : [`source ${revision.from?.slice(0, 12) ?? '?'} → ${revision.to?.slice(0, 12) ?? '?'}`]),
    ...(label('base.digest') === undefined ? [] : ['another base']),
    ...[...Map.groupBy(differences, ({ what }) => what)]
      .filter(([what]) => what !== 'created')
      .map(([what, list]) => (list.length === 1 ? what : `${list.length} × ${what}`)),
  ];
  return parts.length === 0 ? 'the same configuration and layers' : parts.join(', ');
}

function one(what: string, from: string, to: string): Difference[] {
  return from === to ? [] : [{ what, ...(from !== '' && { from }), ...(to !== '' && { to }) }];
}

function named(
  what: string,
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): Difference[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter((name) => from[name] !== to[name]);
  return names.map((name) => {
    const [before, after] = [from[name], to[name]];
    return { what, name, ...(before !== undefined && { from: before }), ...(after !== undefined && { to: after }) };
  });
}
