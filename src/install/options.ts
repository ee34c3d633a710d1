// The options of an installation, as `tagproof manifests` and the chart take them.
import type { WatcherInstall } from './watcher-manifests.ts';

export type InstallOptions = {
  readonly namespace: string;
  /** The webhook's own image, with its digest. */
  readonly image: string;
  /** Text of tagproof.yaml. */
  readonly policy: string;
  /** Text of tagproof.lock. With a lock, tags resolve from it alone. */
  readonly lock?: string | undefined;
  /**
   * The webhook makes and renews its certificate; or cert-manager does; or PEM texts, which nothing
   * renews.
   */
  readonly tls: 'own' | 'cert-manager' | { readonly ca: string; readonly cert: string; readonly key: string };
  /**
   * Use policy objects, bypasses and Events. Otherwise the webhook gets no token for the API
   * server.
   */
  readonly cluster: boolean;
  /** The webhook may read Secrets and service accounts of every namespace. */
  readonly pullSecrets: boolean;
  /** Interval of reports on what runs, as `1h`. */
  readonly reportEvery?: string | undefined;
  /** PEM of the CA of the API server's client certificate. The webhook refuses other callers. */
  readonly clientCa?: string | undefined;
  /** Namespaces that the API server never sends to the webhook, besides the webhook's own. */
  readonly exemptNamespaces: readonly string[];
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly templates: 'enforce' | 'warn' | 'ignore';
  readonly replicas: number;
  /**
   * Name of a Secret of type kubernetes.io/dockerconfigjson in the webhook's namespace, for private
   * registries.
   */
  readonly registrySecret?: string | undefined;
  /** Install the watcher too; undefined: do not. */
  readonly watcher?: WatcherInstall | undefined;
};
