// Reports of what runs, every so often, by one of the replicas.

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
/** Before the first one, milliseconds: a webhook that just came up has better things to do. */
const SETTLE_MS = 10_000;

/** Owns the timer. What fails is told, and tried again the next time; decisions never wait for it. */
export class Reporter {
  readonly #options: ReporterOptions;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  start(): void {
    this.#next(Math.min(SETTLE_MS, this.#options.everyMs));
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #next(milliseconds: number): void {
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#run(), milliseconds).unref();
  }

  async #run(): Promise<void> {
    const { kube, everyMs, instance, config, log } = this.#options;
    const at = new Date().toISOString();
    try {
      const current = config();
      // Held beyond the next time, so that it stays with one replica while that lives.
      const mine = await acquireLease(kube, {
        namespace: kube.access.namespace,
        name: LEASE,
        holder: instance,
        seconds: Math.ceil((everyMs * 1.5) / 1000),
      });
      if (mine && current !== undefined) log({ at, message: 'reports written', ...(await report(kube, current)) });
    } catch (error) {
      log({ at, message: 'reports could not be written', problem: asProblem(error, 'unreachable') });
    }
    this.#next(everyMs);
  }
}

async function report(
  kube: KubeClient,
  config: AdmissionConfig,
): Promise<{ namespaces: number; workloads: number; problems: readonly Problem[] }> {
  const kind = await reportKind(kube);
  const { workloads, problems } = await listWorkloads(kube, [], config.policyContext.config.find.fields);
  // With the webhook's own credentials: what only a pod's secrets open is reported as not checked.
  const { client } = await config.registryAccess({ namespace: '', object: null });
  const audited = await auditWorkloads(client, config.policyContext, workloads, {
    templates: config.templates === 'enforce',
  });
  return { namespaces: await writeReports(kube, kind, audited, new Date()), workloads: workloads.length, problems };
}
