// Writes reports on what runs, at an interval, from one of the replicas.

import { auditWorkloads } from '../inventory/audit.ts';
import { reportKind, writeReports } from '../inventory/policy-reports.ts';
import { listWorkloads } from '../inventory/workloads.ts';
import type { KubeClient } from '../kube/client.ts';
import { acquireLease } from '../kube/lease.ts';
import { asProblem, type Problem } from '../problem.ts';
import type { AdmissionConfig } from './admit.ts';

export type ReporterOptions = {
  readonly kube: KubeClient;
  readonly everyMs: number;
  readonly instance: string;
  readonly config: () => AdmissionConfig | undefined;
  readonly log: (line: object) => void;
};

const LEASE = 'tagproof-reports';
/**
 * Delay of the first report, milliseconds: a webhook that has just started serves reviews first.
 */
const SETTLE_MS = 10_000;

/**
 * Owns the timer. A failure is logged, and the next run tries again. Decisions never wait for it.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule(Math.min(SETTLE_MS, this.#options.everyMs));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(milliseconds: number): void {
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#run(), milliseconds).unref();
  }

  async #run(): Promise<void> {
    const { kube, everyMs, instance, config, log } = this.#options;
    const at = new Date().toISOString();
    try {
      const current = config();
      // The lease lasts longer than the interval, so one replica keeps it while it lives.
      const isHolder = await acquireLease(kube, {
        namespace: kube.access.namespace,
        name: LEASE,
        holder: instance,
        seconds: Math.ceil((everyMs * 1.5) / 1000),
      });
      if (isHolder && current !== undefined) log({ at, message: 'reports written', ...(await report(kube, current)) });
    } catch (error) {
      log({ at, message: 'cannot write reports', problem: asProblem(error, 'unreachable') });
    }
    this.#schedule(everyMs);
  }
}

async function report(
  kube: KubeClient,
  config: AdmissionConfig,
): Promise<{ namespaces: number; workloads: number; problems: readonly Problem[] }> {
  const kind = await reportKind(kube);
  const { workloads, problems } = await listWorkloads(kube, [], config.policyContext.config.find.fields);
  // Uses the webhook's own credentials: images that need a pod's pull secrets are reported as not
  // checked.
  const { client } = await config.registryAccess({ namespace: '', object: null });
  const audited = await auditWorkloads(client, config.policyContext, workloads, {
    templates: config.templates === 'enforce',
  });
  return { namespaces: await writeReports(kube, kind, audited, new Date()), workloads: workloads.length, problems };
}
