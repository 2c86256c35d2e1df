#!/usr/bin/env node
// Reads site/ in a real browser, from the disk: every page at 360 pixels and at 1400; the
// axe rules of WCAG 2.2 AA in light and in dark; search, previews, theme and live heaps by
// keyboard; without scripts. Prints what is wrong, and how many checks held.
'use strict';
const {existsSync, readdirSync, readFileSync, statSync} = require('fs');
const {join, resolve} = require('path');
const {pathToFileURL} = require('url');
const {gzipSync} = require('zlib');

const root = join(__dirname, '..', '..');
const npm = join(root, 'build/npm/node_modules');
const {chromium} = require(join(npm, 'playwright-core'));
const axe = readFileSync(join(npm, 'axe-core/axe.min.js'), 'utf8');
const site = resolve(process.argv[2] ?? join(root, 'site'));
const url = page => pathToFileURL(join(site, page)).href;
const browserPath = ['/usr/lib/chromium/chromium', '/usr/bin/chromium'].find(existsSync);

let passed = 0, failed = 0;
function check(holds, what) {
  if (holds) passed++; else { failed++; console.log(`wrong: ${what}`); }
}
const pages = readdirSync(site).filter(name => name.endsWith('.html')).sort();
const chapters = pages.filter(name => /^\d\d-[^.]*\.html$/.test(name));
const files = pages.filter(name => /^\d.*\..*\.html$/.test(name));
// All that is no page of a file, and the longest and the shortest of these.
const bySize = [...files].sort((a, b) => statSync(join(site, a)).size - statSync(join(site, b)).size);
const kinds = pages.filter(name => !files.includes(name) && name !== 'book.html').concat(bySize[0] ?? [], bySize.at(-1) ?? []);
const having = text => chapters.find(name => readFileSync(join(site, name), 'utf8').includes(text));
const live = having('data-heap='), scheduled = having('data-schedule=');

async function open(browser, options = {}) {
  const context = await browser.newContext({viewport: {width: 1400, height: 900}, ...options});
  const page = await context.newPage();
  page.requests = [];
  page.on('request', request => page.requests.push(request.url()));
  page.on('pageerror', error => check(false, `${page.url()}: ${error.message}`));
  page.on('console', message => { if (message.type() === 'error') check(false, `${page.url()}: ${message.text()}`); });
  return page;
}

// No page is wider than a telephone, and none asks for anything that is not beside it.
async function telephone(browser) {
  const page = await open(browser, {viewport: {width: 360, height: 800}});
  for (const name of pages) {
    await page.goto(url(name), {waitUntil: 'load'});
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    check(width <= 360, `${name} is ${width} pixels wide on a screen of 360`);
  }
  const outside = page.requests.filter(address => !address.startsWith(pathToFileURL(site).href) && !address.startsWith('data:'));
  check(outside.length === 0, `fetched from outside: ${outside.join(' ')}`);
  await page.context().close();
}

// What axe finds. Code is made alike on all pages, and looked at in one chapter and one
// file: it is most of a page. A link that is a line of code may be as low as the line: WCAG 2.5.8.
async function violationsOf(page, runOnly, where) {
  await page.evaluate(axe);
  return page.evaluate(async ([runOnly, where]) => {
    const {violations} = await axe.run(where ?? document, {runOnly, resultTypes: ['violations'], preload: false});
    return violations.map(({id, nodes}) => ({id, nodes: nodes.filter(node => id !== 'target-size' || !document.querySelector(node.target[0])?.closest('pre'))
      .map(node => `${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`)})).filter(violation => violation.nodes.length > 0)
      .map(({id, nodes}) => `${id} (${nodes.length}): ${nodes[0]}`).join('; ');
  }, [runOnly, where]);
}
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
async function accessible(browser, colorScheme) {
  const page = await open(browser, {colorScheme});
  for (const name of colorScheme === 'light' ? kinds : [...chapters, 'index.html', 'chunks.html', bySize[0]]) {
    await page.goto(url(name));
    const context = [live, bySize[0]].includes(name) ? undefined : {exclude: ['pre code']};
    const found = await violationsOf(page, colorScheme === 'light' ? WCAG : ['color-contrast'], context);
    check(found === '', `${name} in ${colorScheme}: ${found}`);
  }
  await page.context().close();
}

async function search(browser) {
  const page = await open(browser);
  await page.goto(url('index.html'));
  await page.keyboard.press('/');
  await page.keyboard.type('mem_sbkr');
  await page.waitForSelector('.search [role=option]');
  const first = await page.textContent('.search [role=option][aria-selected=true] .title');
  check(first === 'mem_sbrk', `a search for mem_sbkr finds ${first} first`);
  const found = await violationsOf(page, WCAG, 'dialog');
  check(found === '', `the search: ${found}`);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.waitForURL(/#chunk-/);
  check(await page.evaluate(() => document.querySelector(':target') !== null), `${page.url()} is nowhere`);
  await page.keyboard.press('Control+k');
  check(await page.isVisible('.search'), 'Ctrl-K does not open the search');
  await page.keyboard.press('Escape');
  check(!await page.isVisible('.search'), 'Escape does not close the search');
  await page.context().close();
}

async function previews(browser) {
  const page = await open(browser);
  for (const name of chapters) {
    await page.goto(url(name));
    const other = page.locator('.foot a.id[href*=".html#chunk-"], pre a.id[href*=".html#chunk-"]').first();
    const link = await other.count() > 0 ? other : page.locator('.foot a.id[href^="#chunk-"]').first();
    if (await link.count() === 0) continue;
    await page.keyboard.press('Tab');    // from here on the focus is seen
    await link.focus();
    await page.waitForSelector('.preview mark').catch(() => {});
    const marked = await page.locator('.preview mark').allTextContents();
    check(marked[0] === await link.textContent(), `${name}: the preview of ${await link.textContent()} shows ${marked}`);
    await page.keyboard.press('Escape');
    check(!await page.isVisible('.preview'), `${name}: Escape does not hide a preview`);
    const use = page.locator('pre a.use').first();
    if (await use.count() === 0) continue;
    await use.hover();
    await page.waitForSelector('.preview:not([hidden]) pre').catch(() => {});
    check(await page.isVisible('.preview'), `${name}: no preview of a chunk under the pointer`);
  }
  await page.context().close();
}

async function theme(browser) {
  const page = await open(browser, {colorScheme: 'light'});
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.goto(url('index.html'));
  const light = await paper();
  await page.focus('.theme');
  await page.keyboard.press('Enter');
  check(await paper() === light, 'light is not the light of the system');
  await page.keyboard.press('Enter');
  const dark = await paper();
  check(dark !== light, 'the switch does not make it dark');
  await page.goto(url('chunks.html'));
  check(await paper() === dark, 'the theme does not stay');
  await page.focus('.theme');
  await page.keyboard.press('Enter');
  check(await paper() === light, 'the switch does not go back to the system');
  await page.context().close();
}

// A heap is stepped, changed by calls, compared, and put back, all by keyboard. What it
// shows is what heaps.js has compared with this machine's.
async function heaps(browser) {
  const page = await open(browser);
  await page.addInitScript(() => { window.drawings = 0; addEventListener('drawn', () => drawings++, true); });
  await page.goto(url(live));
  const figure = page.locator('figure[data-heap]').first();
  await figure.scrollIntoViewIfNeeded();
  const drawn = await figure.locator('.picture svg').first().innerHTML();
  const act = async (locator, key) => {
    const before = await page.evaluate(() => drawings);
    await locator.press(key);
    await page.waitForFunction(before => drawings > before, before, {timeout: 20e3})
      .catch(() => { throw new Error(`nothing is drawn after ${key} on ${locator}`); });
  };
  const button = name => figure.getByRole('button', {name, exact: true});
  const shapes = html => html.replace(/(id="|url\(#)[^")]*/g, '');
  await act(button('One operation back'), 'Enter');
  await act(button('One operation on'), 'Enter');
  check(shapes(await figure.locator('.picture svg').first().innerHTML()) === shapes(drawn), `${live}: the live picture is not the drawn one`);
  await act(figure.getByRole('slider'), 'Home');
  check(/^0 of/.test(await figure.locator('.where').textContent()), 'the slider does not go to the beginning');
  await act(button('Play'), 'Enter');
  await button('Pause').press('Enter');
  await act(button('To the end'), 'Enter');
  await figure.locator('.own summary').focus();
  await page.keyboard.press('Enter');
  await figure.locator('.call').first().waitFor();
  const rows = () => figure.locator('.counters tbody tr').count();
  const live_ = async () => (await figure.locator('.counters tbody td').first().textContent()).replace(',', '');
  const before = Number(await live_());
  await figure.getByRole('spinbutton').fill('48');
  await act(button('malloc'), 'Enter');
  check(Number(await live_()) === before + 48, `48 bytes more are ${await live_()}, there were ${before}`);
  check(/malloc\(48\)/.test(await figure.locator('.where').textContent()), 'the call is not shown');
  await act(button('free'), 'Enter');
  const others = figure.getByRole('combobox', {name: 'the same on'});
  check(await others.locator('option').count() > 2, 'there is no other allocator to compare with');
  await act(others, 'ArrowDown');
  check(await rows() === 2 && await figure.locator('.second svg').count() === 1, 'no second heap beside the first');
  await figure.locator('.as-text summary').focus();
  await page.keyboard.press('Enter');
  check(/bytes, \d+ a character/.test(await figure.locator('.as-text pre').textContent()), 'the heap is not there as text');
  await figure.getByRole('spinbutton').fill('4000000000');
  await act(button('malloc'), 'Enter');
  check(/NULL/.test(await figure.locator('.complaint').textContent()), 'a heap that fails does not say so');
  await act(button('back to the trace'), 'Enter');
  check(await figure.locator('.complaint').isHidden(), 'the complaint stays');
  const found = await violationsOf(page, WCAG, 'figure[data-heap]');
  check(found === '', `a live heap: ${found}`);
  await page.context().close();
}

// A recorded schedule is stepped through by keyboard.
async function schedule(browser) {
  const page = await open(browser);
  await page.goto(url(scheduled));
  const player = page.locator('[data-schedule] + .live').first();
  await player.getByRole('button', {name: 'Last step'}).press('Enter');
  await player.locator('.picture svg').waitFor();
  const rows = page.locator('[data-schedule]').first().locator('tbody tr');
  check(await rows.last().getAttribute('aria-current') === 'step', 'the last step is not marked');
  const last = await player.locator('.picture').innerHTML();
  await player.getByRole('slider').press('Home');
  check(await rows.first().getAttribute('aria-current') === 'step', 'the first step is not marked');
  check(await player.locator('.picture').innerHTML() !== last, 'the heap of the first step is that of the last');
  const found = await violationsOf(page, WCAG, '[data-schedule] + .live');
  check(found === '', `a schedule: ${found}`);
  await page.context().close();
}

// Without scripts there is the book, and no control that does nothing.
async function withoutScripts(browser) {
  const page = await open(browser, {javaScriptEnabled: false});
  await page.goto(url(live));
  check(await page.locator('figure[data-heap] svg').first().isVisible(), 'without scripts there is no heap');
  check(await page.locator('button').count() === 0, 'without scripts there are buttons');
  await page.context().close();
}

// A page with what it loads: 300 kB compressed, 2 MB raw.
function sizes() {
  for (const name of pages) {
    if (name === 'book.html') continue;
    const html = readFileSync(join(site, name));
    const assets = [...html.toString().matchAll(/ (?:src|href)="([\w.-]+\.(?:js|css))"/g)].map(match => readFileSync(join(site, match[1])));
    const all = Buffer.concat([html, ...assets]);
    check(all.length <= 2e6, `${name} is ${all.length} bytes with what it loads`);
    const packed = gzipSync(all).length;
    check(packed <= 300e3, `${name} is ${packed} bytes packed with what it loads`);
    check(!/<script(?![^>]*\bdefer\b)[^>]*src=/.test(html), `${name}: a script that the first paint waits for`);
  }
}

(async () => {
  const browser = await chromium.launch({executablePath: browserPath, args: ['--no-sandbox']});
  const timer = setTimeout(() => { console.log('wrong: not done in 280 seconds'); process.exit(1); }, 280e3);
  const attempt = async (what, ...words) => {
    try { await what(browser, ...words); } catch (error) { check(false, `${what.name}: ${error.message.split('\n').slice(0, 4).join(' ')}`); }
  };
  sizes();
  await Promise.all([
    (async () => { await attempt(telephone); await attempt(search); await attempt(theme); await attempt(withoutScripts); })(),
    (async () => { await attempt(accessible, 'light'); await attempt(accessible, 'dark'); })(),
    (async () => { await attempt(previews); if (live) await attempt(heaps); if (scheduled) await attempt(schedule); })(),
  ]);
  clearTimeout(timer);
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
})();
