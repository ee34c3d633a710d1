// Single faults in the commit step and in what guards the exit code.
import type { Mutant } from './mutant.ts';

const COMMIT = 'src/commit/commit.ts';
const TARGET = 'src/commit/target.ts';
const TEMPORARY = 'src/commit/temporary.ts';
const TESTS = ['src/commit/commit.test.ts', 'src/commit/faults.test.ts', 'src/commit/killed.test.ts'];
const of = (file: string, name: string, from: string, to: string, tests: readonly string[] = TESTS): Mutant => ({
  name,
  file,
  from,
  to,
  tests,
});

export const COMMIT_MUTANTS: readonly Mutant[] = [
  of(TEMPORARY, 'content is not synced before the rename', '    disk.fsync(descriptor);\n', ''),
  of(TEMPORARY, 'the mode is not kept', 'disk.chmod(descriptor, like.mode & 0o7777)', 'void 0'),
  of(TEMPORARY, 'the owner is not kept', 'disk.chown(descriptor, like.uid, like.gid);', ''),
  of(
    TEMPORARY,
    'an owner that could not be kept is not said',
    "codeOf(error) !== 'EPERM') throw error;",
    "codeOf(error) !== 'EPERM') throw error;\n    return [];",
  ),
  of(TEMPORARY, 'a temporary of a live process is swept', '!isAlive(Number(pid))', 'true'),
  of(TEMPORARY, 'leftovers of killed processes stay', '!isAlive(Number(pid))', 'false'),
  of(TEMPORARY, 'a fresh temporary of another machine is swept', '> FOREIGN_AGE_MS', '> -1'),
  of(TEMPORARY, 'a link or a folder is taken for a leftover', 'if (!stats.isFile()) continue;', ''),
  of(COMMIT, 'a failed check does not stop the others', 'if (checked.problems.length > 0)', 'if (false)'),
  of(COMMIT, 'no second look before the renames', ' ?? checkUnchanged(disk, prepared)', ''),
  of(COMMIT, 'what was renamed is not restored', 'restore(disk, earlier);', ''),
  of(COMMIT, 'folders are not synced', 'disk.fsyncFolder(folder);', ''),
  of(
    COMMIT,
    'a new file replaces one that appeared',
    'disk.link(temporary, target.path); //',
    'disk.rename(temporary, target.path); //',
  ),
  of(COMMIT, 'temporaries stay', 'for (const { temporary } of prepared) attempt(() => disk.remove(temporary));', ''),
  of(
    COMMIT,
    'the lock is not kept until the rename',
    'if (release !== undefined) locks.push(release);',
    'if (release !== undefined) release();',
  ),
  of(COMMIT, 'one file twice', 'if (other !== undefined) throw', 'if (false) throw'),
  of(COMMIT, 'a step runs although the files were not written', ': problems.length > 0)', ': false)'),
  of(TARGET, 'a file that changed is replaced', '!now.equals(change.before)', 'false'),
  of(TARGET, 'a new file may exist', "change.kind === 'create' && now !== undefined", 'false'),
  of(TARGET, 'a read-only file is replaced', '(stats.mode & 0o222) === 0', 'false'),
  of(TARGET, 'what is no regular file is replaced', 'if (!stats.isFile())', 'if (false)'),
  of(TARGET, 'a link may leave the folder', "inside === '..' || inside.startsWith(`..${sep}`)", 'false'),
  of(TARGET, 'hard links are not said', 'others > 0 ?', 'others > 99 ?'),
  of('src/lock/merge.ts', 'the later answer wins', 'current === undefined || current.digest !== ours.digest', 'false', [
    'src/lock/merge.test.ts',
  ]),
  of('src/cli/main.ts', 'a crash looks like findings', 'process.exitCode = 2;\n}', 'process.exitCode = 1;\n}', [
    'src/cli/unexpected.test.ts',
  ]),
  of('src/cli/pin/lock-change.ts', 'the lock is overwritten', 'mergeLocks(base, lock, current, file)', 'lock', [
    'src/cli/pin/pin-writes.test.ts',
  ]),
  of(
    'src/cli/pin/adopt.ts',
    'a moved tag is learned',
    '!(now instanceof Problem) && now.digest === pin.digest',
    'true',
    ['src/cli/pin/pin-writes.test.ts'],
  ),
  of(
    'src/cli/pin/adopt.ts',
    'P3: a digest of another tag is kept beside an edited tag',
    "if (isOtherTags) return 'edited';",
    '',
    ['src/cli/pin/partners.test.ts'],
  ),
  of(
    'src/cli/pin/adopt.ts',
    'P33: --adopt keeps a digest that nobody serves',
    'keepsAll && (await isServed(client, pin))',
    'keepsAll',
    ['src/cli/pin/partners.test.ts'],
  ),
  of(
    'src/cli/pin/unpin.ts',
    'P34: unpin takes out what others wrote',
    'if (entry === undefined) return false;',
    'if (entry === undefined) return true;',
    ['src/cli/pin/partners.test.ts'],
  ),
  of('src/cli/pin/unpin.ts', 'P34: unpin takes out what was adopted', 'entry.wrote === undefined ||', 'true ||', [
    'src/cli/pin/partners.test.ts',
  ]),
  of('src/cli/pin/whole-tree.ts', 'P27: a run over some paths prunes the lock', 'everything &&', 'true &&', [
    'src/cli/pin/partners.test.ts',
  ]),
  of(
    'src/report/github.ts',
    'P36: more annotations than GitHub shows, and nobody says so',
    'same.length > SHOWN',
    'false',
    ['src/report/group.test.ts'],
  ),
  of(
    'src/report/counts.ts',
    'P36: --summary turns findings green',
    '    ...report,',
    '    ...report,\n    findings: [],',
    ['src/report/group.test.ts'],
  ),
  of(
    'src/cli/pin/pattern-effect.ts',
    'P33: the second place is judged where it was before the first edit',
    'match.start + shift',
    'match.start',
    ['src/cli/pin/renovate.test.ts'],
  ),
  of(
    'src/cli/pin/rewrite.ts',
    'an edit is written without its proof',
    'await proveEdits({ text, after, before, changes: own, options });',
    '',
    ['src/cli/pin/rewrite.test.ts'],
  ),
  of(
    'src/cli/pin/rewrite.ts',
    'a refused edit takes its file as it is',
    "problems.filter(({ code }) => code === 'conflict' || code === 'refused')",
    'problems.filter(() => false)',
    ['src/cli/pin/rewrite.test.ts'],
  ),
];
