// What Prometheus reads.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Upper bounds of the histogram, seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Owns the figures of one webhook. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #reviews = this.#add(
    new Histogram({
      name: 'tagproof_review_seconds',
      help: 'Time to answer an admission review.',
      labelNames: ['step', 'allowed'],
      buckets: BUCKETS,
      registers: [],
    }),
  );
  readonly #images = this.#counter('tagproof_images_total', 'Images decided about.', ['outcome']);
  readonly #policyErrors = this.#counter(
    'tagproof_policy_errors_total',
    'Policies that could not be used; the one before stayed in force.',
  );
  readonly #bypasses = this.#counter('tagproof_bypasses_total', 'Images let in by a Bypass.', ['namespace']);
  readonly #dropped = this.#counter('tagproof_events_dropped_total', 'Events that could not be written.');
  readonly #kubeErrors = this.#counter('tagproof_kubernetes_errors_total', 'Calls to the API server that failed.');
  readonly #certificate = this.#gauge(
    'tagproof_certificate_expiry_timestamp_seconds',
    'When the certificate that is served ends.',
  );
  readonly #policy = this.#gauge('tagproof_policy_info', 'The policy in force.', ['policy']);

  /** @param process figures of the process too: memory, event loop, descriptors */
  constructor(process = false) {
    if (process) collectDefaultMetrics({ register: this.#registry });
  }

  observe(step: string, allowed: boolean, seconds: number): void {
    this.#reviews.observe({ step, allowed: String(allowed) }, seconds);
  }

  image(outcome: string): void {
    this.#images.inc({ outcome });
  }

  policyFailed(): void {
    this.#policyErrors.inc();
  }

  bypassed(namespace: string): void {
    this.#bypasses.inc({ namespace });
  }

  eventDropped(): void {
    this.#dropped.inc();
  }

  kubeFailed(): void {
    this.#kubeErrors.inc();
  }

  /** @param end milliseconds since 1970 */
  certificateEnds(end: number): void {
    this.#certificate.set(end / 1000);
  }

  policyInForce(policy: string): void {
    this.#policy.reset();
    this.#policy.set({ policy }, 1);
  }

  print(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #add<M extends Histogram | Counter | Gauge>(metric: M): M {
    this.#registry.registerMetric(metric);
    return metric;
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return this.#add(new Counter({ name, help, labelNames, registers: [] }));
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return this.#add(new Gauge({ name, help, labelNames, registers: [] }));
  }
}
