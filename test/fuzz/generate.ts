// A case of the fuzzer: a file with its bytes, grown by grammar, most of them damaged after that.
import { draftFile } from './ci-files.ts';
import { mutate, mutateBytes } from './mutate.ts';
import { Random } from './random.ts';

export type FuzzCase = {
  readonly file: string;
  readonly bytes: Buffer;
  /** Images that stand where a container's image belongs, in a text that nothing has damaged. */
  readonly images: readonly string[];
};

/** The same seed and index give the same case. */
export function makeCase(seed: number, index: number): FuzzCase {
  const random = new Random(seed, index);
  const draft = draftFile(random);
  if (random.once(4))
    return {
      file: draft.file,
      bytes: encode(dress(draft.text, random), random),
      images: draft.images,
    };
  const text = mutate(draft.text, random, () => draftFile(random).text);
  const bytes = encode(random.once(3) ? dress(text, random) : text, random);
  const file = random.once(20) ? draftFile(random).file : draft.file;
  return { file, bytes: random.once(12) ? mutateBytes(bytes, random) : bytes, images: [] };
}

/** Line ends, the mark at the start, the end of the file. */
function dress(text: string, random: Random): string {
  const end = random.pick(['\n', '\n', '\n', '\r\n', '\r\n', '\r']);
  const ended = end === '\n' ? text : text.replaceAll('\n', end);
  const finished = random.once(4) ? ended.replace(/[\r\n]+$/, '') : ended;
  return random.once(10) ? `\uFEFF${finished}` : finished;
}

function encode(text: string, random: Random): Buffer {
  if (!random.once(15)) return Buffer.from(text);
  const bytes = Buffer.from(`\uFEFF${text.replace(/^\uFEFF/, '')}`, 'utf16le');
  return random.once(2) ? bytes : bytes.swap16();
}
