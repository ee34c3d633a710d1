// Single faults in alarms and sinks: what fires, and who is told.
import type { Mutant } from './mutant.ts';

const SINKS = ['src/watcher/sinks.test.ts', 'src/watcher/notifier.test.ts'];
const ALARMS = ['src/watcher/alarm.test.ts', 'src/watcher/alerts.test.ts'];

export const ALARM_MUTANTS: readonly Mutant[] = [
  // Alarms.
  {
    name: 'an image on the blocklist that runs is no alarm',
    file: 'src/watcher/alarm.ts',
    from: "if (blocked !== null) add('blocked-image',",
    to: "if (blocked === '') add('blocked-image',",
    tests: ALARMS,
  },
  {
    name: 'a denied image that runs is no alarm',
    file: 'src/watcher/alarm.ts',
    from: "if (evidence?.outcome === 'deny') add('denied',",
    to: "if (evidence?.outcome === 'warn') add('denied',",
    tests: ALARMS,
  },
  {
    name: 'an image that could not be checked is no alarm',
    file: 'src/watcher/alarm.ts',
    from: "if (evidence?.outcome === 'open' || evidence?.outcome === 'warn')",
    to: "if (evidence?.outcome === 'warn')",
    tests: ALARMS,
  },
  {
    name: 'another image under a pin is no alarm',
    file: 'src/watcher/alarm.ts',
    from: "if (identity.state === 'different')",
    to: "if (identity.state === 'different' && blocked !== null)",
    tests: ALARMS,
  },
  {
    name: 'not known whether it is served counts as gone',
    file: 'src/watcher/alarm.ts',
    from: 'if (pullable?.served === false)',
    to: 'if (!pullable?.served)',
    tests: ALARMS,
  },
  {
    name: 'a hold that is kept is an alarm',
    file: 'src/watcher/alarm.ts',
    from: 'pullable.digest !== hold.digest && digest !== hold.digest',
    to: 'digest !== hold.digest',
    tests: ALARMS,
  },
  {
    name: 'a signature that could not be checked counts as lost',
    file: 'src/watcher/alarm.ts',
    from: "if (before.signers.length === 0 || now.outcome === 'open') return undefined;",
    to: 'if (before.signers.length === 0) return undefined;',
    tests: ALARMS,
  },
  {
    name: 'a signer who is replaced by another is no alarm',
    file: 'src/watcher/alarm.ts',
    from: 'if (lost.length === 0) return undefined;',
    to: 'if (now.signers.length > 0) return undefined;',
    tests: ALARMS,
  },
  {
    name: 'a move after a long rest is not critical',
    file: 'src/watcher/alarm.ts',
    from: 'restedMs >= restMs',
    to: 'restedMs < 0 * restMs',
    tests: ALARMS,
  },
  {
    name: 'the same alarm has a new key each time, and is told twice',
    file: 'src/watcher/alarm.ts',
    from: `key: \`\${code} \${cluster} \${subject}\`,`,
    to: `key: \`\${code} \${cluster} \${subject} \${performance.now()}\`,`,
    tests: ALARMS,
  },
  {
    name: 'evidence of the webhook counts as evidence of the watcher',
    file: 'src/watcher/alerts.ts',
    from: "row.source === 'watcher' && row.digest === digest",
    to: 'row.digest === digest',
    tests: ALARMS,
  },
  {
    name: 'signers are not compared after a move',
    file: 'src/watcher/alerts.ts',
    from: '      await this.#compareSigners(moved);\n',
    to: '',
    tests: ALARMS,
  },
  {
    name: 'alarms of one cluster end those of another',
    file: 'src/watcher/alerts.ts',
    from: 'await this.#raise(firingAlarms(rows, hasPolicy), cluster);',
    to: "await this.#raise(firingAlarms(rows, hasPolicy), cluster && 'all');",
    tests: ALARMS,
  },

  // Sinks.
  {
    name: 'messages to webhooks are not signed',
    file: 'src/watcher/sinks.ts',
    from: '  if (secretFile === undefined) return {};\n',
    to: '  if (secretFile !== undefined) return {};\n',
    tests: SINKS,
  },
  {
    name: 'the signature does not cover the body',
    file: 'src/watcher/sinks.ts',
    from: '.update(body)',
    to: ".update('')",
    tests: SINKS,
  },
  {
    name: 'two sinks of one name share an address',
    file: 'src/watcher/sinks.ts',
    from: 'if (twice !== undefined) throw',
    to: 'if (twice?.name === undefined && twice !== undefined) throw',
    tests: SINKS,
  },
  {
    name: 'a redirect counts as delivered',
    file: 'src/watcher/notifier.ts',
    from: 'status >= 200 && status < 300',
    to: 'status >= 200 && status < 400',
    tests: SINKS,
  },
  {
    name: 'a failure of the sink counts as delivered',
    file: 'src/watcher/notifier.ts',
    from: 'status >= 200 && status < 300',
    to: 'status >= 200',
    tests: SINKS,
  },
  {
    name: 'the address of a sink, which may be its secret, is logged',
    file: 'src/watcher/notifier.ts',
    from: ".message.replaceAll(/https?:\\/\\/\\S+/g, '…')",
    to: '.message',
    tests: SINKS,
  },
  {
    name: 'a message is tried for ever',
    file: 'src/watcher/notifier.ts',
    from: 'if (isLast) return alarms.delivered(id);',
    to: '',
    tests: SINKS,
  },
  {
    name: 'a failed message is tried again at once',
    file: 'src/watcher/notifier.ts',
    from: 'now + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** tries)',
    to: 'now + tries',
    tests: SINKS,
  },
  {
    name: 'a sink hears of codes that it did not name',
    file: 'src/watcher/notifier.ts',
    from: 'sink.codes === undefined || ',
    to: 'sink.codes !== undefined || sink.codes === undefined || ',
    tests: SINKS,
  },
  {
    name: 'text of a cluster becomes markup in Slack',
    file: 'src/watcher/sinks.ts',
    from: ".replaceAll('<', '&lt;')",
    to: '',
    tests: SINKS,
  },
  {
    name: 'text of a cluster becomes a link in Teams',
    file: 'src/watcher/sinks.ts',
    from: ".replaceAll(/[*_[\\]]/g, '\\\\$&')",
    to: '',
    tests: SINKS,
  },
];
