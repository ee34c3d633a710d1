// The webhook's own certificate: the first replica makes it, a Secret keeps it, and it is renewed
// without a restart. The API server trusts a new CA before the webhook serves a certificate that it
// signed, so no review is ever rejected.
import { X509Certificate } from 'node:crypto';
import type { Leaf } from '../install/certificate.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';
import { asProblem, Problem } from '../problem.ts';
import { certificatesIn } from '../sigstore/pem.ts';

/** The content of the Secret, PEM. */
export type StoredCertificate = Leaf & {
  /** Every CA that the API server should trust, the signing one first. */
  readonly bundle: readonly string[];
  readonly caKey: string;
};

const DAY_MS = 86_400_000;
export const LEAF_DAYS = 60;
export const AUTHORITY_DAYS = 730;
/** Renewed when the certificate is valid for less than this, days. */
const LEAF_LEFT = 20;
const AUTHORITY_LEFT = LEAF_DAYS + 30;

/**
 * The next step of a renewal, or undefined if nothing is due.
 * @param published whether the API server trusts the whole bundle
 */
export async function renewal(
  stored: StoredCertificate | undefined,
  names: readonly string[],
  published: boolean,
  now: Date,
): Promise<StoredCertificate | undefined> {
  if (stored === undefined) {
    const { makeAuthority, makeLeaf } = await maker();
    const authority = await makeAuthority(AUTHORITY_DAYS, now);
    return { bundle: [authority.ca], caKey: authority.caKey, ...(await makeLeaf(authority, names, LEAF_DAYS, now)) };
  }
  const [ca = ''] = stored.bundle;
  if (daysLeft(ca, now) < AUTHORITY_LEFT) {
    const { makeAuthority } = await maker();
    const authority = await makeAuthority(AUTHORITY_DAYS, now);
    return {
      ...stored,
      bundle: [authority.ca, ...stored.bundle.filter((pem) => daysLeft(pem, now) > 0)],
      caKey: authority.caKey,
    };
  }
  const leaf = new X509Certificate(stored.cert);
  const issuedByFirst = leaf.checkIssued(new X509Certificate(ca)) && leaf.verify(new X509Certificate(ca).publicKey);
  const named = names.every((name) => leaf.checkHost(name) !== undefined);
  if (published && (!issuedByFirst || !named || daysLeft(stored.cert, now) < LEAF_LEFT))
    return { ...stored, ...(await (await maker()).makeLeaf({ ca, caKey: stored.caKey }, names, LEAF_DAYS, now)) };
  const valid = stored.bundle.filter((pem, index) => index === 0 || daysLeft(pem, now) > 0);
  return valid.length < stored.bundle.length && issuedByFirst ? { ...stored, bundle: valid } : undefined;
}

/** Loaded on demand, because it is needed for a few seconds every two months and takes memory. */
const maker = () => import('../install/certificate.ts');

const daysLeft = (pem: string, now: Date) => (Date.parse(new X509Certificate(pem).validTo) - now.getTime()) / DAY_MS;

export type ServingCertificateOptions = {
  readonly kube: KubeClient;
  readonly namespace: string;
  /** Name of the Secret. */
  readonly secret: string;
  /** The Service's DNS names. */
  readonly names: readonly string[];
  /** Name of both webhook configurations, whose caBundle is kept up to date. */
  readonly configurations: string;
  /** Called with each certificate that should be served from now on. */
  readonly onCertificate: (leaf: Leaf) => void;
  readonly onProblem: (problem: Problem) => void;
};

/**
 * Interval of the checks, milliseconds, with jitter so that replicas do not check at the same time.
 */
const EVERY_MS = 10_000;

/** Owns the timer. */
export class ServingCertificate {
  readonly #options: ServingCertificateOptions;
  #served: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ServingCertificateOptions) {
    this.#options = options;
  }

  /**
   * Runs until it is stopped. A failure is reported and retried; the current certificate stays in
   * use.
   */
  async start(): Promise<void> {
    if (this.#stopped) return;
    let pause = EVERY_MS;
    try {
      // The steps of a renewal follow each other quickly. The next check also sees the steps of
      // other replicas.
      if (await this.check()) pause = 1000;
    } catch (error) {
      const problem = asProblem(error, 'unreachable');
      if (problem.code !== 'conflict') this.#options.onProblem(problem);
      pause = problem.code === 'conflict' || this.#served === undefined ? 1000 : EVERY_MS;
    }
    this.#timer = setTimeout(() => void this.start(), pause * (0.8 + Math.random() * 0.4)).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /**
   * Publishes the stored bundle, serves the stored certificate, renews what is due.
   * @returns whether something was renewed
   */
  async check(now = new Date()): Promise<boolean> {
    const { kube, namespace, secret, names, onCertificate } = this.#options;
    const path = pathOf({ apiVersion: 'v1', resource: 'secrets' }, namespace, secret);
    const object = await kube.find(path);
    const stored = object === undefined ? undefined : readSecret(object);
    const published = stored !== undefined && (await this.#publish(stored.bundle));
    if (stored !== undefined && stored.cert !== this.#served) {
      onCertificate(stored);
      this.#served = stored.cert;
    }
    const next = await renewal(stored, names, published, now);
    if (next === undefined) return false;
    const data = writeSecret(next);
    // Carries the resourceVersion that was read: if two replicas renew at once, one wins and the
    // other uses its result.
    if (object === undefined)
      await kube.create(pathOf({ apiVersion: 'v1', resource: 'secrets' }, namespace), {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret, namespace },
        type: 'Opaque',
        data,
      });
    else await kube.replace(path, { ...object, data });
    return true;
  }

  /** @returns whether the API server trusted the bundle already, before this check */
  async #publish(bundle: readonly string[]): Promise<boolean> {
    const { kube, configurations } = this.#options;
    const wanted = Buffer.from(bundle.join('')).toString('base64');
    let already = true;
    for (const resource of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
      const path = pathOf({ apiVersion: 'admissionregistration.k8s.io/v1', resource }, undefined, configurations);
      const object = await kube.find(path);
      const hooks = (object?.['webhooks'] ?? []) as { name: string; clientConfig: { caBundle?: string } }[];
      const stale = hooks.flatMap(({ clientConfig, name }, index) =>
        clientConfig.caBundle === wanted ? [] : [{ index, name }],
      );
      if (object === undefined) already = false; // not installed yet, or deleted
      if (stale.length === 0) continue;
      already = false;
      const patch = stale.flatMap(({ index, name }) => [
        { op: 'test', path: `/webhooks/${index}/name`, value: name },
        { op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: wanted },
      ]);
      await kube.patch(path, 'json', patch);
    }
    return already;
  }
}

/** @returns undefined for an empty Secret; @throws Problem for a Secret with other content */
function readSecret({ data, metadata }: KubeObject): StoredCertificate | undefined {
  const texts = (data ?? {}) as Record<string, string>;
  const text = (key: string) => Buffer.from(texts[key] ?? '', 'base64').toString('utf8');
  const [cert, key, caKey] = [text('tls.crt'), text('tls.key'), text('ca.key')];
  const bundle = certificatesIn(text('ca.crt')).map((pem) => `${pem.trim()}\n`);
  if (cert === '' && key === '' && bundle.length === 0) return undefined;
  if (cert === '' || key === '' || caKey === '' || bundle.length === 0)
    throw new Problem(
      'file',
      `the Secret ${metadata?.name} holds data that is not this webhook's certificate: delete the data`,
    );
  return { cert, key, caKey, bundle };
}

function writeSecret({ cert, key, caKey, bundle }: StoredCertificate): Record<string, string> {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  return {
    'tls.crt': encode(cert),
    'tls.key': encode(key),
    'ca.crt': encode(bundle.join('')),
    'ca.key': encode(caKey),
  };
}
