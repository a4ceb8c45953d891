/**
 * The whole of it in Chromium: Dovecot, Postfix with the submission filter, the sidecar, the portal behind nginx with TLS, the identity provider.
 * What an owner asks for is seen to come true while the page stands open; what it says while IMAP is away; what a delegate sends stands in the
 * owner's history; and what the guard holds is let go by an administrator. In both languages.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import type { BrowserContext, Page } from 'playwright-core';
import t from 'tap';
import { wordsIn } from '../../../bridge/portal/pages/words/words.ts';
import { startKeptSubmission } from '../../../bridge/submission/bookkeeping.ts';
import { startReverseProxy } from '../../../config/lab/reverse-proxy.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { routeThrough, startProxy } from '../../servers/imap-proxy.ts';
import { configOf, runInside } from '../../servers/inside.ts';
import { at, type Site, startSite } from '../../servers/site.ts';
import { submissionAs } from '../../servers/submission.ts';
import { seen } from '../../servers/wire.ts';
import { portalSite } from '../portal-site.ts';
import { found as axeFinds } from './axe.ts';
import { startBrowser } from './browser.ts';
import { button, link, signIn } from './pages-site.ts';

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
    chroot: false,
    filter: true,
    extraSubmission: 'sent_copy = "none"',
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
  const filter = await startKeptSubmission(configOf(lab), {}, pino({ level: 'silent' }));
  t.teardown(() => filter.close());
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
  /** Whether or not it is listed in that moment (docs/server-notes.md). */
  const opens = async (name: string) => {
    const session = await lab.login(name);
    const { status } = await session.command(`SELECT "shared/${at('alice')}"`);
    session.close();
    return status;
  };
  const page = await comesIn(at('alice'));
  const admin = await comesIn(ADMIN);

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
    await page.reload();
    t.match(await page.textContent('td [data-from]'), /^depuis le \d/, 'in force since');
  });

  await t.test(
    'what delegates send for the owner is in the history, and nothing of what it says or to whom',
    async (t) => {
      await send(lab, 'bob');
      await t.rejects(send(lab, 'carol'), /may not send as this address/);
      for (const language of ['fr', 'en'] as const) {
        const { codes } = wordsIn(language);
        await page.goto(`/mailboxes/${encodeURIComponent(at('alice'))}/history?language=${language}`);
        const told = async (action: string) => {
          const row = page.locator(`tbody tr:has(bdi:text-is("${action}"))`);
          t.equal(await row.count(), 1, action);
          return (await row.locator('td').allTextContents()).slice(1);
        };
        const size = language === 'fr' ? /^\d,\d ko, 2 destinataires$/ : /^\d\.\d kB, 2 recipients$/;
        t.match(await told(codes.actions.send), [at('bob'), codes.actions.send, at('bob'), size]);
        t.match((await told(codes.actions['send-refused']))[0], at('carol'));
        const whole = (await page.content()).toLowerCase();
        for (const secret of SECRETS) t.notOk(whole.includes(secret), `${secret} is nowhere`);
      }
      await page.goto('/?language=fr');
    },
  );

  await t.test('what goes on while the mail server is away is told as it is', async (t) => {
    up = false;
    await page.click('button:text-is("Suspendre")');
    await page.waitForSelector('[data-text]:has-text("Le serveur de messagerie ne répond pas")', PATIENCE);
    t.match(await page.textContent('[data-text]'), 'L’accès n’est pas encore retiré', 'it says nothing that is not so');
    await waitFor('an administrator sees which mailbox fails', PATIENCE.timeout, async () => {
      await admin.goto('/admin');
      return (await admin.locator('#failing + table a').count()) === 1;
    });
    t.match(await admin.textContent('#failing + table'), /alice@lab\.test.*Le serveur de messagerie ne répond pas/s);
    up = true;
    await page.waitForSelector('[data-text]:has-text("Accès retiré et vérifié")', PATIENCE);
    t.equal(await page.textContent('td .state'), 'Suspendue');
    t.notOk(await reaches('bob'), 'and so it is');
    await admin.goto('/admin');
    t.equal(await admin.locator('#failing').count(), 0, 'nor does it fail any more');

    await page.goto('/?language=en');
    await page.click('button:text-is("Resume")');
    await page.waitForSelector('[data-text]:has-text("In force and verified: the delegate has access.")', PATIENCE);
    t.equal(await page.textContent('td .state'), 'In force');
    t.ok(await reaches('bob'), 'and so it is');
    await page.goto('/?language=fr');

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
    const decide = admin.locator('a:text-is("Voir et décider")');
    await waitFor('the guard holds', PATIENCE.timeout, async () => {
      await admin.goto('/admin');
      return (await decide.count()) === 1;
    });
    t.ok(await reaches('carol'), 'nothing has gone');
    await decide.click();
    t.strictSame(await axeFinds(admin), [], 'with something held');
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
    t.equal(await opens('carol'), 'OK', 'who was not on the list keeps it');
    await page.goto('/');
    t.strictSame(await delegatesOf(page), [at('carol')]);

    await give('dave', 'erin');
    await lab.settled(PATIENCE.timeout);
    await take('dave', 'erin');
    const { admin: words } = wordsIn('en');
    const look = admin.locator(link(words.heldLet));
    await waitFor('the guard holds again', PATIENCE.timeout, async () => {
      await admin.goto('/admin?language=en');
      return (await look.count()) === 1;
    });
    t.match(await admin.textContent('main'), words.heldIn(1), 'in how many mailboxes');
    await look.click();
    t.match(await admin.textContent('main'), words.heldLead(2), 'and how many there are');
    t.match(await admin.textContent('main'), words.heldAsk);
    t.ok(await reaches('dave'), 'the question takes nothing away');
    await admin.click(button(words.heldGo));
    t.match(await admin.textContent('.note.good'), words.heldDone);
    await waitFor('nothing is left to dave', PATIENCE.timeout, async () => !(await reaches('dave')));
  });
});

const SECRETS = ['biopsie', 'confidentiel', 'patient-1', 'patient-2', 'elsewhere.test', 'message-de-bob'];

/** To two patients, for alice. Rejects with the mail server's words where it is refused. */
async function send(lab: Site, name: string): Promise<void> {
  const session = await submissionAs(lab, name);
  try {
    for (const line of [
      `MAIL FROM:<${at(name)}>`,
      'RCPT TO:<patient-1@elsewhere.test>',
      'RCPT TO:<patient-2@elsewhere.test>',
    ]) {
      const { code, text } = await session.command(line);
      if (code !== 250) throw new Error(`${line}: ${text}`);
    }
    await session.command('DATA');
    const { code, text } = await session.dataBytes(
      `From: Dr Alice <${at('alice')}>\r\nTo: patient-1@elsewhere.test\r\nSubject: Biopsie\r\nMessage-ID: <message-de-${name}@elsewhere.test>\r\n\r\nConfidentiel\r\n.\r\n`,
    );
    if (code !== 250) throw new Error(text);
  } finally {
    session.close();
  }
}

const cookiesOf = async (context: BrowserContext, host: string) =>
  (await context.cookies()).filter(({ domain }) => domain === host);
