/**
 * A page that follows a change while what it hears from goes away and comes back: PostgreSQL, then the portal itself, by whose restart everybody's
 * session is over. It says meanwhile that it is not live, and shows what stands now afterwards, with nobody reloading it.
 */
import t from 'tap';
import { wordsIn } from '../../../bridge/portal/pages/words/words.ts';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { at, startSite } from '../../servers/site.ts';
import { keepSitesInPostgresql } from '../../servers/site-in-postgresql.ts';
import { portalSite } from '../portal-site.ts';
import { found } from './axe.ts';
import { startBrowser } from './browser.ts';
import { signIn } from './pages-site.ts';

const PATIENCE = { timeout: 120_000 };
const { owner: words, codes } = wordsIn('fr');
const says = (text: string) => `[data-text]:has-text("${text}")`;
const LOST = `[data-lost]:has-text("${words.notLive}")`;
const LIVE = '[data-live] [data-lost]:text-is("")';

const postgresql = await startPostgresql();
t.teardown(() => postgresql.stop());
keepSitesInPostgresql(() => postgresql);

t.test('the live page, through outages', async (t) => {
  const lab = await startSite({ users: ['alice', 'bob'], postfix: false });
  t.teardown(() => lab.stop());
  await lab.register('alice', 'bob');
  const claims = { preferred_username: at('alice'), given_name: 'Alice', acr: 'eidas1' };
  const here = await portalSite(t, { configFile: lab.configFile, people: { [at('alice')]: claims } });
  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const context = await browser.context({ locale: 'fr-FR', baseURL: here.url });
  const page = await context.newPage();
  await signIn(page, at('alice'));
  await page.click('a:text-is("Ajouter")');
  await page.fill('#identifier', at('bob'));
  await page.click('button:text-is("Continuer")');
  await page.click('button:text-is("Ajouter")');
  await page.waitForSelector(says(words.noSidecar), { ...PATIENCE, state: 'attached' });
  const live = page.url();
  // Gone with the page, whoever reloads it.
  await page.evaluate('window.sameAsEver = true');
  const isSame = () => page.evaluate('window.sameAsEver === true');

  await t.test('PostgreSQL', async (t) => {
    await postgresql.halt();
    await page.waitForSelector(`${says(words.tableAway)}, ${LOST}`, PATIENCE);
    t.strictSame(await found(page), [], 'axe finds nothing meanwhile');
    await postgresql.start();
    await page.waitForSelector(says(words.noSidecar), PATIENCE);
    await page.waitForSelector(LIVE, { ...PATIENCE, state: 'attached' });
    t.ok(await isSame(), 'nobody has reloaded it');
    await lab.mandat('suspend', at('alice'), at('bob'), '--no-wait');
    await page.waitForSelector(`td .state:text-is("${codes.states.suspended}")`, PATIENCE);
    t.ok(await isSame(), 'and it hears of what comes');
    await lab.mandat('resume', at('alice'), at('bob'), '--no-wait');
    await page.waitForSelector(`td .state:text-is("${codes.states.waiting}")`, PATIENCE);
  });

  await t.test('a reverse proxy that says 502, which a browser does not ask again by itself', async (t) => {
    const events = '**/events?*';
    await page.route(events, (route) => route.fulfill({ status: 502, body: 'Bad Gateway' }));
    await page.goto(live);
    await page.evaluate('window.sameAsEver = true');
    await page.waitForSelector(LOST, PATIENCE);
    await page.unroute(events);
    await page.waitForSelector(LIVE, { ...PATIENCE, state: 'attached' });
    await lab.mandat('suspend', at('alice'), at('bob'), '--no-wait');
    await page.waitForSelector(`td .state:text-is("${codes.states.suspended}")`, PATIENCE);
    t.ok(await isSame(), 'nobody has reloaded it');
    await lab.mandat('resume', at('alice'), at('bob'), '--no-wait');
    await page.waitForSelector(`td .state:text-is("${codes.states.waiting}")`, PATIENCE);
  });

  await t.test('the portal, and all sessions with it', async (t) => {
    await here.portal.close();
    await page.waitForSelector(LOST, PATIENCE);
    t.equal(await page.locator('.busy').count(), 0, 'nothing on it moves as if somebody worked');
    t.strictSame(await found(page), [], 'axe finds nothing meanwhile');
    await lab.mandat('suspend', at('alice'), at('bob'), '--no-wait');
    t.equal(await page.textContent('td .state'), codes.states.waiting, 'it can not know');
    await here.restart();
    await page.waitForSelector(`td .state:text-is("${codes.states.suspended}")`, PATIENCE);
    t.equal(page.url(), live, 'where they were, by way of the identity provider');
    t.equal(await page.locator(LOST).count(), 0);
  });
});
