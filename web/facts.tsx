// What is known now about one container: declaration, state, hold, and each image that its pods
// run.
import type { Row, RunningImage } from './api.ts';
import {
  checkedText,
  count,
  evidenceVerdict,
  identityVerdict,
  imageName,
  pinnedVerdict,
  servedVerdict,
  short,
  time,
  type Verdict,
} from './format.ts';

export function Facts({ row }: { row: Row }) {
  const now = Date.now();
  const identity = identityVerdict(row);
  return (
    <dl>
      <dt>Declared</dt>
      <dd>
        {row.declared.map((image) => (
          <code key={image}>{image}</code>
        ))}{' '}
        <em>{pinnedVerdict(row).text}</em>
      </dd>
      <dt>State</dt>
      <dd class={identity.tone}>
        {identity.text}
        {identity.detail ? `: ${identity.detail}` : ''} <em>{checkedText(row, now)}</em>
      </dd>
      {row.hold !== undefined && (
        <>
          <dt>Held</dt>
          <dd>
            at <code>{short(row.hold.digest)}</code> by {row.hold.by}, {time(row.hold.since)}: {row.hold.reason}
          </dd>
        </>
      )}
      {row.running.map((image) => (
        <RunningFacts key={`${image.image} ${imageName(image)}`} image={image} now={now} />
      ))}
    </dl>
  );
}

function RunningFacts({ image, now }: { image: RunningImage; now: number }) {
  const { pods, nodes, evidence, pullable, blocked } = image;
  return (
    <>
      <dt>Runs</dt>
      <dd>
        <code>{imageName(image)}</code>
        <em class="line">
          {count(pods, 'pod')} on {count(nodes.length, 'node')}
        </em>
        {blocked !== null && <span class="bad line">blocked: {blocked}</span>}
        <VerdictLine verdict={evidenceVerdict(evidence, now)} />
        <VerdictLine verdict={servedVerdict(pullable, now)} />
      </dd>
    </>
  );
}

const VerdictLine = ({ verdict: { text, tone } }: { verdict: Verdict }) => <span class={`${tone} line`}>{text}</span>;
