// Objects of the API as they travel, and the paths they live at. kubernetes.io, "Kubernetes API Concepts".

export type KubeObject = Readonly<Record<string, unknown>> & {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: Metadata;
};

export type Metadata = {
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  /** Who set which fields, and when. */
  readonly managedFields?: readonly {
    readonly manager?: string;
    readonly operation?: string;
    readonly time?: string;
    readonly fieldsV1?: object;
  }[];
};

export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
};

/** The one owner that makes the object and keeps it, where there is one. */
export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata?.ownerReferences?.find(({ controller }) => controller === true);
}

/** `apps/v1`, `deployments`: what the API calls a resource. */
export type Resource = { readonly apiVersion: string; readonly resource: string };

/** @param namespace left out: all of them, or none for cluster-scoped resources */
export function pathOf({ apiVersion, resource }: Resource, namespace?: string, name?: string): string {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${base}${within}/${resource}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
