// Preloaded into every Node process of a mutant's run: serves the mutated text in place of one source file.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

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
}
