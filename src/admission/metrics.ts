// The webhook's Prometheus metrics.
import { Histogram, processFigures, Value } from '../prometheus.ts';

/** Upper bounds of the histogram, seconds. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Owns the metrics of one webhook. */
export class Metrics {
  readonly #reviews = new Histogram('tagproof_review_seconds', 'Time to answer an admission review.', BOUNDS);
  readonly #images = new Value('counter', 'tagproof_images_total', 'Images decided on, by outcome.');
  readonly #policyErrors = new Value(
    'counter',
    'tagproof_policy_errors_total',
    'Policies that could not be used; the previous one stayed in force.',
  );
  readonly #bypasses = new Value('counter', 'tagproof_bypasses_total', 'Images admitted by a Bypass.');
  readonly #dropped = new Value(
    'counter',
    'tagproof_events_dropped_total',
    'Events and evidence records that could not be written.',
  );
  readonly #kubeErrors = new Value(
    'counter',
    'tagproof_kubernetes_errors_total',
    'Calls to the API server that failed.',
  );
  readonly #certificate = new Value(
    'gauge',
    'tagproof_certificate_expiry_timestamp_seconds',
    'When the serving certificate expires.',
  );
  readonly #policy = new Value('gauge', 'tagproof_policy_info', 'The policy in force.');

  observe(step: string, allowed: boolean, seconds: number): void {
    this.#reviews.observe(seconds, { step, allowed: String(allowed) });
  }

  image(outcome: string): void {
    this.#images.add({ outcome });
  }

  policyFailed(): void {
    this.#policyErrors.add();
  }

  bypassed(namespace: string): void {
    this.#bypasses.add({ namespace });
  }

  eventDropped(): void {
    this.#dropped.add();
  }

  kubeFailed(): void {
    this.#kubeErrors.add();
  }

  /** @param end milliseconds since 1970 */
  certificateEnds(end: number): void {
    this.#certificate.set(end / 1000);
  }

  policyInForce(policy: string): void {
    this.#policy.clear();
    this.#policy.set(1, { policy });
  }

  print(): string {
    const metrics = [
      this.#reviews,
      this.#images,
      this.#policyErrors,
      this.#bypasses,
      this.#dropped,
      this.#kubeErrors,
      this.#certificate,
      this.#policy,
      processFigures,
    ];
    return `${metrics.flatMap((metric) => metric.print()).join('\n')}\n`;
  }
}
