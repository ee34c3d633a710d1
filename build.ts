// Builds the release: one bundled package without dependencies in dist/ (or the folder given), ready for `npm pack ./dist`.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { build, type Plugin } from 'esbuild';

/** What most commands use; a built-in that is not here has a chunk of its own. */
const USED_BUILTINS = ['fs', 'path', 'process', 'url', 'util', 'os', 'crypto', 'events', 'buffer', 'child_process']
  .concat('fs/promises', 'timers/promises')
  .map((name) => `node:${name}`);

/**
 * Node's own modules are loaded when they are first used. Node's ESM wrapper of a built-in reads every export, which pulls
 * in its lazy parts (node:fs brings readline and streams): a third of the start-up time of a command.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    // Each chunk costs a fifth of a millisecond at every start. esbuild makes a chunk of the modules that the same commands need.
    // Built-ins that require each other are needed by the same commands, so they are one chunk; the condition is never true.
    onResolve({ filter: /^tagproof:builtins$/ }, ({ path }) => ({ path, namespace: 'builtins' }));
    onLoad({ filter: /.*/, namespace: 'builtins' }, () => ({
      contents: `exports.all = () => { ${USED_BUILTINS.map((name) => `require(${JSON.stringify(name)});`).join(' ')} };`,
    }));
    const together = "\nif (0 > Math.E) require('tagproof:builtins');";
    onResolve({ filter: new RegExp(`^(node:.+|${builtinModules.join('|')})$`) }, ({ path, kind }) => ({
      path,
      // Of a CommonJS module `import()` gives only its default, and our sources import names.
      namespace: kind === 'dynamic-import' ? 'builtin-names' : 'builtin',
    }));
    onLoad({ filter: /.*/, namespace: 'builtin-names' }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) as object).filter((name) =>
        /^[A-Za-z_$][\w$]*$/.test(name),
      );
      const lines = names.filter((name) => name !== 'default').map((name) => `export const ${name} = builtin.${name};`);
      return {
        contents: `const builtin = process.getBuiltinModule(${JSON.stringify(path)});\nexport default builtin;\n${lines.join('\n')}`,
      };
    });
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
      const builtin = process.getBuiltinModule(path) as object;
      // A module that is itself a function (events, stream) is taken as it is: somebody may extend it.
      if (typeof builtin === 'function')
        return { contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});${together}` };
      return {
        contents: `let loaded;
          for (const name of ${JSON.stringify(Object.keys(builtin))})
            Object.defineProperty(exports, name, { enumerable: true, get: () => (loaded ??= process.getBuiltinModule(${JSON.stringify(path)}))[name] });${together}`,
      };
    });
  },
};

/**
 * Parts of undici that its index loads and nothing here uses: a quarter of the package. Each
 * is an empty module; code that starts to use one gets `undefined` at once, in every test of the bundle.
 */
const unusedParts: Plugin = {
  name: 'unused-parts',
  setup({ onLoad }) {
    const folders = /[\\/]undici[\\/]lib[\\/](?:mock|cache|interceptor|web[\\/](?:cookies|eventsource|websocket))[\\/]/;
    onLoad({ filter: folders }, () => ({ contents: 'module.exports = {};' }));
  },
};

const out = process.argv[2] ?? 'dist';
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

await build({
  entryPoints: { main: 'src/cli/main.ts', worker: 'src/source/worker.ts' },
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24.15',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'external',
  plugins: [lazyBuiltins, unusedParts],
  logLevel: 'warning',
});

// The dashboard: three files beside the chunks.
await build({
  entryPoints: { app: 'web/main.tsx' },
  outdir: `${out}/web`,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  logLevel: 'warning',
});
for (const file of ['index.html', 'style.css']) copyFileSync(`web/${file}`, `${out}/web/${file}`);

const { name, version, description, license, type, engines } = JSON.parse(readFileSync('package.json', 'utf8'));
const manifest = {
  name,
  version,
  description,
  license,
  type,
  engines,
  bin: { tagproof: './main.js', 'kubectl-tagproof': './main.js' },
  keywords: ['kubernetes', 'container', 'image', 'digest', 'pin', 'supply-chain', 'oci'],
};
writeFileSync(`${out}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) copyFileSync(file, `${out}/${file}`);
chmodSync(`${out}/main.js`, 0o755);
