// The dashboard's three files: from the release, or made from web/ when tagproof runs from its sources.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hono } from 'hono';

export type Pages = Readonly<Record<'/' | '/app.js' | '/style.css', { readonly type: string; readonly body: string }>>;

const html = (body: string) => ({ type: 'text/html; charset=utf-8', body });
const script = (body: string) => ({ type: 'text/javascript; charset=utf-8', body });
const style = (body: string) => ({ type: 'text/css; charset=utf-8', body });

export async function loadPages(): Promise<Pages> {
  // The release is one folder of chunks, with the pages beside them (build.ts).
  const built = join(import.meta.dirname, 'web');
  if (existsSync(join(built, 'app.js'))) {
    const read = (name: string) => readFileSync(join(built, name), 'utf8');
    return { '/': html(read('index.html')), '/app.js': script(read('app.js')), '/style.css': style(read('style.css')) };
  }
  const folder = join(import.meta.dirname, '../../web');
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  // A tool of development, and no part of the release: its name is kept from the bundler.
  const bundler: string = 'esbuild';
  const { build } = (await import(bundler)) as typeof import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [join(folder, 'main.tsx')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
  });
  return {
    '/': html(read('index.html')),
    '/app.js': script(outputFiles[0]?.text ?? ''),
    '/style.css': style(read('style.css')),
  };
}

/** They hold no data, so whoever asks may have them; what they ask for needs the token. */
export function servePages(app: Hono, pages: Pages): void {
  for (const [path, { type, body }] of Object.entries(pages))
    app.get(path, (c) => c.body(body, 200, { 'content-type': type }));
}
