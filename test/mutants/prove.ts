// Single faults in the proof of an edit, in shared tags, and in the places of digests that no other list names.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the rows quote source code
import type { Mutant } from './mutant.ts';

const S = 'src/source';
const prove = `${S}/prove.test.ts`;
const shared = `${S}/shared-tag.test.ts`;
const slot = `${S}/slot.test.ts`;
const found = 'test/fuzz/found.test.ts';

type Row = [name: string, file: string, from: string, to: string, ...tests: string[]];

// biome-ignore format: a mutant is a line
const rows: Row[] = [
  ['a place need not spell its reference', 'prove.ts', 'const wrong = misspelt(text, found);', 'const wrong = undefined as string | undefined;', prove],
  ['the digest may follow any text', 'prove.ts', 'if (found !== tail) return', 'if (found === undefined) return', prove],
  ['an edited text that cannot be read is written', 'prove.ts', 'if (fresh !== undefined)', 'if (fresh === null)', prove],
  ['an image that the edit hides is not missed', 'prove.ts', 'if (again.found.length !== before.found.length)', 'if (again.found.length > before.found.length)', prove],
  ['an image that the edit makes is not seen', 'prove.ts', 'if (again.found.length !== before.found.length)', 'if (again.found.length < before.found.length)', prove],
  ['a wrong digest is kept', 'prove.ts', 'return is.digest === digest ? undefined', 'return is.digest === digest || is.digest !== undefined ? undefined', prove],
  ['the image may become another repository', 'prove.ts', ' || is.repository !== was.repository', '', prove],
  ['the image may come from another registry', 'prove.ts', 'is.registry !== was.registry || ', '', prove],
  ['the tag may change', 'prove.ts', ' || is.tag !== expected)', ')', prove],
  ['the image may move to another place', 'prove.ts', 'now.path !== found.path || ', '', prove],
  ['what was skipped may change', 'prove.ts', 'if (!sameSkips(before.skipped, again.skipped))', 'if (false as boolean)', prove],
  ['other values may change', 'prove.ts', 'if (isYaml && !(await', 'if (!isYaml && !(await', prove],
  ['any value of a mapping may come or go', 'prove.ts', ' && /digest|^sha/i.test(key.value));', ');', prove],
  ['a key may be renamed', 'prove.ts', 'key.value === now[i]?.key.value && ', '', prove],
  ['a list may get longer', 'prove.ts', 'a.items.length === b.items.length && ', '', prove],
  ['a document may be added', 'prove.ts', 'if (old.length !== now.length) return false;', '', prove],
  ['an edit need not be undone exactly', 'prove.ts', ' || applyEdits(after, back as Edit[]) !== text)', ')', prove],
  // tags behind anchors
  ['one digest becomes part of two images', 'shared-tag.ts', 'images.size > 1 || others > 0', 'others > 0', shared],
  ['a digest becomes part of other values', 'shared-tag.ts', 'images.size > 1 || others > 0', 'images.size > 1', shared],
  ['an alias gets a digest of its own', 'shared-tag.ts', 'if (use.alias) changed.set', 'if (use.found.line < 0) changed.set', shared],
  ['only the alias of a shared tag is blocked', 'shared-tag.ts', 'for (const use of group) changed.set(use.found, { ...use.found, slot });', 'for (const use of group) if (use.alias) changed.set(use.found, { ...use.found, slot });', shared],
  // slots
  ['a number that a chart renders as another text gets a digest (P4)', 'slot.ts', 'if (number !== undefined) return { blocked: number };', '', slot],
  ['a number that kustomize refuses gets a digest (P4)', 'slot.ts', 'if (!refused && rendered', 'if (rendered', slot],
  ['a large number that a chart renders as a power gets a digest (P4)', 'slot.ts', 'exponent >= -4 && exponent < 6', 'exponent >= -4', slot],
  ['a digest line is put into a flow mapping', 'slot.ts', ' && digest === undefined && !parts.map.flow;', ' && digest === undefined;', found],
  ['a digest line is put below a renaming entry in flow', 'slot.ts', 'const slot = map.flow || digest', 'const slot = digest', slot],
  ['a tag with a digest gets a second one below', 'slot.ts', " && !tag.value.includes('@')", '', slot],
  ['a renaming entry with any text as digest counts as pinned', 'slot.ts', "isDigest(parts.style === 'hex' ? `sha256:${digest.value}` : digest.value)", "(parts.tag?.key.value === 'newName' || isDigest(parts.style === 'hex' ? `sha256:${digest.value}` : digest.value))", slot],
  ['an emptied digest of a renaming entry gets a second line', 'slot.ts', "if (digest !== undefined && isQuoted(digest)) return { pin: { at: digest.start, before: '', after: '' } };\n", '', slot],
];

export const PROVE_MUTANTS: readonly Mutant[] = rows.map(([name, path, from, to, ...tests]) => ({
  name,
  file: `${S}/${path}`,
  from,
  to,
  tests,
}));
