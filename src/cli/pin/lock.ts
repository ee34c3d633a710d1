// tagproof lock: puts tagproof.lock into a registry, for clusters that take it from there, and gets it back.
import { Argument } from 'commander';
import { readLockArtifact } from '../../admission/lock-source.ts';
import { readNamed } from '../../file.ts';
import type { Reference } from '../../flow.ts';
import { parseReference, withDigest } from '../../image/reference.ts';
import { LOCK_TYPE, parseLock } from '../../lock/lock.ts';
import { Problem } from '../../problem.ts';
import { plural } from '../../report/plural.ts';
import { type CommonOptions, defineCommand, execute } from '../shared/command.ts';
import { LOCK_HELP, openProject } from '../shared/project.ts';
import { type RegistryFlags, registryOptions, withClient } from '../shared/registry.ts';

const EXAMPLES = `
tagproof lock push ghcr.io/org/deploy/lock:production
tagproof sign --key release.key ghcr.io/org/deploy/lock:production
tagproof serve admission --lock oci://ghcr.io/org/deploy/lock:production …
tagproof lock pull ghcr.io/org/deploy/lock:production > tagproof.lock
`;

type Options = CommonOptions & RegistryFlags & { lock?: string };

export function run(args: string[]): Promise<number> {
  const command = registryOptions(
    defineCommand('lock', 'Puts tagproof.lock into a registry, for clusters that take it from there.', EXAMPLES),
  )
    .addArgument(new Argument('<what>', 'what to do').choices(['push', 'pull']))
    .argument('<image>', 'where it lives there: ghcr.io/org/deploy/lock:production')
    .option('--lock <file>', `push: ${LOCK_HELP}`);
  return execute<Options>(command, args, async ([what, image], options, context) => {
    const reference = parseReference(image as string);
    if (reference instanceof Problem) throw reference;
    const { config, lock } = await openProject(options);
    return withClient(options, config, context, async (client) => {
      if (what === 'pull') {
        const stdout = await readLockArtifact(client, reference);
        return {
          report: reportOf(reference, `${plural(parseLock(stdout, reference.text).size, 'image')} in the lock`),
          stdout,
        };
      }
      const text = readNamed(lock);
      const count = parseLock(text.toString('utf8'), lock).size; // a broken lock is not handed out
      const artifact = { artifactType: LOCK_TYPE, layer: text, layerType: LOCK_TYPE, annotations: {} };
      const digest = await client.pusher(reference).put(reference.tag ?? 'latest', artifact);
      return {
        report: reportOf(reference, `${plural(count, 'image')} pushed as ${withDigest(reference, digest).text}`),
      };
    });
  });
}

const reportOf = (reference: Reference, line: string) => ({
  command: 'lock',
  sections: [],
  findings: [],
  problems: [],
  summary: [line],
  data: { image: reference.text, says: line },
});
