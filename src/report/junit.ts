// JUnit XML, as Jenkins, GitLab and others read it: a finding is a failure, a problem is an error.
// The format has no standard; the elements and attributes here are those of Ant's JUnit task, and
// `file` and `line`, which GitLab shows.
import type { Problem } from '../problem.ts';
import { inRepository } from './paths.ts';
import type { Finding, PrintSettings, Report } from './report.ts';
import { RULES } from './rules.ts';

declare module './report.ts' {
  interface Formats {
    junit: true;
  }
}

/**
 * One test case a finding and a problem. A run without any has one case that passed, because a
 * suite without tests counts as broken in some servers; what it checked is in its output.
 */
export function printJunit(report: Report, settings: PrintSettings): string {
  const { command, findings, problems, summary } = inRepository(report, settings);
  const suite = `tagproof ${command}`;
  const failures = findings.filter(({ level }) => level !== 'note').length;
  const cases = [
    ...findings.map((finding) => findingCase(suite, finding)),
    ...problems.map((problem) => problemCase(suite, problem)),
  ];
  if (cases.length === 0) cases.push(element('testcase', { classname: suite, name: summary[0] ?? suite }));
  const counts = { tests: cases.length, failures, errors: problems.length };
  const body = [
    element(
      'properties',
      {},
      [
        element('property', { name: 'tagproof.version', value: settings.version() }),
        ...Object.entries(report.coverage ?? {}).map(([name, value]) =>
          element('property', { name: `tagproof.${name}`, value }),
        ),
      ].join(''),
    ),
    ...cases,
    element('system-out', {}, escapeXml(summary.join('\n'))),
  ];
  const testsuite = element('testsuite', { name: suite, ...counts }, `\n${body.join('\n')}\n`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name: 'tagproof', ...counts }, `\n${testsuite}\n`)}\n`;
}

function findingCase(suite: string, finding: Finding): string {
  const { rule, level, message, file, line, image } = finding;
  const content =
    level === 'note'
      ? element('system-out', {}, escapeXml(message))
      : element('failure', { type: rule, message }, escapeXml(details(finding, message, RULES[rule].help)));
  const name = image === undefined ? RULES[rule].title : `${image}: ${RULES[rule].title}`;
  return element('testcase', { classname: `${suite}.${rule}`, name: named(name, finding), file, line }, content);
}

function problemCase(suite: string, { code, message, where }: Problem): string {
  const name = where.image === undefined ? 'could not be checked' : `${where.image}: could not be checked`;
  const content = element('error', { type: code, message }, escapeXml(details(where, message, '')));
  const { file, line } = where;
  return element('testcase', { classname: `${suite}.${code}`, name: named(name, where), file, line }, content);
}

type Location = { readonly file?: string; readonly line?: number; readonly column?: number; readonly image?: string };

/** Servers tell cases apart by class and name: the place makes the name of a case unique. */
function named(name: string, { file, line, column }: Location): string {
  return file === undefined ? name : `${name} (${[file, line, column].filter((part) => part !== undefined).join(':')})`;
}

function details({ file, line, column, image }: Location, message: string, help: string): string {
  const place = file === undefined ? [] : [[file, line, column].filter((part) => part !== undefined).join(':')];
  return [...place, image === undefined ? message : `${image}: ${message}`, ...(help === '' ? [] : [help])].join('\n');
}

function element(name: string, attributes: Record<string, string | number | undefined>, content?: string): string {
  const pairs = Object.entries(attributes).filter(([, value]) => value !== undefined);
  const open = [name, ...pairs.map(([key, value]) => `${key}="${escapeAttribute(String(value))}"`)].join(' ');
  return content === undefined ? `<${open}/>` : `<${open}>${content}</${name}>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/**
 * Text for content. XML 1.0 has no control characters but tab and line breaks, not even as entities
 * (section 2.2), nor halves of a surrogate pair: they become U+FFFD. A parser drops a carriage
 * return, so it is written as an entity.
 */
function escapeXml(text: string): string {
  return text
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]/g, '\ufffd')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
    .replaceAll('\r', '&#13;');
}

/**
 * Text for an attribute, in which a parser makes a space of a tab or a line break (section 3.3.3).
 */
function escapeAttribute(text: string): string {
  return escapeXml(text).replaceAll('\t', '&#9;').replaceAll('\n', '&#10;');
}
