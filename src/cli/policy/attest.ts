// tagproof attest: signs a statement about images from a predicate file, such as provenance, an SBOM or a scan.
import { readFileSync, statSync } from 'node:fs';
import { asProblem, Problem } from '../../problem.ts';
import { MAX_ATTESTATION_BLOB } from '../../registry/limits.ts';
import { parseJson } from '../../sigstore/json.ts';
import { PREDICATE_TYPES, SIGN_PREDICATE } from '../../sigstore/statement.ts';
import { defineCommand, execute } from '../shared/command.ts';
import { type SignFlags, signAll, signOptions } from './sign.ts';

const EXAMPLES = `
tagproof attest --type spdxjson --predicate sbom.spdx.json ghcr.io/org/app:v1
tagproof attest --type slsaprovenance1 --predicate provenance.json --key release.pem ghcr.io/org/app@sha256:…
tagproof attest --type https://example.com/review/v1 --predicate review.json ghcr.io/org/app:v1
`;

type Options = SignFlags & { type: string; predicate: string };

export function run(args: string[]): Promise<number> {
  const command = signOptions(
    defineCommand('attest', 'Signs a statement about images: the content of a predicate file.', EXAMPLES),
  )
    .argument('<images...>', 'image references; a tag is resolved, and its digest is shown first')
    .requiredOption('--type <type>', `predicate type: a URI, or ${Object.keys(PREDICATE_TYPES).join(', ')}`)
    .requiredOption('--predicate <file>', 'the content of the statement, JSON');
  return execute<Options>(command, args, (images, options, context) => {
    const predicateType = PREDICATE_TYPES[options.type] ?? options.type;
    if (!URL.canParse(predicateType))
      throw new Problem(
        'usage',
        `--type '${options.type}': expected a URI, or ${Object.keys(PREDICATE_TYPES).join(', ')}`,
      );
    if (predicateType === SIGN_PREDICATE) throw new Problem('usage', 'this type is a signature: use tagproof sign');
    const about = { predicateType, predicate: readPredicate(options.predicate) };
    return signAll({ images, options, context, name: 'attest', about });
  });
}

function readPredicate(file: string): unknown {
  let bytes: Buffer;
  try {
    // Base64 in the envelope adds a third. A statement larger than verifying accepts must not be written.
    if (statSync(file).size > MAX_ATTESTATION_BLOB / 2)
      throw new Problem('limit', `larger than the allowed ${MAX_ATTESTATION_BLOB / 2} bytes`);
    bytes = readFileSync(file);
  } catch (error) {
    throw asProblem(error, 'file', { file });
  }
  const predicate = parseJson(bytes);
  if (predicate === undefined) throw new Problem('syntax', 'expected JSON', { file });
  return predicate;
}
