#!/usr/bin/env node
// The entrance of the command line: finds the command and loads only that one. Help costs no more than starting Node.
import { basename } from 'node:path';
import type { CommandRunner } from './shared/command.ts';
import { explainUnexpected } from './shared/unexpected.ts';

const COMMANDS: Record<string, { summary: string; load: () => Promise<{ run: CommandRunner }> }> = {
  scan: { summary: 'show every image reference and how firmly it is pinned', load: () => import('./pin/scan.ts') },
  pin: { summary: 'write the digest behind every tag', load: () => import('./pin/pin.ts') },
  unpin: { summary: 'take the digests out again, byte for byte', load: () => import('./pin/unpin.ts') },
  check: {
    summary: 'gate for CI: is everything pinned, and do the pins still hold',
    load: () => import('./pin/check.ts'),
  },
  verify: {
    summary: 'who signed an image, and does that satisfy the policy',
    load: () => import('./policy/verify.ts'),
  },
  sign: { summary: 'sign images by digest, with a key or keyless', load: () => import('./policy/sign.ts') },
  attest: { summary: 'sign a statement about images, from a predicate file', load: () => import('./policy/attest.ts') },
  trust: {
    summary: 'show, refresh, export and import the sigstore trust root',
    load: () => import('./policy/trust.ts'),
  },
  lock: { summary: 'put tagproof.lock into a registry, and get it back', load: () => import('./pin/lock.ts') },
  serve: {
    summary: 'answer admission reviews in a cluster, or watch what runs',
    load: () => import('./cluster/serve.ts'),
  },
  manifests: { summary: 'write what the webhook needs in a cluster', load: () => import('./cluster/manifests.ts') },
  status: {
    summary: 'what exactly is deployed now, and whether its tag has moved',
    load: () => import('./cluster/status.ts'),
  },
  history: {
    summary: 'what a tag pointed to, what a workload ran, from when to when',
    load: () => import('./cluster/history.ts'),
  },
  where: { summary: 'where a digest runs and ever ran', load: () => import('./cluster/where.ts') },
  rollback: { summary: 'roll back to exactly what ran before', load: () => import('./rollback/rollback.ts') },
  ledger: { summary: 'check the record, and carry it elsewhere', load: () => import('./cluster/ledger.ts') },
  doctor: {
    summary: 'find what is unprotected in a cluster, and how to fix it',
    load: () => import('./cluster/doctor.ts'),
  },
  simulate: {
    summary: 'what a policy would do to everything that exists in a cluster',
    load: () => import('./cluster/simulate.ts'),
  },
  report: { summary: 'what exists in a cluster, by the policy in force', load: () => import('./cluster/report.ts') },
  vap: { summary: 'write ValidatingAdmissionPolicies that require digests', load: () => import('./cluster/vap.ts') },
  policy: { summary: 'start, lint, explain and test the rules', load: () => import('./policy/policy.ts') },
  resolve: { summary: 'answer which digest an image is now', load: () => import('./pin/resolve.ts') },
  inspect: {
    summary: 'show what an image is: platforms, labels, source, closure',
    load: () => import('./pin/inspect.ts'),
  },
  diff: { summary: 'show how two images differ', load: () => import('./pin/diff.ts') },
  demo: { summary: 'try it all on a sample repository, without network', load: () => import('./demo/demo.ts') },
};

function help(name: string): string {
  const width = Math.max(...Object.keys(COMMANDS).map((command) => command.length)) + 2;
  const lines = Object.entries(COMMANDS).map(([command, { summary }]) => `  ${command.padEnd(width)}${summary}`);
  return `${name} - immutable container images, from Git to cluster

Usage: ${name} <command> [options] [paths or images]

${lines.join('\n')}

First steps:
  ${name} scan              what is pinned in this repository, and what is not?
  ${name} pin --diff        what would change?
  ${name} pin               write it
  ${name} check --online    in CI: everything pinned, nothing moved, nothing gone?

Exit codes: 0 fine · 1 findings · 2 something could not be done or checked
More: ${name} <command> --help
`;
}

async function main(args: string[]): Promise<number> {
  const name = basename(process.argv[1] ?? 'tagproof').startsWith('kubectl-') ? 'kubectl tagproof' : 'tagproof';
  const [first, ...rest] = args;
  if (first === undefined || first === '--help' || first === '-h' || (first === 'help' && rest.length === 0)) {
    process.stdout.write(help(name));
    return first === undefined ? 2 : 0;
  }
  if (first === '--version' || first === '-V' || first === 'version') {
    const { version } = await import('./shared/version.ts');
    process.stdout.write(`${version()}\n`);
    return 0;
  }
  const [command, commandArgs] = first === 'help' ? [rest[0] as string, ['--help']] : [first, rest];
  const entry = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
  if (entry === undefined) {
    process.stderr.write(
      `error: there is no command '${command}'; expected one of ${Object.keys(COMMANDS).join(', ')}\n`,
    );
    return 2;
  }
  const { run } = await entry.load();
  return run(commandArgs);
}

// A closed pipe (`tagproof check | head`) is the reader's choice. It neither sets nor hides the exit code: the
// command goes on to its verdict. Output that is lost for another reason (a full disk) is a failure.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') process.exit(2);
  });
// Exit code 1 means findings. An unexpected error, here or in a callback, must not look like that.
process.on('uncaughtException', (error) => {
  process.stderr.write(explainUnexpected(error));
  process.exit(2);
});
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(explainUnexpected(error));
  process.exitCode = 2;
}
