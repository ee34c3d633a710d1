// Overrides of images in objects of GitOps controllers: Flux' Kustomization and HelmRelease, OCIRepository, Argo CD's Application and
// ApplicationSet, and its `.argocd-source.yaml`. Flux: kustomize.toolkit.fluxcd.io, helm.toolkit.fluxcd.io, source.toolkit.fluxcd.io;
// Argo CD: operator manual, application.yaml, "Kustomize", "Parameter overrides".
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import { type Collector, notLiteral } from './collector.ts';
import { readOverrides } from './kustomization.ts';
import { wholeSlot } from './slot.ts';
import { globalRegistryIn } from './walk.ts';
import { deref, get, getText, type Node, type ScalarNode } from './yaml-node.ts';

/** Reads what these controllers override in the objects that they apply; the rest of the object is read by its shape. */
export function readGitops(c: Collector, root: Node, group: string, kind: string): void {
  const spec = get(root, 'spec');
  if (group === 'kustomize.toolkit.fluxcd.io' && kind === 'Kustomization') return readFluxKustomization(c, spec);
  if (group === 'helm.toolkit.fluxcd.io' && kind === 'HelmRelease') {
    c.globalRegistry ??= globalRegistryIn(get(spec, 'values'));
    const chart =
      getText(get(get(spec, 'chart'), 'spec'), 'chart') ?? getText(get(spec, 'chartRef'), 'name') ?? 'unnamed';
    c.charts.push({ document: c.document, values: 'spec.values', chart });
    for (const [index, renderer] of itemsOf(get(spec, 'postRenderers')).entries()) {
      const path = `spec.postRenderers[${index}].kustomize.images`;
      readOverrides(c, get(get(renderer, 'kustomize'), 'images'), path);
    }
    return;
  }
  if (group === 'argoproj.io' && kind === 'Application') return readSources(c, spec, 'spec');
  if (group === 'argoproj.io' && kind === 'ApplicationSet')
    return readSources(c, get(get(spec, 'template'), 'spec'), 'spec.template.spec');
}

function readFluxKustomization(c: Collector, spec: Node | undefined): void {
  const images = get(spec, 'images');
  const path = getText(spec, 'path');
  // Without overrides too: then this folder is deployed as it is written, whatever another object makes of it.
  if (path !== undefined) {
    const components = itemsOf(get(spec, 'components')).flatMap((item) => (item.kind === 'scalar' ? [item.value] : []));
    const overrides = itemsOf(images).map((item) => {
      const field = (key: 'newName' | 'newTag' | 'digest') => {
        const value = getText(item, key) ?? '';
        return value === '' ? {} : { [key]: value };
      };
      return { name: getText(item, 'name') ?? '', ...field('newName'), ...field('newTag'), ...field('digest') };
    });
    // Flux' bootstrap gives this name to the repository that it was bootstrapped from.
    const ours = getText(get(spec, 'sourceRef'), 'name') === 'flux-system';
    const place = { document: c.document, entries: 'spec.images', path, ours };
    c.overlays.push({ ...place, components, images: overrides });
  }
  readOverrides(c, images, 'spec.images');
}

/** `.argocd-source.yaml` and `.argocd-source-<application>.yaml`: a source's fields at the top. */
export function readArgoSource(c: Collector, root: Node): void {
  readSource(c, root, '');
}

function readSources(c: Collector, spec: Node | undefined, path: string): void {
  readSource(c, get(spec, 'source'), `${path}.source.`);
  for (const [index, source] of itemsOf(get(spec, 'sources')).entries())
    readSource(c, source, `${path}.sources[${index}].`);
}

function readSource(c: Collector, source: Node | undefined, path: string): void {
  const images = get(get(source, 'kustomize'), 'images');
  const chart = getText(source, 'chart') ?? getText(source, 'path');
  if (chart !== undefined && get(source, 'helm') !== undefined)
    for (const values of ['valuesObject', 'values'])
      c.charts.push({ document: c.document, values: `${path}helm.${values}`, chart });
  for (const [index, item] of itemsOf(images).entries())
    if (item.kind === 'scalar') readArgoImage(c, item, `${path}kustomize.images[${index}]`);
  readParameters(c, get(get(source, 'helm'), 'parameters'), `${path}helm.parameters`);
}

/** `[name=]image[:tag][@digest]`, as `kustomize edit set image` takes it. */
function readArgoImage(c: Collector, scalar: ScalarNode, path: string): void {
  const offset = scalar.value.lastIndexOf('=') + 1;
  const value = scalar.value.slice(offset);
  const literal = c.text.slice(scalar.start, scalar.end) === scalar.value;
  const spot = { start: literal ? scalar.start + offset : scalar.start, end: scalar.end, path };
  const why = notLiteral(value);
  if (why !== undefined) return c.skip(spot, value, why.reason, why.detail);
  const reference = parseReference(value);
  if (reference instanceof Problem) return c.invalid(spot, value, reference.message);
  if (reference.tag === undefined && reference.digest === undefined)
    return c.skip(spot, value, 'incomplete', 'only renames the image; the tag comes from the resources');
  const slot = literal
    ? wholeSlot(c.text, spot.start, spot.end, reference)
    : { blocked: 'the image is written with escapes: write it plainly' };
  c.reference(spot, reference, slot);
}

/** Helm parameters that name an image's tag: the chart composes the reference, so the place is named and not taken. */
function readParameters(c: Collector, parameters: Node | undefined, path: string): void {
  for (const [index, item] of itemsOf(parameters).entries()) {
    const name = getText(item, 'name') ?? '';
    const value = get(item, 'value');
    if (!/image/i.test(name) || value?.kind !== 'scalar' || value.value === '') continue;
    const spot = { start: value.start, end: value.end, path: `${path}[${index}].value` };
    if (/(?:tag|version)$/i.test(name))
      c.skip(spot, value.value, 'incomplete', `the tag of a chart's image (${name}); the chart says which image it is`);
    else c.image(spot, value.value, false);
  }
}

const itemsOf = (node: Node | undefined): readonly Exclude<Node, { kind: 'alias' }>[] => {
  const list = deref(node);
  return list?.kind === 'seq' ? list.items.flatMap((item) => deref(item) ?? []) : [];
};
