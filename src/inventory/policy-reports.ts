// Writes the audit as report objects that dashboards read: OpenReports, or the older PolicyReport
// where only that is installed. One object for each namespace, one result for each workload,
// bounded so that reports do not fill etcd.

import type { KubeClient } from '../kube/client.ts';
import { serves } from '../kube/kinds.ts';
import { pathOf, type Resource } from '../kube/object.ts';
import { isUnchecked } from '../policy/decision.ts';
import { Problem } from '../problem.ts';
import { type AuditedWorkload, outcomeOf } from './audit.ts';

export type ReportKind = Resource & { readonly kind: string };

/**
 * openreports.io v1alpha1 and wgpolicyk8s.io v1alpha2 have the same fields. The first one installed
 * is used.
 */
const KINDS: readonly ReportKind[] = [
  { apiVersion: 'openreports.io/v1alpha1', resource: 'reports', kind: 'Report' },
  { apiVersion: 'wgpolicyk8s.io/v1alpha2', resource: 'policyreports', kind: 'PolicyReport' },
];
const NAME = 'tagproof';
/** Results of one report. The worst come first, the rest is counted. */
const MAX_RESULTS = 300;
const MAX_MESSAGE = 600;

type Result = 'pass' | 'warn' | 'fail' | 'error';

/** @throws Problem `usage` where neither kind is installed */
export async function reportKind(client: KubeClient): Promise<ReportKind> {
  for (const kind of KINDS) if (await serves(client, kind)) return kind;
  throw new Problem(
    'usage',
    `this cluster has neither ${KINDS.map(({ apiVersion, kind }) => `${kind} (${apiVersion})`).join(' nor ')}: install the custom resource definitions of OpenReports`,
  );
}

/**
 * Writes a report for each namespace, and deletes the reports of namespaces that no longer have
 * workloads.
 */
export async function writeReports(
  client: KubeClient,
  kind: ReportKind,
  audited: readonly AuditedWorkload[],
  now: Date,
): Promise<number> {
  const byNamespace = Map.groupBy(audited, ({ workload }) => workload.namespace);
  const owner = await ownerOf(client);
  for (const [namespace, items] of byNamespace)
    await client.patch(
      pathOf(kind, namespace, NAME),
      'apply',
      reportObject({ kind, namespace, audited: items, now, owner }),
    );
  const { items: existing } = await client.list(
    pathOf(kind),
    `&labelSelector=${encodeURIComponent(`${LABEL}=${NAME}`)}`,
  );
  for (const { metadata } of existing) {
    const { namespace = '', name = '' } = metadata ?? {};
    if (name === NAME && !byNamespace.has(namespace)) await client.delete(pathOf(kind, namespace, name));
  }
  return byNamespace.size;
}

/**
 * The webhook's ClusterRole for reports. As their owner it makes the cluster delete the reports, in
 * every namespace, when it is deleted.
 */
async function ownerOf(client: KubeClient): Promise<object | undefined> {
  const kind = { apiVersion: 'rbac.authorization.k8s.io/v1', resource: 'clusterroles' };
  const name = 'tagproof-admission-reports';
  const { metadata } = (await client.find(pathOf(kind, undefined, name)).catch(() => undefined)) ?? {};
  return metadata && { apiVersion: kind.apiVersion, kind: 'ClusterRole', name, uid: metadata.uid };
}

const LABEL = 'app.kubernetes.io/managed-by';

export type ReportContent = {
  readonly kind: ReportKind;
  readonly namespace: string;
  readonly audited: readonly AuditedWorkload[];
  readonly now: Date;
  readonly owner?: object | undefined;
};

export function reportObject({ kind, namespace, audited, now, owner }: ReportContent): object {
  const results = audited.map((item) => ({ item, result: resultOf(item) }));
  const order: Result[] = ['fail', 'error', 'warn', 'pass'];
  const count = (of: Result) => results.filter(({ result }) => result === of).length;
  const sorted = results.toSorted(
    (a, b) =>
      order.indexOf(a.result) - order.indexOf(b.result) ||
      (`${a.item.workload.kind}/${a.item.workload.name}` < `${b.item.workload.kind}/${b.item.workload.name}` ? -1 : 1),
  );
  const timestamp = { seconds: Math.floor(now.getTime() / 1000), nanos: 0 };
  const left = Math.max(0, sorted.length - MAX_RESULTS);
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: {
      name: NAME,
      namespace,
      labels: { [LABEL]: NAME },
      ...(owner !== undefined && { ownerReferences: [owner] }),
      annotations: { 'tagproof.dev/left-out': String(left) },
    },
    ...(kind.kind === 'Report' && { source: NAME }),
    summary: { pass: count('pass'), fail: count('fail'), warn: count('warn'), error: count('error'), skip: 0 },
    results: sorted.slice(0, MAX_RESULTS).map(({ item, result }) => resultObject(item, result, timestamp)),
  };
}

function resultObject({ workload, images }: AuditedWorkload, result: Result, timestamp: object): object {
  const { apiVersion, kind, namespace, name, uid } = workload;
  const failed = images.flatMap(({ image, decision }) =>
    decision.results
      .filter(({ ok }) => !ok)
      .map(({ rule, reason }) => ({ rule, text: `${image}: rule '${rule}': ${reason}` })),
  );
  const passed = `${images.length === 1 ? 'its image meets' : `its ${images.length} images meet`} the policy`;
  const message = failed.length === 0 ? passed : failed.map(({ text }) => text).join('; ');
  return {
    source: NAME,
    policy: 'images',
    rule: failed[0]?.rule ?? 'all',
    category: 'Supply chain',
    severity: result === 'fail' ? 'high' : result === 'pass' ? 'info' : 'medium',
    result,
    scored: true,
    timestamp,
    message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message,
    resources: [{ apiVersion, kind, namespace, name, uid }],
  };
}

/** What could not be checked is an error: neither a failure nor a pass. */
function resultOf(item: AuditedWorkload): Result {
  const outcome = outcomeOf(item);
  if (outcome !== 'deny') return outcome === 'allow' ? 'pass' : 'warn';
  const denied = item.images.filter(({ decision }) => decision.outcome === 'deny');
  return denied.every(({ decision }) => isUnchecked(decision)) ? 'error' : 'fail';
}
