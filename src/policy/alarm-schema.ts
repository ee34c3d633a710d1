// The schema of `alarms` in tagproof.yaml: when an alarm is raised, and the sinks that it is sent
// to.
import * as v from 'valibot';
import { ALARM_CODE_NAMES } from './alarm-codes.ts';
import type { AlarmSettings } from './config.ts';
import { nearestName } from './suggest.ts';

const text = v.pipe(v.string(), v.nonEmpty('expected some text'));

/** A misspelt code would match no alarm: the sink would stay silent, and nobody would notice. */
const alarmCode = v.picklist(ALARM_CODE_NAMES, ({ input }) => {
  const nearest = typeof input === 'string' ? nearestName(input, ALARM_CODE_NAMES) : undefined;
  const hint = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
  return `there is no alarm with the code ${JSON.stringify(input)}.${hint} The codes are ${ALARM_CODE_NAMES.join(', ')}`;
});

/** A key for each setting of a sink: a new setting without a schema does not compile. */
const SINK = {
  name: text,
  kind: v.picklist(['webhook', 'slack', 'teams']),
  url: v.optional(v.pipe(text, v.regex(/^https?:\/\/\S+$/, 'expected an address with https://'))),
  urlFile: v.optional(text),
  secretFile: v.optional(text),
  codes: v.optional(v.array(alarmCode)),
} satisfies Record<keyof AlarmSettings['sinks'][number], v.GenericSchema>;

const SETTINGS = {
  /** A tag that moves after this many days without a move is remarkable. */
  restDays: v.optional(v.pipe(v.number(), v.minValue(1)), 30),
  /** Write Kubernetes Events about workloads. */
  events: v.optional(v.boolean(), false),
  sinks: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.strictObject(SINK),
          v.check(({ url, urlFile }) => (url === undefined) !== (urlFile === undefined), 'expected url or urlFile'),
        ),
      ),
      // A message waits in the ledger under the name of its sink: of two sinks with one name, the
      // first would get the messages of both, in the wrong format.
      v.rawCheck(({ dataset, addIssue }) => {
        if (!dataset.typed) return;
        for (const [index, sink] of dataset.value.entries())
          if (dataset.value.findIndex(({ name }) => name === sink.name) < index)
            addIssue({
              message: `two sinks are called '${sink.name}': give each its own name`,
              path: [
                { type: 'array', origin: 'value', input: dataset.value, key: index, value: sink },
                { type: 'object', origin: 'value', input: sink, key: 'name', value: sink.name },
              ],
            });
      }),
    ),
    [],
  ),
} satisfies Record<keyof AlarmSettings, v.GenericSchema>;

export const AlarmsSchema = v.strictObject(SETTINGS);
