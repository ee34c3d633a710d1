// What an installation of the webhook is made of: the options of `tagproof manifests` and of the chart.
import type { WatcherInstall } from './watcher-manifests.ts';

export type InstallOptions = {
  readonly namespace: string;
  /** The webhook's own image, with its digest. */
  readonly image: string;
  /** Text of tagproof.yaml. */
  readonly policy: string;
  /** Text of tagproof.lock: then tags mean what it says. */
  readonly lock?: string | undefined;
  /** The webhook makes and renews its own; cert-manager does; or PEM, of the Service's name, which nobody renews. */
  readonly tls: 'own' | 'cert-manager' | { readonly ca: string; readonly cert: string; readonly key: string };
  /** Policy objects, bypasses and Events; without, the webhook has no token for the API server at all. */
  readonly cluster: boolean;
  /** It may read Secrets and service accounts of every namespace. */
  readonly pullSecrets: boolean;
  /** `1h`: reports of what runs are written so often. */
  readonly reportEvery?: string | undefined;
  /** PEM of the CA whose certificate the API server shows: nobody else may ask. */
  readonly clientCa?: string | undefined;
  /** Namespaces that are never asked about, beside the webhook's own. */
  readonly exemptNamespaces: readonly string[];
  readonly failurePolicy: 'Fail' | 'Ignore';
  readonly templates: 'enforce' | 'warn' | 'ignore';
  readonly replicas: number;
  /** A Secret of type kubernetes.io/dockerconfigjson in the namespace, for private registries. */
  readonly registrySecret?: string | undefined;
  /** What runs is watched and recorded too; undefined: it is not. */
  readonly watcher?: WatcherInstall | undefined;
};
