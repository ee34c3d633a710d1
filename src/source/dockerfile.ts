// Dockerfile: FROM, COPY --from, RUN --mount=from=, the ARG defaults that a FROM uses, and the image
// of the frontend (`# syntax=`).
import { DockerfileParser, type ParserDirective } from 'dockerfile-ast';
import { parseReference } from '../image/reference.ts';
import { Problem } from '../problem.ts';
import type { Collector, Spot } from './collector.ts';
import { wholeSlot } from './slot.ts';

declare module '../flow.ts' {
  interface Dialects {
    dockerfile: true;
  }
}

type Range = { start: { line: number; character: number }; end: { line: number; character: number } };

// dockerfile-ast does not export the types of its instructions.
type Dockerfile = ReturnType<typeof DockerfileParser.parse>;
type Copy = ReturnType<Dockerfile['getCOPYs']>[number];
type Arg = ReturnType<Dockerfile['getInitialARGs']>[number];

/** The default of an ARG that precedes the first FROM. */
type Default = { value: string; spot: Spot };
/** What a name in the file may refer to, other than an image. */
type Names = { readonly stages: ReadonlySet<string>; readonly defaults: Map<string, Default> };

/**
 * Larger than any Dockerfile. The time of dockerfile-ast grows with the square of a line's length
 * (T30).
 */
const MAX_LENGTH = 512 * 1024;
const MAX_LINE = 4_000;

/** @throws Problem `limit` for a file that is too large to be a Dockerfile */
export function readDockerfile(c: Collector): void {
  const longest = Math.max(
    ...c.text
      .slice(0, MAX_LENGTH)
      .split('\n')
      .map((line) => line.length),
  );
  if (c.text.length > MAX_LENGTH || longest > MAX_LINE) {
    throw new Problem(
      'limit',
      `a Dockerfile of more than ${MAX_LENGTH} characters, or with a line of more than ${MAX_LINE}; it was left alone`,
    );
  }
  const file = DockerfileParser.parse(c.text);
  const spotOf = rangeToSpot(c.text);
  const stages = new Set<string>();
  const names: Names = { stages, defaults: argDefaults(file.getInitialARGs(), spotOf) };

  for (const directive of file.getDirectives()) readSyntax(c, directive, spotOf);

  let index = 0;
  for (const from of file.getFROMs()) {
    const image = from.getImage();
    const range = from.getImageRange();
    if (image !== null && range !== null)
      readImage(c, image.replace(/^(["'])(.*)\1$/, '$2'), spotOf(range, 'FROM'), names);
    const stage = from.getBuildStage();
    if (stage !== null) stages.add(stage.toLowerCase());
    stages.add(String(index++));
  }
  // They run in the build that starts from this image, which pulls what they name.
  const later = file.getOnbuildTriggers();
  const copies = later.filter((trigger) => trigger.getKeyword() === 'COPY') as Copy[];
  for (const copy of [...file.getCOPYs(), ...copies]) {
    const flag = copy.getFromFlag();
    const range = flag?.getValueRange();
    if (flag?.getValue() && range) readImage(c, flag.getValue() as string, spotOf(range, 'COPY --from'), names);
  }
  for (const instruction of [...file.getInstructions(), ...later]) {
    if (instruction.getKeyword() !== 'RUN' || !('getFlags' in instruction)) continue;
    const flags = (instruction as Copy).getFlags();
    for (const flag of flags) {
      const value = flag.getName() === 'mount' ? flag.getValue() : null;
      const range = flag.getValueRange();
      const match = value === null || range === null ? null : /(?:^|,)from=([^,]+)/.exec(value);
      if (match === null || range === null) continue;
      const spot = spotOf(range, 'RUN --mount from');
      const start = spot.start + match.index + match[0].length - (match[1] as string).length;
      readImage(c, match[1] as string, { ...spot, start, end: start + (match[1] as string).length }, names);
    }
  }
}

function readImage(c: Collector, image: string, spot: Spot, { stages, defaults }: Names): void {
  if (image === 'scratch') return c.skip(spot, image, 'stage', 'scratch is the empty image');
  if (stages.has(image.toLowerCase())) return c.skip(spot, image, 'stage', 'a build stage of this file');
  if (image.includes('$')) return readVariable(c, image, spot, defaults);
  c.image(spot, image, true);
}

/** `FROM $BASE` and `FROM name:${VERSION}`: the digest goes into the default of the ARG. */
function readVariable(c: Collector, image: string, spot: Spot, defaults: Map<string, Default>): void {
  const match = /\$\{?(\w+)\}?/.exec(image);
  const name = match?.[1] ?? '';
  const given = defaults.get(name);
  const literal = match === null || given === undefined ? undefined : image.replace(match[0], given.value);
  if (match === null || given === undefined || literal === undefined || literal.includes('$') || given.value === '') {
    return c.skip(spot, image, 'variable', 'no ARG before the first FROM gives this variable a default');
  }
  if (match[0] === image) return c.image({ ...given.spot, path: `ARG ${name}` }, given.value, true);
  const uses = c.text.match(new RegExp(`\\$\\{?${name}\\b`, 'g'))?.length ?? 0;
  const reference = parseReference(literal);
  const isTag = match.index + match[0].length === image.length && image[match.index - 1] === ':';
  if (reference instanceof Problem || !isTag || uses !== 1) {
    return c.skip(
      spot,
      image,
      'variable',
      `is ${literal} by default; a digest cannot follow a variable: put the whole image into the ARG`,
    );
  }
  const { start, end } = given.spot;
  const slot = wholeSlot(c.text, start, end, reference);
  c.reference({ start, end, path: `ARG ${name}` }, reference, slot, { note: `the tag of ${spot.path} ${image}` });
}

/** `# syntax=docker/dockerfile:1` names the image that builds this file. */
function readSyntax(c: Collector, directive: ParserDirective, spotOf: (range: Range, path: string) => Spot): void {
  if (directive.getName().toLowerCase() === 'syntax')
    c.image(spotOf(directive.getValueRange(), '# syntax'), directive.getValue(), true);
}

function argDefaults(args: Arg[], spotOf: (range: Range, path: string) => Spot): Map<string, Default> {
  const defaults = new Map<string, Default>();
  for (const arg of args) {
    const property = arg.getProperty();
    const value = property?.getValue();
    const range = property?.getValueRange();
    if (!property || !value || !range) continue;
    const spot = spotOf(range, `ARG ${property.getName()}`);
    defaults.set(property.getName(), { value, spot: { ...spot, end: spot.start + value.length } });
  }
  return defaults;
}

/**
 * dockerfile-ast counts lines and characters, tagproof counts offsets. A spot leaves out the quotes
 * around a value.
 */
function rangeToSpot(text: string): (range: Range, path: string) => Spot {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|\r|\n/g)) starts.push(match.index + match[0].length);
  return ({ start, end }, path) => {
    let from = (starts[start.line] ?? text.length) + start.character;
    let to = (starts[end.line] ?? text.length) + end.character;
    if (/["']/.test(text[from] ?? '') && text[to - 1] === text[from]) {
      from++;
      to--;
    }
    return { start: from, end: to, path };
  };
}
