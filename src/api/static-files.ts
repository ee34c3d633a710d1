// The three files of the dashboard: from the release, or built from web/ when tagproof runs from
// its sources.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Hono } from 'hono';

export type Pages = Readonly<Record<'/' | '/app.js' | '/style.css', { readonly type: string; readonly body: string }>>;

const pagesOf = (index: string, script: string, style: string): Pages => ({
  '/': { type: 'text/html; charset=utf-8', body: index },
  '/app.js': { type: 'text/javascript; charset=utf-8', body: script },
  '/style.css': { type: 'text/css; charset=utf-8', body: style },
});

export async function loadPages(): Promise<Pages> {
  // The release is one folder of chunks, with the pages beside them (build.ts).
  const built = join(import.meta.dirname, 'web');
  if (existsSync(join(built, 'app.js'))) {
    const read = (name: string) => readFileSync(join(built, name), 'utf8');
    return pagesOf(read('index.html'), read('app.js'), read('style.css'));
  }
  const folder = join(import.meta.dirname, '../../web');
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  return pagesOf(read('index.html'), await bundle(join(folder, 'main.tsx')), read('style.css'));
}

async function bundle(entry: string): Promise<string> {
  // esbuild is a tool of development and no part of the release, so the bundler must not see its
  // name.
  const name: string = 'esbuild';
  const { build, stop } = (await import(name)) as typeof import('esbuild');
  try {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      jsx: 'automatic',
      jsxImportSource: 'preact',
    });
    return outputFiles[0]?.text ?? '';
  } finally {
    await stop(); // else its service outlives this process
  }
}

/** The files hold no data, so they need no token; what they request does. */
export function servePages(app: Hono, pages: Pages): void {
  for (const [path, { type, body }] of Object.entries(pages))
    app.get(path, (c) => c.body(body, 200, { 'content-type': type }));
}
