// What pin says of the digests that it adopted: which tag has which digest now, what it was in the lock, and where it stands.
import { shortDigest } from '../../image/digest.ts';
import { tagKey } from '../../image/reference.ts';
import { plural } from '../../report/plural.ts';
import type { Cell, Section } from '../../report/report.ts';
import type { Adopted } from './adopt.ts';

const HOW: Record<Adopted['how'], string> = {
  has: 'the tag has it now',
  had: 'the tag had it, says its registry',
  kept: 'served; kept by --adopt',
};

const isUpdate = ({ before, pin, how }: Adopted) => how === 'has' && before !== undefined && before !== pin.digest;

export function adoptedSection(adopted: readonly Adopted[]): Section[] {
  const rows = adopted.map((item): Cell[] => {
    const { pin, places, before, how } = item;
    const [first, ...more] = places;
    const was = isUpdate(item) ? `${shortDigest(before as string)} ` : '';
    const place = `${first.file}:${first.line}${more.length > 0 ? ` and ${plural(more.length, 'more place')}` : ''}`;
    return [
      tagKey(pin),
      { text: `${was}→ ${shortDigest(pin.digest)}`, style: 'good' },
      HOW[how],
      { text: place, style: 'dim' },
    ];
  });
  return rows.length === 0 ? [] : [{ title: 'adopted: digests that others wrote', head: [], rows }];
}

/** @param dry nothing is written */
export function adoptedLine(adopted: readonly Adopted[], dry: boolean): string {
  const updates = adopted.filter(isUpdate).length;
  const verb = dry ? 'would adopt' : 'adopted';
  return `${verb} ${plural(adopted.length, 'digest')} that others wrote${updates > 0 ? `, ${plural(updates, 'update')} of what the lock had` : ''}`;
}

export const adoptedData = (adopted: readonly Adopted[]): object[] =>
  adopted.map(({ pin, places, before, how }) => ({
    image: tagKey(pin),
    digest: pin.digest,
    before,
    how,
    places: places.map(({ file, line, column }) => ({ file, line, column })),
  }));
