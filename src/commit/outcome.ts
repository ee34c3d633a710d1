// What a commit did, in sentences. Pure.
import type { CommitOutcome, FileState } from './change.ts';

const SAID: Record<FileState, string> = {
  written: 'changed',
  unchanged: 'not changed',
  restored: 'changed and put back',
  unknown: 'in an unknown state, compare it with git',
};

/**
 * Every file and step by what became of it; nothing where all of it was done.
 * `changed: tagproof.lock · not changed: a.yaml · not tried: the ledger entry`
 */
export function explainOutcome({ files, steps, problems, notes }: CommitOutcome): string[] {
  if (problems.length === 0) return [...notes];
  const parts = [
    ...byState(files.map(({ file, state }) => [SAID[state], file])),
    ...byState(steps.map(({ name, state }) => [state, name])),
  ];
  return parts.length === 0 ? [...notes] : [parts.join(' · '), ...notes];
}

const byState = (items: readonly (readonly [state: string, name: string])[]): string[] =>
  [...Map.groupBy(items, ([state]) => state)].map(
    ([state, members]) => `${state}: ${members.map(([, name]) => name).join(', ')}`,
  );

export const wasWritten = ({ problems }: Pick<CommitOutcome, 'problems'>): boolean => problems.length === 0;

export const changedFiles = ({ files }: CommitOutcome): string[] =>
  files.filter(({ state }) => state === 'written').map(({ file }) => file);
