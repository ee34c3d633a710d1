// The media types of manifests that tagproof accepts, in the order of containerd's resolver.

export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

/**
 * Value of the Accept header: an index first, so that a tag resolves to the digest that all
 * platforms share.
 */
export const ACCEPT = [DOCKER_LIST, OCI_INDEX, DOCKER_MANIFEST, OCI_MANIFEST].join(', ');

/**
 * `index`: names one manifest per platform. `manifest`: one image. `schema1`: Docker's retired
 * format, refused (T4).
 */
export type ManifestKind = 'index' | 'manifest' | 'schema1' | 'unknown';

/** @param mediaType a Content-Type header or a descriptor's mediaType; parameters are ignored */
export function manifestKind(mediaType: string): ManifestKind {
  const type = (mediaType.split(';', 1)[0] as string).trim().toLowerCase();
  if (type === OCI_INDEX || type === DOCKER_LIST) return 'index';
  if (type === OCI_MANIFEST || type === DOCKER_MANIFEST) return 'manifest';
  return type.startsWith('application/vnd.docker.distribution.manifest.v1') ? 'schema1' : 'unknown';
}
