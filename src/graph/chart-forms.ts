// Charts that are not in the tree: what they do with a digest and a tag is known from their public templates, from tagproof.yaml, or
// from a digest that is written already. Else nothing is written (P29). Pure.
import { posix } from 'node:path';
import type { Found } from '../flow.ts';
import { matchesPattern } from '../image/pattern.ts';
import type { RemoteChart } from '../source/overlay.ts';

/** What a chart takes: the form of its digest field, and whether a digest may follow the tag. */
export type ChartForm = { readonly digest?: 'full' | 'hex' | undefined; readonly tag?: 'image' | undefined };

/** One entry of `find.charts` in tagproof.yaml: by the chart's name, or by the path of a values file. */
export type ChartSetting = ChartForm & { readonly chart?: string | undefined; readonly files?: string | undefined };

/** By the chart's name; each from the templates that it publishes. */
const KNOWN: Readonly<Record<string, ChartForm>> = {
  // bjw-s-labs/helm-charts, common: container.field.image prints repository:tag.
  'app-template': { tag: 'image' },
  // cert-manager/cert-manager, _helpers.tpl, "image": `@` and the digest, else `:` and the tag.
  'cert-manager': { digest: 'full' },
  // cilium/cilium, _helpers.tpl, "cilium.image": repository, `:` tag, `@` digest.
  cilium: { digest: 'full' },
  // kubernetes/ingress-nginx, _helpers.tpl, "ingress-nginx.imageDigest": `@` and the digest.
  'ingress-nginx': { digest: 'full' },
  // prometheus-community/helm-charts: `@sha256:` and `sha`. A tag is also the `version` of its custom resources.
  'kube-prometheus-stack': { digest: 'hex' },
};

/** What is known of one chart. @param written forms of digests that are written already, by the chart's name */
export function formOf(
  chart: string | undefined,
  file: string,
  settings: readonly ChartSetting[],
  written: ReadonlyMap<string, ChartForm>,
): ChartForm | undefined {
  const setting = settings.find(
    (item) =>
      (item.chart !== undefined && item.chart === chart) ||
      (item.files !== undefined && matchesPattern(item.files, posix.normalize(file))),
  );
  if (setting !== undefined) return setting;
  if (chart === undefined) return undefined;
  const known = Object.hasOwn(KNOWN, chart) ? KNOWN[chart] : undefined;
  const seen = written.get(chart);
  return known === undefined && seen === undefined ? undefined : { ...seen, ...known };
}

/** Digests that somebody wrote tell which form their chart takes. */
export function writtenForms(
  items: readonly { readonly found: Found; readonly chart: string }[],
): Map<string, ChartForm> {
  const forms = new Map<string, ChartForm>();
  for (const { found, chart } of items) {
    if (found.reference.digest === undefined || found.slot.digest === undefined) continue;
    const inTag = found.parts?.digest === undefined;
    const form: ChartForm = inTag ? { tag: 'image' } : { digest: found.slot.style === 'hex' ? 'hex' : 'full' };
    forms.set(chart, { ...forms.get(chart), ...form });
  }
  return forms;
}

/** The chart whose values hold this image, of those that the file's objects install. */
export function remoteChartOf(found: Found, charts: readonly RemoteChart[]): string | undefined {
  return charts.find(({ document, values }) => document === found.document && found.path.startsWith(`${values}.`))
    ?.chart;
}

/** @returns the same place with the slot that the chart takes, or with the reason why nothing can be written */
export function remoteFound(found: Found, form: ChartForm | undefined, chart: string | undefined): Found {
  const { slot, parts, reference } = found;
  if (parts === undefined || reference.digest !== undefined || slot.pin === undefined || slot.blocked !== undefined)
    return found;
  const named = chart === undefined ? 'this chart' : `chart ${chart}`;
  const unknown = `what ${named} does with a digest here is not known: say it under find.charts in tagproof.yaml`;
  if (slot.pin.before === '@' && parts.digest === undefined)
    return form?.tag === 'image' ? found : { ...found, slot: { blocked: unknown } };
  if (form?.digest === undefined) return { ...found, slot: { blocked: unknown } };
  const { style: _, ...rest } = slot;
  return { ...found, slot: form.digest === 'hex' ? { ...rest, style: 'hex' } : rest };
}
