// Metrics in Prometheus' text format 0.0.4. We write it ourselves because the usual library costs a
// seventh of the webhook's memory.

type Labels = Readonly<Record<string, string>>;
export type Metric = { readonly print: () => string[] };

/**
 * Label values may contain any character. Prometheus, "exposition formats", "text format details".
 */
const escaped = (value: string) => value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');

function labelled(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const header = (name: string, help: string, type: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];

/** One number for each set of labels: counters are incremented, gauges are set. */
export class Value implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #type: 'counter' | 'gauge';
  readonly #values = new Map<string, number>();

  constructor(type: 'counter' | 'gauge', name: string, help: string) {
    this.#type = type;
    this.#name = name;
    this.#help = help;
  }

  add(labels: Labels = {}, amount = 1): void {
    const key = labelled(labels);
    this.#values.set(key, (this.#values.get(key) ?? 0) + amount);
  }

  set(value: number, labels: Labels = {}): void {
    this.#values.set(labelled(labels), value);
  }

  clear(): void {
    this.#values.clear();
  }

  print(): string[] {
    // A counter that has counted nothing yet is exported as 0, because alerts watch its rate.
    const values = this.#values.size === 0 && this.#type === 'counter' ? [['', 0] as const] : [...this.#values];
    return [
      ...header(this.#name, this.#help, this.#type),
      ...values.map(([labels, value]) => `${this.#name}${labels} ${value}`),
    ];
  }
}

type Series = { readonly labels: Labels; readonly counts: number[]; sum: number; count: number };

export class Histogram implements Metric {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Series>();

  /** @param bounds upper bounds, ascending */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
  }

  observe(value: number, labels: Labels): void {
    const key = labelled(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { labels, counts: this.#bounds.map(() => 0), sum: 0, count: 0 };
      this.#series.set(key, series);
    }
    series.count++;
    series.sum += value;
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at >= 0) series.counts[at] = (series.counts[at] ?? 0) + 1;
  }

  print(): string[] {
    const lines = header(this.#name, this.#help, 'histogram');
    for (const { labels, counts, sum, count } of this.#series.values()) {
      let below = 0;
      for (const [index, bound] of this.#bounds.entries()) {
        below += counts[index] ?? 0;
        lines.push(`${this.#name}_bucket${labelled({ ...labels, le: String(bound) })} ${below}`);
      }
      lines.push(`${this.#name}_bucket${labelled({ ...labels, le: '+Inf' })} ${count}`);
      lines.push(`${this.#name}_sum${labelled(labels)} ${sum}`, `${this.#name}_count${labelled(labels)} ${count}`);
    }
    return lines;
  }
}

/** The process metrics that every Prometheus dashboard expects. */
export const processFigures: Metric = {
  print: () => {
    const { rss, heapUsed } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    const gauge = (name: string, help: string, value: number) => [...header(name, help, 'gauge'), `${name} ${value}`];
    const started = Date.now() / 1000 - process.uptime();
    const cpu = 'process_cpu_seconds_total';
    return [
      ...header(cpu, 'User and system time.', 'counter'),
      `${cpu} ${(user + system) / 1e6}`,
      ...gauge('process_resident_memory_bytes', 'Resident memory.', rss),
      ...gauge('nodejs_heap_size_used_bytes', 'Heap in use.', heapUsed),
      ...gauge('process_start_time_seconds', 'When the process began.', started),
    ];
  },
};
