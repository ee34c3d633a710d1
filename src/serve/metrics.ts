// What Prometheus reads: reviews by step and outcome, and how long they took. Text format 0.0.4.

/** Upper bounds of the histogram, seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Series = { count: number; sum: number; readonly buckets: number[] };

export class Metrics {
  readonly #reviews = new Map<string, Series>();
  #policyErrors = 0;

  observe(step: string, allowed: boolean, seconds: number): void {
    const labels = `step="${step}",allowed="${allowed}"`;
    let series = this.#reviews.get(labels);
    if (series === undefined) {
      series = { count: 0, sum: 0, buckets: BUCKETS.map(() => 0) };
      this.#reviews.set(labels, series);
    }
    series.count++;
    series.sum += seconds;
    for (const [index, bound] of BUCKETS.entries())
      if (seconds <= bound) series.buckets[index] = (series.buckets[index] ?? 0) + 1;
  }

  /** A new policy could not be read; the old one stays in force. */
  policyFailed(): void {
    this.#policyErrors++;
  }

  print(): string {
    const name = 'tagproof_review_seconds';
    const lines = [`# HELP ${name} Time to answer an admission review.`, `# TYPE ${name} histogram`];
    for (const [labels, { count, sum, buckets }] of this.#reviews) {
      for (const [index, bound] of BUCKETS.entries())
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${buckets[index]}`);
      lines.push(
        `${name}_bucket{${labels},le="+Inf"} ${count}`,
        `${name}_sum{${labels}} ${sum}`,
        `${name}_count{${labels}} ${count}`,
      );
    }
    lines.push(
      '# HELP tagproof_policy_errors_total Policies that could not be read; the one before stayed in force.',
      '# TYPE tagproof_policy_errors_total counter',
      `tagproof_policy_errors_total ${this.#policyErrors}`,
    );
    return `${lines.join('\n')}\n`;
  }
}
