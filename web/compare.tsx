// Compares any two digests that a container ran or that its tag pointed to.
import { useState } from 'preact/hooks';
import type { Run, Tag } from './api.ts';
import { DiffOf } from './diff.tsx';
import { short } from './format.ts';

export function Compare({ runs, tags }: { runs: readonly Run[]; tags: readonly Tag[] }) {
  const digests = [...new Set([...tags, ...runs].flatMap(({ digest }) => digest ?? []))];
  const [from, setFrom] = useState(digests[1] ?? '');
  const [to, setTo] = useState(digests[0] ?? '');
  if (digests.length < 2) return null;
  return (
    <>
      <h3>What changed</h3>
      <div class="pair">
        <DigestChoice label="From" digests={digests} value={from} onChange={setFrom} />
        <DigestChoice label="To" digests={digests} value={to} onChange={setTo} />
      </div>
      {from !== '' && from !== to && <DiffOf from={from} to={to} />}
    </>
  );
}

type ChoiceProps = {
  label: string;
  digests: readonly string[];
  value: string;
  onChange: (digest: string) => void;
};

const DigestChoice = ({ label, digests, value, onChange }: ChoiceProps) => (
  <label>
    <span>{label}</span>
    <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
      {digests.map((digest) => (
        <option key={digest} value={digest}>
          {short(digest)}
        </option>
      ))}
    </select>
  </label>
);
