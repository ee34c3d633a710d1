// Where a run is: which configuration it obeys, which lock it keeps, where the repository begins. The one place that decides that.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { nameFrom, repositoryTop } from '../../git.ts';
import { type Config, NO_CONFIG } from '../../policy/config.ts';
import { Problem } from '../../problem.ts';
import { CONFIGURATION_NAMES, LOCK_NAME } from '../../source/own-files.ts';

/** Paths without a note are as they are shown: relative to the working directory. */
export type Project = {
  /** Absolute. Paths that the user typed and paths that are shown are relative to it. */
  readonly cwd: string;
  /** Absolute. The top of the git repository, else `root`: files have the same names there from every folder. */
  readonly top: string;
  /** Absolute. Patterns about files begin here, and the lock stands here. */
  readonly root: string;
  /** True where a git repository or a configuration says how far the project reaches. */
  readonly isBounded: boolean;
  readonly configuration: string | undefined;
  readonly lock: string;
};
export type OpenProject = Project & { readonly config: Config };

export const CONFIG_HELP = 'configuration (default: tagproof.yaml, here or further up in the repository)';
export const LOCK_HELP = 'the lock (default: tagproof.lock beside the configuration, or at the top of the repository)';

/** What the user named instead of what would be found. */
export type ProjectFlags = { readonly config?: string | undefined; readonly lock?: string | false | undefined };

/**
 * The configuration is the nearest one at or above the working directory, inside the git repository. Outside of a
 * repository only the working directory counts: a file further up may be somebody else's. The lock stands beside the
 * configuration, or at the top of the repository. A configuration that the user names replaces the settings; where the
 * project is and its lock stay the same.
 * @throws Problem `conflict` for two configurations in one folder
 */
export function findProject({ config, lock }: ProjectFlags = {}, cwd = process.cwd()): Project {
  const repository = repositoryTop(cwd);
  const found = nearestConfiguration(cwd, repository ?? cwd);
  const root = found === undefined ? (repository ?? cwd) : dirname(found);
  const shown = (path: string) => relative(cwd, path);
  return {
    cwd,
    top: repository ?? root,
    root,
    isBounded: repository !== undefined || found !== undefined,
    configuration: config ?? (found && shown(found)),
    lock: lock || shown(join(root, LOCK_NAME)),
  };
}

function nearestConfiguration(from: string, last: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const here = configurationIn(folder);
    if (here !== undefined || folder === last) return here;
  }
}

/** @throws Problem `conflict` */
function configurationIn(folder: string): string | undefined {
  const [first, second] = CONFIGURATION_NAMES.map((name) => join(folder, name)).filter(
    (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true,
  );
  if (first === undefined || second === undefined) return first;
  throw new Problem('conflict', `there is ${relative(folder, second)} beside it: keep one of them`, { file: first });
}

/** Finds the project and reads its configuration. The reader is loaded only when there is one: it costs more than a scan of one file. */
export async function openProject(flags: ProjectFlags = {}): Promise<OpenProject> {
  const project = findProject(flags);
  const { configuration } = project;
  if (configuration === undefined) return { ...project, config: NO_CONFIG };
  const { readConfig } = await import('../../policy/config-file.ts');
  return { ...project, config: readConfig(configuration) };
}

/** For commands that need the settings only. @param file the configuration that the user named */
export async function loadConfig(file: string | undefined): Promise<Config> {
  return (await openProject({ config: file })).config;
}

/** The configuration to add to: the project's, or a new one at its root. */
export const configurationToWrite = ({ configuration, cwd, root }: Project): string =>
  configuration ?? relative(cwd, join(root, CONFIGURATION_NAMES[0]));

/** @returns the path of a file as git names it; absolute outside of the repository; as it is where there is no repository */
export function pathsInRepository(): (file: string) => string {
  let repository: { readonly top: string | undefined } | undefined; // looked for once, and only by formats that ask
  return (file) => {
    repository ??= { top: repositoryTop(process.cwd()) };
    if (repository.top === undefined) return file;
    const path = resolve(file);
    const name = nameFrom(repository.top, path);
    return name.startsWith('../') ? path.replaceAll(sep, '/') : name;
  };
}

/** Which files decided, a line for the end of a report; nothing where there is neither. */
export function projectLines({ configuration, lock, cwd }: Project): string[] {
  const hasLock = existsSync(resolve(cwd, lock));
  const parts = [
    ...(configuration === undefined ? [] : [`configuration: ${configuration}`]),
    ...(hasLock ? [`lock: ${lock}`] : []),
  ];
  const stray = resolve(cwd, LOCK_NAME) !== resolve(cwd, lock) && existsSync(join(cwd, LOCK_NAME));
  return [
    ...(parts.length === 0 ? [] : [parts.join(' · ')]),
    ...(stray ? [`${LOCK_NAME} in this folder is not used: the lock of this project is ${lock}`] : []),
  ];
}

/** The same for programs. */
export const projectData = ({ configuration, lock, cwd, root }: Project) => ({
  root: relative(cwd, root) || '.',
  ...(configuration !== undefined && { configuration }),
  lock,
});
