// The dashboard in Chromium, over the real API and a real ledger: every view is clicked through, in
// both themes, wide and narrow. No error in the console, no request to another host, and the
// accessibility rules of axe.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { type Browser, chromium, type Page } from 'playwright-core';
import { createApi } from '../../src/api/api.ts';
import { oneTimeToken } from '../../src/api/auth.ts';
import { loadPages } from '../../src/api/static-files.ts';
import { C, ROWS, recordedLedger, sourceOf } from './dashboard-fixtures.ts';
import { atEnd, suite } from './suite.ts';

suite('the dashboard in Chromium', ['chromium'], () => {
  let browser: Browser;
  let url = '';
  let origin = '';
  let rows = ROWS;

  before(async () => {
    const ledger = await recordedLedger();
    const { token, guard } = oneTimeToken();
    const source = sourceOf(() => rows);
    const app = createApi({ source, ledger, guard, pages: await loadPages(), hosts: ['127.0.0.1'] });
    const server = createServer(getRequestListener(app.fetch));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    url = `${origin}/?token=${token}`;
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
    atEnd(async () => {
      await browser.close();
      server.closeAllConnections();
      server.close();
      await ledger.close();
    });
  });

  async function open(
    scheme: 'light' | 'dark',
    width: number,
    bypassCSP = false,
  ): Promise<{ page: Page; faults: string[] }> {
    const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 }, bypassCSP });
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(error.message));
    page.on(
      'request',
      (request) =>
        !request.url().startsWith(origin) &&
        !request.url().startsWith('data:') &&
        faults.push(`asked ${request.url()}`),
    );
    await page.goto(url);
    await page.waitForSelector('table');
    return { page, faults };
  }

  /** Not waitForFunction: that evaluates text in the page, which its own policy forbids. */
  async function until(page: Page, expression: string): Promise<void> {
    for (let i = 0; !(await page.evaluate(expression)); i++) {
      assert.ok(i < 100, `${expression}: ${await page.innerText('body')}`);
      await sleep(50);
    }
  }

  for (const [scheme, width] of [
    ['light', 1600],
    ['dark', 1600],
    ['light', 400],
    ['dark', 400],
  ] as const)
    test(`every view, ${scheme}, ${width} px`, { timeout: 60_000 }, async () => {
      const { page, faults } = await open(scheme, width);
      assert.equal(new URL(page.url()).searchParams.get('token'), null, 'the token leaves the address');
      const fits = () => page.evaluate('document.documentElement.scrollWidth <= innerWidth');
      assert.ok(await fits());
      assert.match(
        await page.innerText('nav[aria-label=Filters]'),
        /All 153[\s\S]*Not pinned 152[\s\S]*Not verified 2[\s\S]*Tag moved 1[\s\S]*Mixed replicas 1[\s\S]*Not pullable 1[\s\S]*Held 1[\s\S]*Unknown 1/,
      );
      await page.click('nav button:has-text("Tag moved")');
      await until(page, 'document.querySelectorAll("tbody tr").length === 1');
      assert.match(
        await page.innerText('tbody'),
        /shop\/Deployment\/web[\s\S]*held: v2 leaks[\s\S]*×9[\s\S]*×1[\s\S]*blocked: it leaks[\s\S]*would be denied[\s\S]*not signed at all; checked 2 min ago[\s\S]*tag moved[\s\S]*gone/,
      );
      await page.click('button:has-text("shop/Deployment/web")');
      await page.waitForSelector('aside .diff table');
      const drawer = await page.innerText('aside');
      assert.match(drawer, /9 pods on 1 node/);
      assert.match(drawer, new RegExp(`tagproof rollback shop/Deployment/web --to ${C} --diff`));
      assert.equal(await page.locator('aside svg rect').count(), 6);
      assert.match(drawer, /signed by release: key 3fa1[\s\S]*can no longer be pulled/);
      assert.match(
        drawer,
        /COLLECT_TO[\s\S]*hash 0[\s\S]*hash 1[\s\S]*revision[\s\S]*4f1c9d2[\s\S]*e0a7b66/,
        'what changed',
      );
      assert.equal(
        await page.getAttribute('aside .diff a', 'href'),
        'https://github.com/shop/web/compare/4f1c9d2...e0a7b66',
      );
      // To the time when C ran: the slider is moved to its beginning with the keyboard.
      await page.focus('aside input[type=range]');
      await page.keyboard.press('Home');
      await until(page, `document.querySelector(".then").innerText.includes("ran ${C.slice(0, 19)}")`);
      assert.match(await page.innerText('.then'), new RegExp(`The tag pointed to ${C.slice(0, 19)}`));
      assert.ok(await fits());
      await page.keyboard.press('Escape');
      await page.waitForSelector('aside', { state: 'detached' });
      await page.click('nav button:has-text("Unknown")');
      await until(page, 'document.body.innerText.includes("registry.test did not answer")');
      await page.click('nav button:has-text("All")');
      await page.fill('input[type=search]', 'worker');
      await until(page, 'document.querySelector("tbody")?.innerText.includes("shop/Deployment/worker")');
      assert.match(await page.innerText('tbody'), /tag and digest[\s\S]*as declared/);
      assert.match(page.url(), /q=worker/, 'the search is in the address');
      await page.fill('input[type=search]', 'no such thing');
      await page.waitForSelector('.empty');
      await page.fill('input[type=search]', '');
      await page.waitForSelector('button.more');
      await page.click('button.more');
      await until(page, 'document.querySelectorAll("tbody tr").length === 153');
      await page.fill('input[name=digest]', C);
      await page.click('text=Find');
      await until(page, 'document.querySelector("output")?.innerText.includes("shop/Deployment/web")');
      await page.fill('input[name=digest]', 'sha256:short');
      await page.click('text=Find');
      await until(page, 'document.querySelector("output")?.innerText.includes("expected a digest")');
      await page.fill('input[name=digest]', 'registry.test/shop/web:v1');
      await page.click('text=Find');
      await until(
        page,
        'document.querySelector("output")?.innerText.includes("Runs in 2 containers now, ran in 3 in total")',
      );
      await page.click('text=Clear');
      await page.click('nav button:has-text("Tag moves")');
      await until(page, 'document.querySelectorAll(".moves li").length === 2');
      await page.click('text=What changed? >> nth=0');
      await page.waitForSelector('.moves .diff table');
      assert.ok(await fits());
      await page.click('nav button:has-text("Alarms")');
      await until(page, 'document.querySelector("main").innerText.includes("1 message for ops not delivered yet")');
      assert.match(
        await page.innerText('main'),
        /mixed-replicas[\s\S]*shop\/Deployment\/web main in prod: A on 9 pods/,
      );
      await page.click('nav button:has-text("Freshness")');
      await until(page, 'document.querySelector("main").innerText.includes("40 of 100 left in 6 h")');
      assert.match(page.url(), /view=polls/);
      assert.ok(await fits());
      assert.deepEqual(
        faults.filter((text) => !/400 \(Bad Request\)/.test(text)),
        [],
      );
      await page.context().close();
    });

  test('axe finds no violation, in both themes, with the drawer open', { timeout: 60_000 }, async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const check = async (page: Page, where: string) => {
      await page.evaluate(axe);
      const { violations } = (await page.evaluate('axe.run(document, { runOnly: ["wcag2a", "wcag2aa"] })')) as {
        violations: { id: string; nodes: { html: string }[] }[];
      };
      assert.deepEqual(
        violations.map(({ id, nodes }) => `${where} ${id}: ${nodes[0]?.html}`),
        [],
      );
    };
    for (const scheme of ['light', 'dark'] as const) {
      const { page } = await open(scheme, 1200, true);
      for (const view of ['Tag moves', 'Alarms', 'Freshness']) {
        await page.click(`nav button:has-text("${view}")`);
        await page.waitForSelector('main > :not([aria-busy])');
        await check(page, `${scheme} ${view}`);
      }
      await page.click('nav button:has-text("What is deployed")');
      await page.click('nav button:has-text("Mixed replicas")');
      await page.click('button:has-text("shop/Deployment/web")');
      await page.waitForSelector('aside svg');
      await page.waitForSelector('aside .diff table');
      await check(page, `${scheme} drawer`);
      await page.context().close();
    }
  });

  test('without the token the page says what to do, and nothing else; an empty cluster is not an error', async () => {
    const page = await browser.newPage();
    await page.goto(`${origin}/`);
    await page.waitForSelector('[role=alert]');
    assert.match(await page.innerText('[role=alert]'), /Open the address that the watcher printed/);
    await page.close();
    rows = [];
    const empty = await browser.newPage();
    await empty.goto(url);
    await empty.waitForSelector('.empty');
    assert.match(await empty.innerText('.empty'), /Nothing runs here/);
    await empty.close();
    rows = ROWS;
  });
});
