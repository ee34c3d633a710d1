// Two lanes over one span of time: what the tag pointed to, and what ran. Each digest has a colour,
// so that a drift is visible.
import type { Run, Tag } from './api.ts';
import { short, timeOf } from './format.ts';

type Segment = { readonly digest: string | null; readonly since: number; readonly until: number };

const levelsOf = (stacked: readonly { level: number }[]) => 1 + Math.max(0, ...stacked.map(({ level }) => level));

/** Segments of the same time are drawn one above the other, so that mixed replicas are visible. */
function stack(segments: readonly Segment[]): { segment: Segment; level: number }[] {
  const ends: number[] = [];
  return segments
    .toSorted((a, b) => a.since - b.since)
    .map((segment) => {
      const free = ends.findIndex((end) => end <= segment.since);
      const level = free < 0 ? ends.length : free;
      ends[level] = segment.until;
      return { segment, level };
    });
}
const WIDTH = 600;
const LANE = 26;

type Props = { runs: readonly Run[]; tags: readonly Tag[]; now: number; moment: number };

export function Timeline({ runs, tags, now, moment }: Props) {
  const segment = ({ digest, since, until }: Pick<Tag, 'digest' | 'since' | 'until'>): Segment => ({
    digest,
    since: Date.parse(since),
    until: until === null ? now : Date.parse(until),
  });
  const lanes: [name: string, segments: Segment[]][] = [
    ['tag', tags.map(segment)],
    ['ran', runs.map(segment)],
  ];
  const all = lanes.flatMap(([, segments]) => segments);
  if (all.length === 0) return <p class="quiet">The ledger has no record of it yet.</p>;
  const from = Math.min(...all.map(({ since }) => since));
  const span = Math.max(now - from, 60_000);
  const x = (at: number) => 44 + ((at - from) / span) * (WIDTH - 44);
  const digests = [...new Set(all.flatMap(({ digest }) => digest ?? []))];
  const summary = lanes
    .map(
      ([name, segments]) =>
        `${name}: ${segments.map(({ digest, since }) => `${digest === null ? 'gone' : short(digest)} since ${timeOf(since)}`).join(', ') || 'nothing'}`,
    )
    .join('; ');
  return (
    <figure class="timeline">
      <svg viewBox={`0 0 ${WIDTH} ${LANE * 2 + 22}`} role="img" aria-label={summary}>
        {lanes.map(([name, segments], lane) => (
          <g key={name}>
            <text x="0" y={lane * LANE + 17}>
              {name}
            </text>
            {stack(segments).map(({ segment: { digest, since, until }, level }, _, all) => (
              <rect
                key={`${digest} ${since}`}
                class={digest === null ? 'gone' : `digest-${digests.indexOf(digest) % 6}`}
                x={x(since)}
                y={lane * LANE + 3 + (level * (LANE - 8)) / levelsOf(all)}
                width={Math.max(3, x(until) - x(since))}
                height={(LANE - 8) / levelsOf(all)}
              >
                <title>{`${digest ?? 'gone'}\n${timeOf(since)} to ${until === now ? 'now' : timeOf(until)}`}</title>
              </rect>
            ))}
          </g>
        ))}
        {moment < now - 1000 && <line class="moment" x1={x(moment)} x2={x(moment)} y1="0" y2={LANE * 2} />}
        <text x="44" y={LANE * 2 + 16}>
          {timeOf(from)}
        </text>
        <text x={WIDTH} y={LANE * 2 + 16} text-anchor="end">
          now
        </text>
      </svg>
      <figcaption>
        {digests.slice(0, 6).map((digest, i) => (
          <span key={digest}>
            <i class={`digest-${i}`} /> <code>{short(digest)}</code>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
