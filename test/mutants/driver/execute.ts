// Runs a test file with a mutant, or without one, and says which test failed first.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runGroup } from '../../runner/process-group.ts';
import { ROOT } from './lists.ts';

export type Outcome =
  | { readonly kind: 'passed'; readonly ms: number }
  /** `by`: the first test that failed. */
  | { readonly kind: 'failed'; readonly ms: number; readonly by: string; readonly output: string }
  | { readonly kind: 'timeout'; readonly ms: number };

/** A file from the repository's root, and the text that is served in its place. */
export type ServedText = { readonly file: string; readonly text: string };

export async function runTestFile(test: string, limitMs: number, served?: ServedText): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'tagproof-mutant-'));
  try {
    const hook = pathToFileURL(join(import.meta.dirname, 'hook.ts')).href;
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      NO_COLOR: '1',
      NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${hook}`.trim(),
    };
    if (served !== undefined) {
      const url = pathToFileURL(join(ROOT, served.file)).href;
      env['TAGPROOF_MUTANT'] = join(folder, 'mutant.json');
      writeFileSync(env['TAGPROOF_MUTANT'], JSON.stringify({ url, text: served.text }));
    }
    const args = ['--test-reporter=tap', `--test-timeout=${Math.round(limitMs)}`, test];
    const { code, late, output, ms } = await runGroup(process.execPath, args, { limitMs, env, cwd: ROOT });
    if (late) return { kind: 'timeout', ms };
    if (code === 0) return { kind: 'passed', ms };
    return { kind: 'failed', ms, by: firstFailure(output) ?? 'the test process', output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The name of the first test that TAP reports as failed; one inside another comes before it. */
export function firstFailure(tap: string): string | undefined {
  const name = /^\s*not ok \d+ - (.*?)(?: # .*)?$/m.exec(tap)?.[1];
  return name?.replaceAll(/\\(.)/g, '$1');
}
