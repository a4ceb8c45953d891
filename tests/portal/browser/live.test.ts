/** What an owner asks for, seen to come true on a real Dovecot while the page stands open; and what it says while IMAP is away. */
import t from 'tap';
import { openSite } from '../../../bridge/acting/site.ts';
import { routeThrough, startProxy } from '../../servers/imap-proxy.ts';
import { configOf, runInside } from '../../servers/inside.ts';
import { at, startSite } from '../../servers/site.ts';
import { seen } from '../../servers/wire.ts';
import { startBrowser } from './browser.ts';
import { servedPages } from './pages-site.ts';

const PATIENCE = { timeout: 120_000 };

t.test('in force and verified, without a reload', async (t) => {
  const lab = await startSite({ users: ['alice', 'bob'], postfix: false, extraImap: 'timeout_seconds = 3\n' });
  t.teardown(() => lab.stop());
  await lab.register('alice', 'bob');
  let up = true;
  const proxy = await startProxy(lab.lab.imap, () => (up ? 'pass' : 'drop'));
  t.teardown(() => proxy.close());
  await routeThrough(lab, proxy);
  const sidecar = await runInside(lab);
  t.teardown(() => sidecar.stop());
  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const site = openSite(configOf(lab));
  const roles = { owner: true, delegate: false, admin: 'none' } as const;
  const { as } = await servedPages(
    t,
    () => browser,
    site,
    () => ({ roles, name: null }),
  );
  const page = await as(at('alice'), { locale: 'fr-FR' });
  await page.goto('/');

  await page.click('a:text-is("Ajouter")');
  await page.fill('#identifier', at('bob'));
  await page.click('button:text-is("Continuer")');
  await page.check('#acknowledge');
  await page.click('button:text-is("Ajouter")');
  const address = page.url();
  await page.waitForSelector('[data-text]:has-text("En vigueur et vérifiée")', PATIENCE);
  t.equal(await page.textContent('td .state'), 'En vigueur', 'in the table too');
  t.equal(page.url(), address);
  t.not(await seen(lab, 'alice', 'bob'), '', 'and so it is');

  up = false;
  await page.click('button:text-is("Suspendre")');
  await page.waitForSelector('[data-text]:has-text("Le serveur de messagerie ne répond pas")', PATIENCE);
  t.match(await page.textContent('[data-text]'), 'L’accès n’est pas encore retiré', 'it says nothing that is not so');
  up = true;
  await page.waitForSelector('[data-text]:has-text("Accès retiré et vérifié")', PATIENCE);
  t.equal(await page.textContent('td .state'), 'Suspendue');

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
