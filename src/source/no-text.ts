// Plain words that YAML reads as something else than text: a name of an image that is one of them is none. Pure.
import type { ScalarNode } from './yaml-node.ts';

const NUMBER = /^[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:e[-+]?\d+)?$|^0[xo][\da-f]+$/i;
const TAG_BEFORE = /(?:^|[\s,[{])![^\s,[\]{}]*\s+(?:&\S+\s+)?$/;

export const isYamlNumber = (value: string): boolean => NUMBER.test(value);

/** Null, also as an empty value. In quotes the same word is text. */
export const isYamlNull = ({ style, value }: ScalarNode): boolean => style === 'plain' && /^(?:~|null)?$/i.test(value);

/** What a scalar is to YAML where it is no text. The words for booleans are those of YAML 1.1, which Kubernetes reads. */
export function notText(text: string, scalar: ScalarNode): 'null' | 'a number' | 'a boolean' | undefined {
  const { style, value, start } = scalar;
  if (style !== 'plain' || TAG_BEFORE.test(text.slice(Math.max(0, start - 80), start))) return undefined;
  if (isYamlNull(scalar)) return 'null';
  if (/^(?:true|false|yes|no|on|off)$/i.test(value)) return 'a boolean';
  return isYamlNumber(value) ? 'a number' : undefined;
}
