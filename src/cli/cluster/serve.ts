// tagproof serve: starts one of two servers. Each is a command with options of its own.
import type { CommandRunner } from '../shared/command.ts';

const SERVERS: Readonly<Record<string, { summary: string; load: () => Promise<{ run: CommandRunner }> }>> = {
  admission: {
    summary: 'the webhook: answers admission reviews by the policy',
    load: () => import('./serve-admission.ts'),
  },
  watcher: {
    summary: 'the recorder: follows what runs and where tags point; alarms, dashboard, API',
    load: () => import('./serve-watcher.ts'),
  },
};

const HELP = `Usage: tagproof serve <server> [options]

Starts a server that runs until SIGTERM or SIGINT.

Servers:
${Object.entries(SERVERS)
  .map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`)
  .join('\n')}

Examples:
  tagproof serve admission --standalone
  tagproof serve watcher --ledger tagproof.db --port 8080

Each server has its own options: tagproof serve <server> --help
`;

export async function run([name = '', ...args]: string[]): Promise<number> {
  if (name === '--help' || name === '-h') {
    process.stdout.write(HELP);
    return 0;
  }
  const server = Object.hasOwn(SERVERS, name) ? SERVERS[name] : undefined;
  if (server === undefined) {
    const names = Object.keys(SERVERS).join(' or ');
    process.stderr.write(`error: tagproof serve '${name}': expected ${names} as the first argument (see --help)\n`);
    return 2;
  }
  return (await server.load()).run(args);
}
