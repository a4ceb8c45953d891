/**
 * The whole of it in Chromium: Dovecot, the sidecar, the portal behind nginx with TLS, the identity provider. What an owner asks for is seen to
 * come true while the page stands open; what it says while IMAP is away; and what the guard holds is let go by an administrator.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import t from 'tap';
import { startReverseProxy } from '../../../config/lab/reverse-proxy.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { routeThrough, startProxy } from '../../servers/imap-proxy.ts';
import { runInside } from '../../servers/inside.ts';
import { at, startSite } from '../../servers/site.ts';
import { seen } from '../../servers/wire.ts';
import { portalSite } from '../portal-site.ts';
import { startBrowser } from './browser.ts';
import { signIn } from './pages-site.ts';

const HOST = 'delegations.lab.test';
const HOME = `https://${HOST}`;
const PATIENCE = { timeout: 120_000 };
const ADMIN = 'ada@lab.test';

const claims = (identifier: string, ...groups: readonly string[]) => ({
  preferred_username: identifier,
  given_name: identifier,
  acr: 'eidas1',
  groups,
});

t.test('in force and verified, without a reload; a held wave is let go', async (t) => {
  const lab = await startSite({
    users: ['alice', 'bob', 'carol', 'dave', 'erin'],
    postfix: false,
    extraImap: 'timeout_seconds = 3\n',
    extraToml: '[guard]\nmax_pairs = 1\n',
  });
  t.teardown(() => lab.stop());
  await lab.register('alice', 'bob', 'carol', 'dave', 'erin');
  let up = true;
  const imap = await startProxy(lab.lab.imap, () => (up ? 'pass' : 'drop'));
  t.teardown(() => imap.close());
  await routeThrough(lab, imap);
  const sidecar = await runInside(lab);
  t.teardown(() => sidecar.stop());
  const here = await portalSite(t, {
    configFile: lab.configFile,
    url: HOME,
    people: { [at('alice')]: claims(at('alice')), [ADMIN]: claims(ADMIN, 'mail-admins') },
  });
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-nginx-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const nginx = await startReverseProxy('nginx', { directory, host: HOST, portal: here.port });
  t.teardown(() => nginx.stop());
  const browser = await startBrowser([`--host-resolver-rules=MAP ${HOST} 127.0.0.1:${nginx.port}`]);
  t.teardown(() => browser.close());
  const comesIn = async (who: string): Promise<Page> => {
    const context = await browser.context({ locale: 'fr-FR', baseURL: HOME, ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await signIn(page, who);
    return page;
  };
  const delegatesOf = async (page: Page) => (await page.locator('tbody th').allTextContents()).sort();
  /** As that delegate's own login on the server shows it. */
  const reaches = async (name: string) => 'INBOX' in (await seen(lab, 'alice', name));
  const page = await comesIn(at('alice'));

  await t.test('cookies are for this host, over TLS, unseen by scripts', async (t) => {
    t.strictSame(
      (await cookiesOf(page.context(), HOST)).map(({ name, secure, httpOnly, sameSite, path }) => ({
        name,
        secure,
        httpOnly,
        sameSite,
        path,
      })),
      [{ name: '__Host-mandat-session', secure: true, httpOnly: true, sameSite: 'Lax', path: '/' }],
    );
    t.equal(await page.evaluate('document.cookie'), '');
  });

  await t.test('what an owner asks for comes true', async (t) => {
    await page.click('a:text-is("Ajouter")');
    await page.fill('#identifier', at('bob'));
    await page.click('button:text-is("Continuer")');
    await page.click('button:text-is("Ajouter")');
    const address = page.url();
    await page.waitForSelector('[data-text]:has-text("En vigueur et vérifiée")', PATIENCE);
    t.equal(await page.textContent('td .state'), 'En vigueur', 'in the table too');
    t.equal(page.url(), address);
    t.ok(await reaches('bob'), 'and so it is');

    up = false;
    await page.click('button:text-is("Suspendre")');
    await page.waitForSelector('[data-text]:has-text("Le serveur de messagerie ne répond pas")', PATIENCE);
    t.match(await page.textContent('[data-text]'), 'L’accès n’est pas encore retiré', 'it says nothing that is not so');
    up = true;
    await page.waitForSelector('[data-text]:has-text("Accès retiré et vérifié")', PATIENCE);
    t.equal(await page.textContent('td .state'), 'Suspendue');
    t.notOk(await reaches('bob'), 'and so it is');

    await page.click('a:text-is("Supprimer")');
    await page.click('dialog button:text-is("Supprimer")');
    await page.waitForSelector('[data-text]:has-text("Accès retiré et vérifié")', PATIENCE);
    await page.click('a:text-is("Historique")');
    const history = await page.textContent('table');
    for (const part of [
      'délégation ajoutée',
      'délégation en vigueur',
      'accès vérifié',
      'accès retiré',
      'délégation supprimée',
    ])
      t.match(history, part);
  });

  await t.test('a wave that the guard holds goes once an administrator has seen whom it is about', async (t) => {
    const named = (...names: readonly string[]) => names.map((name) => `'${at(name)}'`).join(', ');
    const give = (...names: readonly string[]) =>
      lab.sql(
        `INSERT INTO delegation (mailbox, delegate) SELECT '${at('alice')}', identifier FROM delegates WHERE identifier IN (${named(...names)})`,
      );
    const take = (...names: readonly string[]) =>
      lab.sql(`DELETE FROM delegation WHERE mailbox = '${at('alice')}' AND delegate IN (${named(...names)})`);
    await give('carol', 'dave', 'erin');
    await lab.settled(PATIENCE.timeout);
    await take('carol', 'dave');
    const admin = await comesIn(ADMIN);
    const link = admin.locator('a:text-is("Voir et décider")');
    await waitFor('the guard holds', PATIENCE.timeout, async () => {
      await admin.goto('/admin');
      return (await link.count()) === 1;
    });
    t.ok(await reaches('carol'), 'nothing has gone');
    await link.click();
    const shown = await admin.textContent('main');
    for (const name of ['carol', 'dave']) t.match(shown, at(name));
    t.notMatch(shown, at('erin'));

    await give('carol');
    await take('erin');
    await admin.click('button:text-is("Retirer ces accès")');
    t.match(await admin.textContent('.note.bad'), 'Ce qui est retenu a changé', 'as many, and others');
    const now = await admin.textContent('main');
    for (const name of ['dave', 'erin']) t.match(now, at(name));
    t.notMatch(now, at('carol'));

    await admin.click('button:text-is("Retirer ces accès")');
    t.match(await admin.textContent('.note.good'), 'Les accès retenus seront retirés');
    for (const name of ['dave', 'erin'])
      await waitFor(`nothing is left to ${name}`, PATIENCE.timeout, async () => !(await reaches(name)));
    t.ok(await reaches('carol'), 'who was not on the list keeps it');
    await page.goto('/');
    t.strictSame(await delegatesOf(page), [at('carol')]);
  });
});

const cookiesOf = async (context: BrowserContext, host: string) =>
  (await context.cookies()).filter(({ domain }) => domain === host);
