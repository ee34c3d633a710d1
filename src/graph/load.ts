// Reads the kustomizations of a tree for its deployment graph.
import { posix, resolve } from 'node:path';
import { Problem } from '../problem.ts';
import { readBounded } from '../source/read.ts';
import { decode } from '../source/text.ts';
import { loadReader, ReaderNeeded } from '../source/yaml.ts';
import { isKustomizationFile, type KustomizationFile, readKustomizationFile } from './kustomization-file.ts';

/**
 * @param files as listed, relative to `cwd`; what cannot be read or parsed is left out, because the search for images has
 *   reported it already
 */
export async function loadKustomizations(files: readonly string[], cwd: string): Promise<KustomizationFile[]> {
  const wanted = files.map((file) => file.replaceAll('\\', '/')).filter(isKustomizationFile);
  const read: KustomizationFile[] = [];
  for (const file of wanted) {
    try {
      const text = decode(readBounded(resolve(cwd, file), file).bytes, file);
      read.push(...(await parse(text, posix.normalize(file))));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
  }
  return read;
}

async function parse(text: string, file: string): Promise<KustomizationFile[]> {
  try {
    return [readKustomizationFile(text, file)].filter((item) => item !== undefined);
  } catch (error) {
    if (!(error instanceof ReaderNeeded)) throw error;
    await loadReader(error);
    return parse(text, file);
  }
}
