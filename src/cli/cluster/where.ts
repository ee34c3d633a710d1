// tagproof where: where a digest runs and ever ran, by any member of its closure.
import { isDigest } from '../../image/digest.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import { type CommonOptions, defineCommand, execute } from '../shared/command.ts';
import { ledgerOption, noRecord, runSection, tagSection, withLedger } from './history.ts';

const EXAMPLES = `
tagproof where sha256:3590a650…                   the digest of an index, a manifest or a configuration
tagproof where ghcr.io/org/app@sha256:3590a650…
`;

type Options = CommonOptions & { ledger: string };

export function run(args: string[]): Promise<number> {
  const command = ledgerOption(
    defineCommand('where', 'Shows where a digest runs and ever ran.', EXAMPLES).argument(
      '<digest>',
      'sha256:…, or an image with one',
    ),
  );
  return execute<Options>(command, args, async ([what = ''], { ledger: where }) => {
    const digest = what.slice(what.indexOf('@') + 1);
    if (!isDigest(digest))
      throw new Problem('usage', `'${what}': expected a digest, sha256: and 64 lower-case hex digits`);
    return withLedger(where, async (ledger) => {
      const found = await ledger.where(digest);
      const now = found.runs.filter(({ until }) => until === null);
      const summary =
        found.runs.length === 0
          ? await noRecord(ledger, `a container that ran ${digest}`)
          : `it runs in ${plural(now.length, 'container')} now, and ran in ${found.runs.length} in all`;
      const sections = [runSection('runs', found.runs), tagSection('tags', found.tags)];
      return {
        report: {
          command: 'where',
          sections: sections.filter(({ rows }) => rows.length > 0),
          findings: [],
          problems: [],
          summary: [summary],
          data: found,
        },
      };
    });
  });
}
