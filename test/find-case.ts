// A case of the readers' tests: the text of one file, and what is found and skipped in it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dialect } from '../src/flow.ts';
import { findIn } from '../src/source/find.ts';
import type { WalkOptions } from '../src/source/reader.ts';

export const FIND_OPTIONS: WalkOptions = { fields: [], argsAndEnv: false };

export type FindCase = {
  name: string;
  /** Its name decides the dialect; `app.yaml` unless the case says otherwise. */
  file?: string;
  text: string;
  /** `path reference` */
  found?: string[];
  /** `reason text` */
  skipped?: string[];
  /** The dialect of everything that is found and skipped. */
  dialect?: Dialect;
  options?: Partial<WalkOptions>;
};

export function testFind(cases: readonly FindCase[]): void {
  for (const { name, file = 'app.yaml', text, found = [], skipped = [], dialect, options = {} } of cases)
    test(name, async () => {
      const result = await findIn(text, file, { ...FIND_OPTIONS, ...options });
      assert.deepEqual(result.problems.map(String), []);
      assert.deepEqual(
        result.found.map((item) => `${item.path} ${item.reference.text}`),
        found,
      );
      assert.deepEqual(
        result.skipped.map((item) => `${item.reason} ${item.text}`),
        skipped,
      );
      if (dialect !== undefined)
        for (const item of [...result.found, ...result.skipped]) assert.equal(item.dialect, dialect);
    });
}

/** A pod with this text under `spec:`. */
export const podText = (spec: string) => `apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n${spec}`;
