// A shorter text that breaks the same promise: fast-check takes lines and characters away as long as it does.
import fc from 'fast-check';
import { examine, Fault } from './examine.ts';
import type { FuzzCase } from './generate.ts';

/** The kind of the fault that a case shows; undefined: none. */
export async function faultOf(fuzzCase: FuzzCase): Promise<string | undefined> {
  try {
    await examine(fuzzCase);
    return undefined;
  } catch (error) {
    return kindOf(error);
  }
}

/** Faults that are meant to be one have one kind; of any other error its place in the source is the kind. */
export function kindOf(error: unknown): string {
  if (error instanceof Fault) return error.kind;
  const { message, stack = '' } = error as Error;
  return `crash: ${message} ${/src\/[\w/-]+\.ts:\d+/.exec(stack)?.[0] ?? ''}`;
}

/** @returns the smallest case found that shows a fault of this kind; bytes that are no UTF-8 stay as they are */
export async function shrink(fuzzCase: FuzzCase, kind: string): Promise<FuzzCase> {
  const text = fuzzCase.bytes.toString();
  let smallest = fuzzCase;
  if (!Buffer.from(text).equals(fuzzCase.bytes)) return fuzzCase;
  for (const pattern of [/(?<=\n|\r(?!\n))/, /(?<=[\n ])/, /(?:)/u]) {
    const pieces = smallest.bytes.toString().split(pattern);
    const holds = fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), async (left) => {
      const bytes = Buffer.from(left.join(''));
      const images = fuzzCase.images.filter((image) => bytes.includes(image));
      const smaller = { ...fuzzCase, bytes, images };
      if (bytes.length > smallest.bytes.length || (await faultOf(smaller)) !== kind) return true;
      smallest = smaller;
      return false;
    });
    await fc.check(holds, {
      examples: [[pieces]],
      numRuns: 1,
      interruptAfterTimeLimit: 20_000,
      markInterruptAsFailure: false,
    });
  }
  return smallest;
}
