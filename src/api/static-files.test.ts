// The dashboard's files: built from the sources, served without a token, and without anything from
// another host.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApi } from '../../test/api-fixtures.ts';
import { loadPages } from './static-files.ts';

test('three files with their types; they need no token, and what they ask for does', async () => {
  const { ask } = await openApi([], { pages: await loadPages() });
  const cases: [path: string, type: string][] = [
    ['/', 'text/html; charset=utf-8'],
    ['/app.js', 'text/javascript; charset=utf-8'],
    ['/style.css', 'text/css; charset=utf-8'],
  ];
  for (const [path, type] of cases) {
    const answer = await ask(path, {});
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, type]);
    assert.ok((await answer.text()).length > 100);
  }
  assert.equal((await ask('/api/v1/deployed', {})).status, 401);
  assert.equal((await ask('/../package.json', {})).status, 404);
  assert.equal((await ask('/main.tsx', {})).status, 404);
});

test('the files load nothing from another host, and run nothing that the content security policy forbids', async () => {
  const pages = await loadPages();
  const html = pages['/'].body;
  assert.deepEqual(
    [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address),
    ['/style.css', 'data:,', '/app.js'],
  );
  assert.doesNotMatch(html, /<script(?![^>]*src=)|\son\w+=/i);
  assert.doesNotMatch(pages['/style.css'].body, /@import|url\((?!['"]?data:)/);
  assert.doesNotMatch(pages['/app.js'].body, /\beval\(|new Function\(/);
});

test('the bundle of the dashboard holds none of the server', async () => {
  const script = (await loadPages())['/app.js'].body;
  assert.doesNotMatch(script, /valibot|node:|kysely|timingSafeEqual/);
  assert.ok(script.length < 200_000, `${script.length}`);
});
