// An object that applies a folder of its repository and overrides images in it, as the search for images hands it to the deployment graph.

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
  /** Folders of components, from `path`. */
  readonly components: readonly string[];
  readonly images: readonly OverlayImage[];
};
