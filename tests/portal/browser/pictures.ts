/**
 * The pictures of docs/portal-screens.md, from the pages as they are, on a real Dovecot whose delegations are in force:
 * node --import tsx tests/portal/browser/pictures.ts [DIRECTORY]. The people in them are invented.
 */
import path from 'node:path';
import t from 'tap';
import { grantDelegation, suspendDelegation } from '../../../bridge/acting/delegations.ts';
import { RESPONSIBILITY_VERSION } from '../../../bridge/acting/responsibility.ts';
import { runInside } from '../../servers/inside.ts';
import { at, startSite } from '../../servers/site.ts';
import { startBrowser } from './browser.ts';
import { ADMIN, CROWD, FRANCK, HELENE, LUCIE, MARTINE, PEOPLED, pagesSite } from './pages-site.ts';

const TO = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, '../../../docs/pictures'));
const DESK = { width: 1200, height: 820 };
const PHONE = { width: 390, height: 780 };
const MAILBOX = at('helene.martin');
const AT = `/mailboxes/${encodeURIComponent(MAILBOX)}`;

const PICTURES = [
  { name: 'owner', who: HELENE, at: AT, size: DESK },
  { name: 'owner-asks', who: HELENE, at: AT, size: DESK, click: 'a:text-is("Supprimer") >> nth=0' },
  { name: 'owner-adds', who: HELENE, at: `${AT}/add?identifier=${CROWD[8]}`, size: { ...DESK, height: 1040 } },
  { name: 'owner-phone', who: HELENE, at: AT, size: PHONE, scheme: 'dark' },
  { name: 'delegate', who: MARTINE, at: '/account', size: { ...DESK, height: 900 } },
  { name: 'delegate-activates', who: FRANCK, at: '/account/activate', size: { ...DESK, height: 1080 } },
  {
    name: 'delegate-mail-client',
    who: MARTINE,
    at: `/account/mailboxes/${encodeURIComponent(MAILBOX)}`,
    size: { ...DESK, height: 920 },
  },
  { name: 'administrator', who: ADMIN, at: '/admin?q=helene', size: { ...DESK, height: 920 }, locale: 'en-GB' },
] as const;

t.setTimeout(300_000);
t.test('pictures', async (t) => {
  const logins = [
    [MARTINE, 'martine.biarrey'],
    [LUCIE, 'lucie.morvan'],
    [FRANCK, 'franck.kervella'],
    [CROWD[7] ?? '', 'camille.durand'],
  ] as const;
  const lab = await startSite({
    users: ['helene.martin', ...logins.map(([, login]) => login)],
    postfix: false,
    scheme: 'rpps',
    extraToml: PEOPLED,
  });
  t.teardown(() => lab.stop());
  const browser = await startBrowser();
  t.teardown(() => browser.close());
  const site = await pagesSite(t, browser, { configFile: lab.configFile, mailboxes: { [MAILBOX]: HELENE } });
  const sidecar = await runInside({ ...lab, configFile: path.join(site.directory, 'portal.toml') });
  t.teardown(() => sidecar.stop());
  for (const [delegate, login] of logins) {
    await site.mandat('delegate', 'add', delegate, '--login', at(login));
    await grantDelegation(site.admin, { mailbox: MAILBOX, delegate, acknowledged: RESPONSIBILITY_VERSION });
    if (delegate !== FRANCK) await lab.sql(`UPDATE delegates SET state = 'active' WHERE identifier = '${delegate}'`);
  }
  await suspendDelegation(site.admin, { mailbox: MAILBOX, delegate: CROWD[7] ?? '' });
  await lab.settled();
  for (const { name, who, at, size, ...more } of PICTURES) {
    const locale = 'locale' in more ? more.locale : 'fr-FR';
    const page = await site.as(who, { viewport: size, locale, colorScheme: 'scheme' in more ? more.scheme : 'light' });
    await page.goto(at);
    if ('click' in more) await page.click(more.click);
    await page.screenshot({ path: path.join(TO, `portal-${name}.png`) });
    await page.context().close();
  }
});
