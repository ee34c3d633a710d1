// What the search for images hands to the deployment graph beside images: objects that apply a folder and override images in it, and
// registries that values set for all images of a chart.

/** One override, with kustomize's words; an absent field changes nothing. */
export type OverlayImage = {
  readonly name: string;
  readonly newName?: string;
  readonly newTag?: string;
  readonly digest?: string;
};

export type Overlay = {
  /** Index of the YAML document in the file, from 0. */
  readonly document: number;
  /** Field path of the list of overrides: `spec.images`. */
  readonly entries: string;
  /** The folder, from the root of the source. */
  readonly path: string;
  /** Whether its source is certainly this repository; else the folder may be another one of the same name. */
  readonly ours: boolean;
  /** Folders of components, from `path`. */
  readonly components: readonly string[];
  readonly images: readonly OverlayImage[];
};

/** A registry for all images of a chart, in its values. */
export type GlobalRegistry = {
  /** Path of the key below the values: `global.imageRegistry`. */
  readonly key: string;
  readonly registry: string;
};

/** Keys that charts read a registry for all of their images from. */
export const GLOBAL_REGISTRY_KEYS = [
  'global.imageRegistry',
  'global.image.registry',
  'global.registry',
  'global.defaultRegistry',
  'global.hub',
  'defaultRegistry',
] as const;

/** An object that installs a chart from elsewhere, with values in it. */
export type RemoteChart = {
  readonly document: number;
  /** Field path of the values: `spec.values`. */
  readonly values: string;
  /** The chart's name; a path in a repository for one that comes from Git. */
  readonly chart: string;
};
