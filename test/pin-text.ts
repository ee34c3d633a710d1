// Pins and unpins everything that is found in a text, for tests of the edits.
import { applyEdits, pinEdit, unpinEdit } from '../src/source/edit.ts';
import { findIn } from '../src/source/find.ts';
import { FIND_OPTIONS } from './find-case.ts';

export const DIGEST_A = `sha256:${'a'.repeat(64)}`;
export const DIGEST_B = `sha256:${'b'.repeat(64)}`;

export async function pinText(text: string, file: string, digest = DIGEST_A): Promise<string> {
  const { found } = await findIn(text, file, FIND_OPTIONS);
  const edits = found.filter(({ slot }) => !slot.blocked).map((item) => pinEdit(item, digest));
  return applyEdits(
    text,
    edits.filter((edit) => edit !== undefined),
  );
}

export async function unpinText(text: string, file: string): Promise<string> {
  const edits = (await findIn(text, file, FIND_OPTIONS)).found.map(unpinEdit);
  return applyEdits(
    text,
    edits.filter((edit) => edit !== undefined),
  );
}
