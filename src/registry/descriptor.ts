// What a registry states about a manifest before it is read: digest, type, size. OCI image-spec,
// descriptor.md.

export type Descriptor = {
  readonly digest: string;
  readonly mediaType: string;
  readonly size?: number;
  readonly mirror?: string;
};
/** A descriptor with the bytes that hash to its digest. */
export type Manifest = Descriptor & { readonly bytes: Buffer };
