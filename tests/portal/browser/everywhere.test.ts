/** What holds of every page: axe finds nothing, in light and dark, on a desk and on a phone; nobody else is asked; small; by keyboard alone. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import t from 'tap';
import { grantDelegation } from '../../../bridge/acting/delegations.ts';
import { RESPONSIBILITY_VERSION } from '../../../bridge/acting/responsibility.ts';
import { type Browser, startBrowser } from './browser.ts';
import { ADMIN, CROWD, HELENE, MARTINE, PAUL, type PagesSite, pagesSite, READER } from './pages-site.ts';

const AXE = readFileSync(path.resolve(import.meta.dirname, '../../../node_modules/axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const MAILBOX = '/mailboxes/helene.martin%40example.org';
const PHONE = { width: 390, height: 844 };

const PAGES: readonly (readonly [who: string, path: string])[] = [
  [HELENE, MAILBOX],
  [HELENE, `${MAILBOX}/add`],
  [HELENE, `${MAILBOX}/add?search=yes&lastName=durand&city=brest`],
  [HELENE, `${MAILBOX}/add?search=yes&lastName=durand`],
  [HELENE, `${MAILBOX}/add?identifier=${CROWD[5]}`],
  [HELENE, `${MAILBOX}/remove?delegate=${MARTINE}`],
  [HELENE, `${MAILBOX}?did=grant&delegate=${MARTINE}&version=1`],
  [HELENE, `${MAILBOX}/history`],
  [HELENE, `${MAILBOX}/contact`],
  [HELENE, '/nowhere'],
  [PAUL, '/mailboxes'],
  [PAUL, '/mailboxes/ferme%40example.org'],
  [MARTINE, '/account'],
  [MARTINE, '/account/activate'],
  [MARTINE, '/account/mailboxes/helene.martin%40example.org'],
  [ADMIN, '/admin?q=helene'],
  [ADMIN, '/admin/audit'],
  [ADMIN, '/admin/held'],
  [ADMIN, '/admin/explain?mailbox=helene.martin%40example.org'],
  [READER, MAILBOX],
];

/** What axe finds, a line each. */
async function found(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  return page.evaluate(
    `axe.run(document, { runOnly: ${JSON.stringify(TAGS)} }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 160) + ' ' + failureSummary)))`,
  );
}

t.test('every page', async (t) => {
  const browser: Browser = await startBrowser();
  t.teardown(() => browser.close());
  const site: PagesSite = await pagesSite(t, () => browser);
  const acknowledged = RESPONSIBILITY_VERSION;
  for (const delegate of [MARTINE, ...CROWD.slice(0, 2)])
    await grantDelegation(site.admin, { mailbox: 'helene.martin@example.org', delegate, acknowledged });

  await t.test('axe finds nothing, nothing is wider than the window, nobody else is asked', async (t) => {
    for (const who of new Set(PAGES.map(([who]) => who))) {
      const page = await site.as(who, { viewport: { width: 1280, height: 800 } });
      for (const [, path] of PAGES.filter(([whose]) => whose === who)) {
        await page.setViewportSize({ width: 1280, height: 800 });
        await page.emulateMedia({ colorScheme: 'light' });
        await page.goto(path);
        t.strictSame(await found(page), [], `${path}, light`);
        await page.setViewportSize(PHONE);
        await page.emulateMedia({ colorScheme: 'dark' });
        t.strictSame(await found(page), [], `${path}, dark, on a phone`);
        t.equal(
          await page.evaluate('document.documentElement.scrollWidth'),
          PHONE.width,
          `${path}: no wider than a phone`,
        );
      }
      t.strictSame(
        page.asked.filter((url) => !url.startsWith(site.url) && !url.startsWith('data:')),
        [],
      );
      await page.context().close();
    }
  });

  await t.test('the question before a removal too', async (t) => {
    const page = await site.as(HELENE);
    await page.goto(MAILBOX);
    await page.click('a:text-is("Supprimer") >> nth=0');
    t.strictSame(await found(page), []);
    await page.context().close();
  });

  await t.test('a first page, with its style and script, is under 50 kB', async (t) => {
    const page = await site.as(HELENE);
    await page.goto(MAILBOX);
    const style = await page.getAttribute('link[rel=stylesheet]', 'href');
    const script = await page.getAttribute('script', 'src');
    const asked = [MAILBOX, style, script].map(async (at) => (await page.request.get(at ?? '')).body());
    const octets = (await Promise.all(asked)).reduce((all, body) => all + body.length, 0);
    t.ok(octets > 5_000 && octets < 50_000, `${octets} octets`);
    await page.context().close();
  });

  await t.test('somebody is added and removed by the keyboard alone', async (t) => {
    const page = await site.as(HELENE);
    await page.goto(MAILBOX);
    const to = async (accept: string) => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(accept)})`)) return;
      }
      throw new Error(`no ${accept} is reached by the Tab key`);
    };
    await to('.skip');
    await to('a.button[href$="/add"]');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/add$/);
    await to('#identifier');
    await page.keyboard.type(CROWD[9] ?? '');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#acknowledge');
    await to('#acknowledge');
    await page.keyboard.press('Space');
    await to('button.button');
    await page.keyboard.press('Enter');
    await page.waitForURL(/did=grant/);
    await to(`a[data-delegate="${CROWD[9]}"]`);
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    await to('dialog .button.danger');
    await page.keyboard.press('Enter');
    await page.waitForURL(/did=revoke/);
    t.match(await page.textContent('.note'), 'Délégation supprimée');
    await page.context().close();
  });

  await t.test('by the browser’s language, by the switch, and one that is not there', async (t) => {
    for (const [locale, lang] of [
      ['en-GB', 'en'],
      ['fr-FR', 'fr'],
      ['de-DE', 'fr'],
    ] as const) {
      const page = await site.as(HELENE, { locale });
      await page.goto(MAILBOX);
      t.equal(await page.getAttribute('html', 'lang'), lang, locale);
      await page.click('header a[hreflang]');
      const other = lang === 'fr' ? 'en' : 'fr';
      t.equal(await page.getAttribute('html', 'lang'), other);
      await page.goto(`${MAILBOX}/history`);
      t.equal(await page.getAttribute('html', 'lang'), other, 'and stays so');
      await page.context().close();
    }
  });
});
