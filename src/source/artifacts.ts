// References that are neither a container's image nor an override: artifacts of Flux, and the sources of OpenShift's ImageStreams (P32).
// source.toolkit.fluxcd.io, fluxcd.controlplane.io, image.openshift.io.
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { type Collector, notLiteral, spotOfValue } from './collector.ts';
import { splitSlot } from './slot.ts';
import { deref, get, getText, type Node } from './yaml-node.ts';

const OCI = 'oci://';

/** Reads what an object takes from a registry besides images of containers. */
export function readArtifacts(c: Collector, root: Node, group: string, kind: string): void {
  const spec = get(root, 'spec');
  if (group === 'source.toolkit.fluxcd.io' && kind === 'OCIRepository') readOciRepository(c, spec);
  if (group === 'fluxcd.controlplane.io' && kind === 'FluxInstance')
    readArtifact(c, get(get(spec, 'distribution'), 'artifact'));
  if (group === 'image.openshift.io' && kind === 'ImageStream') readImageStream(c, spec);
}

/** `url: oci://host/repository` with `ref: {tag}`: a digest below the tag decides before it. */
function readOciRepository(c: Collector, spec: Node | undefined): void {
  const url = deref(get(spec, 'url'));
  const ref = deref(get(spec, 'ref'));
  if (url?.kind !== 'scalar' || !url.value.startsWith(OCI)) return;
  const spot = spotOfValue(c.text, { start: url.start, end: url.end, path: 'spec.url' }, url.value);
  const name = url.value.slice(OCI.length);
  const why = notLiteral(name);
  if (why !== undefined) return c.skip(spot, name, why.reason, why.detail);
  const [tag, digest] = [getText(ref, 'tag') ?? '', getText(ref, 'digest') ?? ''];
  if (ref?.kind !== 'map' || (tag === '' && digest === '')) {
    const detail =
      getText(ref, 'semver') === undefined ? 'names no tag, so the newest is taken' : 'follows a version range';
    return c.skip(spot, name, 'incomplete', `${detail}: give ref.tag, which can be pinned`);
  }
  const reference = parseReference(`${name}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`);
  if (reference instanceof Problem) return c.invalid(spot, name, reference.message);
  const find = (key: string) => ref.entries.find((entry) => entry.key.value === key);
  const parts = { map: ref, tag: find('tag'), digest: find('digest'), style: undefined, takesDigestKey: true } as const;
  const slot =
    ref.flow && digest === ''
      ? { blocked: 'write ref over several lines, so that digest: can follow tag:' }
      : splitSlot(c.text, parts);
  c.reference(spot, reference, slot);
}

/** `artifact: oci://host/repository:tag`. */
function readArtifact(c: Collector, node: Node | undefined): void {
  const scalar = deref(node);
  if (scalar?.kind !== 'scalar' || !scalar.value.startsWith(OCI)) return;
  if (c.text.slice(scalar.start, scalar.end) !== scalar.value) return;
  const spot = { start: scalar.start + OCI.length, end: scalar.end, path: 'spec.distribution.artifact' };
  c.image(spot, scalar.value.slice(OCI.length), true);
}

/** `spec.tags[].from: {kind: DockerImage, name}`. */
function readImageStream(c: Collector, spec: Node | undefined): void {
  const tags = deref(get(spec, 'tags'));
  for (const [index, tag] of (tags?.kind === 'seq' ? tags.items : []).entries()) {
    const from = get(deref(tag), 'from');
    const name = deref(get(from, 'name'));
    if (getText(from, 'kind') !== 'DockerImage' || name?.kind !== 'scalar') continue;
    const spot = { start: name.start, end: name.end, path: `spec.tags[${index}].from.name` };
    c.image(spot, name.value, true, { scalar: name });
  }
}
