// What one entry of a kustomization's `images:` does to an image. Pure. The semantics are kustomize's own, on its own strings: its
// pattern for a match, its split into name, tag and digest, and which field drops which. kustomize api, filters/imagetag.

/** One entry of `images:`; empty fields count as absent. */
export type ImageOverride = {
  readonly name: string;
  readonly newName?: string;
  readonly newTag?: string;
  readonly digest?: string;
  readonly tagSuffix?: string;
};

/** An image string in kustomize's parts; `tag` and `digest` are empty where there is none. */
export type ImageParts = { readonly name: string; readonly tag: string; readonly digest: string };

/** kustomize looks for `:` and `@` after the first slash only; a text that starts with a slash is searched whole. */
export function splitImage(image: string): ImageParts {
  const slash = Math.max(image.indexOf('/'), 0);
  const rest = image.slice(slash);
  const at = rest.indexOf('@');
  const colon = rest.indexOf(':');
  if (at < 0 && colon < 0) return { name: image, tag: '', digest: '' };
  if (at >= 0 && (colon < 0 || at < colon))
    return { name: image.slice(0, slash + at), tag: '', digest: image.slice(slash + at).replace(/^@/, '') };
  const name = image.slice(0, slash + colon);
  if (at < 0) return { name, tag: image.slice(slash + colon).replace(/^:/, ''), digest: '' };
  return {
    name,
    tag: image.slice(slash + colon, slash + at).replace(/^:/, ''),
    digest: image.slice(slash + at).replace(/^@/, ''),
  };
}

export function joinImage({ name, tag, digest }: ImageParts): string {
  return `${name}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
}

const SUFFIX = /^(?::[a-zA-Z0-9_.{}-]*)?(?:@sha256:[a-zA-Z0-9_.{}-]*)?$/;

/**
 * Whether kustomize applies an entry of this name to the image.
 * kustomize takes the name as a regular expression; a name with a character that means something there beside `.` matches
 * nothing here, because a guess could be wrong in both directions.
 */
export function matchesOverride(image: string, name: string): boolean {
  if (name === '' || /[^\w./:@-]/.test(name)) return false;
  if (image.length < name.length || !SUFFIX.test(image.slice(name.length))) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== '.' && name[i] !== image[i]) return false;
  return true;
}

/** The image after one entry, which matches it. A new tag or digest drops both the old tag and the old digest. */
export function applyOverride(image: ImageParts, override: ImageOverride): ImageParts {
  const { newName = '', newTag = '', digest = '', tagSuffix = '' } = override;
  const name = newName === '' ? image.name : newName;
  if (newTag !== '') return { name, tag: newTag, digest };
  if (digest !== '') return { name, tag: '', digest };
  if (tagSuffix !== '') return { name, tag: image.tag + tagSuffix, digest: '' };
  return { ...image, name };
}
