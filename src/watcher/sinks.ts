// How alarms are sent to each kind of sink: one row a kind has the body and the headers. A new kind
// is one row.
import { createHmac } from 'node:crypto';
import { readNamed } from '../file.ts';
import type { Alarm } from '../ledger/alarms.ts';
import type { AlarmSettings } from '../policy/config.ts';
import { Problem } from '../problem.ts';

export type Sink = AlarmSettings['sinks'][number];

type SinkKind = {
  readonly body: (alarms: readonly Alarm[]) => object;
  readonly headers?: (sink: Sink, body: string) => Record<string, string>;
};

/** Lines of one chat message; further alarms are counted. */
const MAX_LINES = 20;
const SIGNS: Record<Alarm['severity'], string> = { critical: '🔴', warning: '🟡' };

const SINK_KINDS: Record<Sink['kind'], SinkKind> = {
  webhook: { body: (alarms) => ({ version: 1, alarms }), headers: signature },
  slack: { body: slackMessage },
  teams: { body: teamsMessage },
};

export const bodyFor = (kind: Sink['kind'], alarms: readonly Alarm[]): string =>
  JSON.stringify(SINK_KINDS[kind].body(alarms));

export const headersFor = (sink: Sink, body: string): Record<string, string> => ({
  'content-type': 'application/json',
  ...SINK_KINDS[sink.kind].headers?.(sink, body),
});

/**
 * The address itself, or the content of the file that holds it.
 * @throws where there is no usable address
 */
export function addressOf({ name, url, urlFile }: Sink): string {
  const text = url ?? (urlFile === undefined ? '' : readNamed(urlFile).toString('utf8').trim());
  if (!URL.canParse(text)) throw new Error(`alarms: the sink '${name}' has no usable address`);
  return text;
}

/**
 * A queued message names its sink, so a name must lead to one address only: otherwise the message
 * of one sink goes to the address of another.
 * @throws Problem where two sinks have one name
 */
export function sinksByName(sinks: readonly Sink[]): ReadonlyMap<string, Sink> {
  const byName = new Map(sinks.map((sink) => [sink.name, sink]));
  const twice = sinks.find((sink) => byName.get(sink.name) !== sink);
  if (twice !== undefined) throw new Problem('usage', `alarms: two sinks are named '${twice.name}'`);
  return byName;
}

/** HMAC-SHA256 over the body, so that the receiver can tell our messages from forged ones. */
function signature({ secretFile }: Sink, body: string): Record<string, string> {
  if (secretFile === undefined) return {};
  const secret = readNamed(secretFile).toString('utf8').trim();
  return { 'x-tagproof-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
}

function linesOf(alarms: readonly Alarm[]) {
  const sorted = alarms.toSorted((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical'));
  const lines = sorted.slice(0, MAX_LINES).map(({ severity, code, subject, message, about }) => {
    const cluster = about['cluster'] === undefined ? '' : ` (${about['cluster']})`;
    return { sign: SIGNS[severity], code, text: `${subject}${cluster}: ${message}` };
  });
  return {
    title: alarms.length === 1 ? 'tagproof: one alarm' : `tagproof: ${alarms.length} alarms`,
    lines,
    rest: alarms.length > MAX_LINES ? [`… and ${alarms.length - MAX_LINES} more`] : [],
  };
}

function slackMessage(alarms: readonly Alarm[]): object {
  const { title, lines, rest } = linesOf(alarms);
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const printed = lines.map(({ sign, code, text }) => `${sign} *${code}* ${escaped(text)}`);
  return { text: [`*${title}*`, ...printed, ...rest].join('\n') };
}

/** An Adaptive Card, as workflows of Microsoft Teams accept it. */
function teamsMessage(alarms: readonly Alarm[]): object {
  const { title, lines, rest } = linesOf(alarms);
  const block = (text: string, more: object = {}) => ({ type: 'TextBlock', text, wrap: true, ...more });
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block(title, { weight: 'bolder' }),
      ...lines.map(({ sign, code, text }) => block(`${sign} **${code}** ${text.replaceAll(/[*_[\]]/g, '\\$&')}`)),
      ...rest.map((text) => block(text)),
    ],
  };
  return { type: 'message', attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', content }] };
}
