// Reports of what runs, every so often, by one of the replicas.

import { survey } from '../inventory/audit.ts';
import { reportKind, writeReports } from '../inventory/policy-reports.ts';
import { listWorkloads } from '../inventory/workloads.ts';
import type { KubeClient } from '../kube/client.ts';
import { hold } from '../kube/lease.ts';
import { asProblem, type Problem } from '../problem.ts';
import type { Door } from './admit.ts';

export type ReporterOptions = {
  readonly kube: KubeClient;
  readonly everyMs: number;
  readonly instance: string;
  readonly door: () => Door | undefined;
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
    const { kube, everyMs, instance, door, log } = this.#options;
    const at = new Date().toISOString();
    try {
      const current = door();
      // Held beyond the next time, so that it stays with one replica while that lives.
      const mine = await hold(kube, kube.access.namespace, LEASE, instance, Math.ceil((everyMs * 1.5) / 1000));
      if (mine && current !== undefined) log({ at, message: 'reports written', ...(await report(kube, current)) });
    } catch (error) {
      log({ at, message: 'reports could not be written', problem: asProblem(error, 'unreachable') });
    }
    this.#next(everyMs);
  }
}

async function report(
  kube: KubeClient,
  door: Door,
): Promise<{ namespaces: number; workloads: number; problems: readonly Problem[] }> {
  const kind = await reportKind(kube);
  const { workloads, problems } = await listWorkloads(kube, [], door.bench.config.find.fields);
  // With the webhook's own credentials: what only a pod's secrets open is reported as not checked.
  const { client } = await door.reach({ namespace: '', object: null });
  const surveyed = await survey(client, door.bench, workloads, { templates: door.templates === 'enforce' });
  return { namespaces: await writeReports(kube, kind, surveyed, new Date()), workloads: workloads.length, problems };
}
