// The webhook's own certificate: made by whichever replica comes first, kept in a Secret, renewed without a restart. A new authority is
// told to the API server before anything signed by it is shown, so no review is ever turned away.
import { X509Certificate } from 'node:crypto';
import type { Leaf } from '../install/certificate.ts';
import type { KubeClient } from '../kube/client.ts';
import { type KubeObject, pathOf } from '../kube/object.ts';
import { asProblem, Problem } from '../problem.ts';
import { certificatesIn } from '../sigstore/pem.ts';

/** What the Secret holds, PEM. */
export type StoredCertificate = Leaf & {
  /** Every authority that the API server should trust, the one that signs first. */
  readonly bundle: readonly string[];
  readonly caKey: string;
};

const DAY_MS = 86_400_000;
export const LEAF_DAYS = 60;
export const AUTHORITY_DAYS = 730;
/** Renewed when less than this is left, days. */
const LEAF_LEFT = 20;
const AUTHORITY_LEFT = LEAF_DAYS + 30;

/**
 * The next step of a renewal; undefined: nothing is due.
 * @param published the API server trusts the whole bundle
 */
export async function renewal(
  kept: StoredCertificate | undefined,
  names: readonly string[],
  published: boolean,
  now: Date,
): Promise<StoredCertificate | undefined> {
  if (kept === undefined) {
    const { makeAuthority, makeLeaf } = await maker();
    const authority = await makeAuthority(AUTHORITY_DAYS, now);
    return { bundle: [authority.ca], caKey: authority.caKey, ...(await makeLeaf(authority, names, LEAF_DAYS, now)) };
  }
  const [ca = ''] = kept.bundle;
  if (daysLeft(ca, now) < AUTHORITY_LEFT) {
    const { makeAuthority } = await maker();
    const authority = await makeAuthority(AUTHORITY_DAYS, now);
    return {
      ...kept,
      bundle: [authority.ca, ...kept.bundle.filter((pem) => daysLeft(pem, now) > 0)],
      caKey: authority.caKey,
    };
  }
  const leaf = new X509Certificate(kept.cert);
  const byFirst = leaf.checkIssued(new X509Certificate(ca)) && leaf.verify(new X509Certificate(ca).publicKey);
  const named = names.every((name) => leaf.checkHost(name) !== undefined);
  if (published && (!byFirst || !named || daysLeft(kept.cert, now) < LEAF_LEFT))
    return { ...kept, ...(await (await maker()).makeLeaf({ ca, caKey: kept.caKey }, names, LEAF_DAYS, now)) };
  const living = kept.bundle.filter((pem, index) => index === 0 || daysLeft(pem, now) > 0);
  return living.length < kept.bundle.length && byFirst ? { ...kept, bundle: living } : undefined;
}

/** Needed for some seconds in two months; its memory is taken then. */
const maker = () => import('../install/certificate.ts');

const daysLeft = (pem: string, now: Date) => (Date.parse(new X509Certificate(pem).validTo) - now.getTime()) / DAY_MS;

export type ServingCertificateOptions = {
  readonly kube: KubeClient;
  readonly namespace: string;
  /** Of the Secret. */
  readonly secret: string;
  /** The Service's DNS names. */
  readonly names: readonly string[];
  /** Of both webhook configurations: their caBundle is kept. */
  readonly configurations: string;
  readonly taken: (leaf: Leaf) => void;
  readonly failed: (problem: Problem) => void;
};

/** Looked at so often, milliseconds; each replica at a moment of its own. */
const EVERY_MS = 10_000;

/** Owns the timer. */
export class ServingCertificate {
  readonly #options: ServingCertificateOptions;
  #shown: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ServingCertificateOptions) {
    this.#options = options;
  }

  /** Runs until it is stopped; what fails is told and tried again, for the certificate in hand goes on serving. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    let pause = EVERY_MS;
    try {
      // Steps follow each other until nothing is due; a step of another replica's is seen in the next look.
      if (await this.look()) pause = 1000;
    } catch (error) {
      const problem = asProblem(error, 'unreachable');
      if (problem.code !== 'conflict') this.#options.failed(problem);
      pause = problem.code === 'conflict' || this.#shown === undefined ? 1000 : EVERY_MS;
    }
    this.#timer = setTimeout(() => void this.start(), pause * (0.8 + Math.random() * 0.4)).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** One look: publish what is kept, take it up, renew what is due. @returns whether something was renewed */
  async look(now = new Date()): Promise<boolean> {
    const { kube, namespace, secret, names, taken } = this.#options;
    const path = pathOf({ apiVersion: 'v1', resource: 'secrets' }, namespace, secret);
    const object = await kube.find(path);
    const kept = object === undefined ? undefined : readSecret(object);
    const published = kept !== undefined && (await this.#publish(kept.bundle));
    if (kept !== undefined && kept.cert !== this.#shown) {
      taken(kept);
      this.#shown = kept.cert;
    }
    const next = await renewal(kept, names, published, now);
    if (next === undefined) return false;
    const data = writeSecret(next);
    // With the version that was read: of two replicas that renew at once, one wins and the other takes what it made.
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

  /** @returns whether the API server trusted the bundle already, before this look */
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
      if (object === undefined) already = false; // not installed yet, or gone
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

/** @returns undefined for a Secret that is still empty; @throws Problem for one that holds something else */
function readSecret({ data, metadata }: KubeObject): StoredCertificate | undefined {
  const texts = (data ?? {}) as Record<string, string>;
  const text = (key: string) => Buffer.from(texts[key] ?? '', 'base64').toString('utf8');
  const [cert, key, caKey] = [text('tls.crt'), text('tls.key'), text('ca.key')];
  const bundle = certificatesIn(text('ca.crt')).map((pem) => `${pem.trim()}\n`);
  if (cert === '' && key === '' && bundle.length === 0) return undefined;
  if (cert === '' || key === '' || caKey === '' || bundle.length === 0)
    throw new Problem(
      'file',
      `the Secret ${metadata?.name} holds something else than this webhook's certificate: delete its data`,
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
