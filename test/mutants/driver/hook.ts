// Preloaded into every Node process of a mutant's run: serves the mutated text in place of one
// source file.
import childProcess from 'node:child_process';
import { readFileSync } from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';

/** Path of a JSON file `{url, text}`; the driver writes it and sets the variable. */
const described = process.env['TAGPROOF_MUTANT'];
if (described !== undefined) {
  const { url, text } = JSON.parse(readFileSync(described, 'utf8')) as { url: string; text: string };
  registerHooks({
    load(target, context, next) {
      const loaded = next(target, context);
      return target.split('?')[0] === url ? { ...loaded, source: text } : loaded;
    },
  });
  reachChildren({ TAGPROOF_MUTANT: described, NODE_OPTIONS: `--import=${import.meta.url}` });
}

/**
 * Tests start the command line with an environment of its own; the mutant must reach it all the
 * same.
 */
function reachChildren(variables: Readonly<Record<string, string>>): void {
  // spawn, execFile, exec and fork all end in this method, which Node's types leave out.
  const prototype = childProcess.ChildProcess.prototype as unknown as {
    spawn(options: { envPairs?: string[] }): unknown;
  };
  const spawn = prototype.spawn;
  prototype.spawn = function (options) {
    const missing = Object.entries(variables).filter(
      ([name]) => !options.envPairs?.some((pair) => pair.startsWith(`${name}=`)),
    );
    options.envPairs = [...(options.envPairs ?? []), ...missing.map(([name, value]) => `${name}=${value}`)];
    return spawn.call(this, options);
  };
  for (const name of ['spawnSync', 'execFileSync'] as const) {
    const original = childProcess[name] as (file: string, ...rest: unknown[]) => unknown;
    const replacement = (file: string, ...rest: unknown[]) => {
      const options = rest.at(-1);
      if (options !== null && typeof options === 'object' && 'env' in options)
        rest[rest.length - 1] = { ...options, env: { ...variables, ...(options.env as NodeJS.ProcessEnv) } };
      return original(file, ...rest);
    };
    Object.assign(childProcess, { [name]: replacement });
  }
  syncBuiltinESMExports();
}
