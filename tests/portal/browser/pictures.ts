/**
 * The pictures of docs/portal.md, from the pages as they are: node --import tsx tests/portal/browser/pictures.ts [DIRECTORY]. The people in
 * them are invented.
 */
import path from 'node:path';
import t from 'tap';
import { grantDelegation, suspendDelegation } from '../../../bridge/acting/delegations.ts';
import { RESPONSIBILITY_VERSION } from '../../../bridge/acting/responsibility.ts';
import { startBrowser } from './browser.ts';
import { ADMIN, CROWD, FRANCK, HELENE, MARTINE, pagesSite } from './pages-site.ts';

const TO = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '../../../docs/pictures'));
const DESK = { width: 1200, height: 760 };
const PHONE = { width: 390, height: 780 };
const AT = '/mailboxes/helene.martin%40example.org';

const PICTURES = [
  { name: 'owner', who: HELENE, at: AT, size: DESK },
  { name: 'owner-asks', who: HELENE, at: AT, size: DESK, click: 'a:text-is("Supprimer") >> nth=0' },
  { name: 'owner-adds', who: HELENE, at: `${AT}/add?identifier=${CROWD[8]}`, size: { ...DESK, height: 980 } },
  { name: 'owner-phone', who: HELENE, at: AT, size: PHONE, scheme: 'dark' },
  { name: 'delegate', who: MARTINE, at: '/account', size: { ...DESK, height: 900 } },
  { name: 'delegate-activates', who: FRANCK, at: '/account/activate', size: { ...DESK, height: 1000 } },
  {
    name: 'delegate-mail-client',
    who: MARTINE,
    at: '/account/mailboxes/helene.martin%40example.org',
    size: { ...DESK, height: 860 },
  },
  { name: 'administrator', who: ADMIN, at: '/admin?q=helene', size: { ...DESK, height: 860 }, locale: 'en-GB' },
] as const;

t.test('pictures', async (t) => {
  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const site = await pagesSite(t, browser);
  const mailbox = 'helene.martin@example.org';
  const acknowledged = RESPONSIBILITY_VERSION;
  for (const delegate of [MARTINE, FRANCK, CROWD[7] ?? '', CROWD[9] ?? ''])
    await grantDelegation(site.admin, { mailbox, delegate, acknowledged });
  await site.mandat('delegate', 'set', MARTINE, '--state', 'active');
  await suspendDelegation(site.admin, { mailbox, delegate: CROWD[9] ?? '' });
  for (const { name, who, at, size, ...more } of PICTURES) {
    const locale = 'locale' in more ? more.locale : 'fr-FR';
    const page = await site.as(who, { viewport: size, locale, colorScheme: 'scheme' in more ? more.scheme : 'light' });
    await page.goto(at);
    if ('click' in more) await page.click(more.click);
    await page.screenshot({ path: path.join(TO, `portal-${name}.png`) });
    await page.context().close();
  }
});
