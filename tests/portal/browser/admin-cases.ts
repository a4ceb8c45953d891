/** What an administrator does in a browser: looking, acting for an owner who is named, the trail; and who only reads. R3, R53. */
import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { wordsIn } from '../../../bridge/portal/pages/words/words.ts';
import {
  ADMIN,
  BRIAC,
  button,
  type Cases,
  CROWD,
  FRANCK,
  link,
  mailboxAt,
  NOLWENN,
  READER,
  row,
  YANN,
} from './pages-site.ts';

/** Whose mailbox, for whom, and who somebody else is. */
interface Deed {
  readonly name: string;
  readonly owner: string;
  readonly other: string;
  readonly delegate: string;
}

/** For an owner, who is asked for: another's identifier is refused, and what was said stays. */
async function grants(t: Test, page: Page, language: 'fr' | 'en', { name, owner, other, delegate }: Deed) {
  const { admin, owner: words } = wordsIn(language);
  await page.goto(`${mailboxAt(name)}/add?identifier=${delegate}`);
  await page.check('#acknowledge');
  await page.fill('#behalf', other);
  await page.click(button(words.add));
  t.match(await page.textContent('#behalf-fault'), admin.onBehalfWrong);
  t.equal(await page.isChecked('#acknowledge'), true, 'what was said stays');
  await page.fill('#behalf', owner);
  await page.click(button(words.add));
  await page.waitForURL(/did=grant/);
}

/** The state of the service, the way to a mailbox by a part of its address, each condition, and the trail of it. */
async function looks(t: Test, page: Page, language: 'fr' | 'en', { name, owner, delegate }: Deed) {
  const { admin: words, codes, owner: own } = wordsIn(language);
  await page.goto('/admin');
  t.match(await page.textContent('#status ~ .note'), words.sidecarStopped);
  await page.fill('#q', name.toUpperCase());
  await page.click(button(words.search));
  await page.click('.list a');
  await page.click(link(words.explain));
  const explained = await page.textContent('main');
  const remedy = language === 'fr' ? '«\u00a0mandat account activate' : '"mandat account activate';
  for (const part of [codes.reasons['account-pending'], `${remedy} ${delegate} --email`, own.unreachable])
    t.match(explained, part);
  const pending = page.locator('section', { hasText: codes.reasons['account-pending'] });
  const states = await pending.locator('.head .state').allTextContents();
  t.strictSame([...new Set(states)], [codes.states.waiting], 'as on the owner’s page');
  await page.goto(`/admin/audit?mailbox=${name}%40example.org`);
  const trail = await page.textContent('table');
  t.match(trail, `owner:${owner} (admin:${ADMIN} portal:`);
  t.match(trail, codes.actions.grant);
  t.notMatch(trail, name === 'yann.corre' ? 'briac.lebris@' : 'yann.corre@');
}

async function suspendsAndRevokes(t: Test, page: Page, language: 'fr' | 'en', { name, owner, delegate }: Deed) {
  const { owner: words } = wordsIn(language);
  for (const [verb, did] of [
    [words.suspend, 'suspend'],
    [words.resume, 'resume'],
    [words.remove, 'revoke'],
  ] as const) {
    await page.goto(mailboxAt(name));
    await page.click(`${row(delegate)} ${link(verb)}`);
    await page.fill('#behalf', owner);
    await page.click(button(verb));
    await page.waitForURL(new RegExp(`did=${did}`));
  }
  t.equal(await page.locator(row(delegate)).count(), 0);
}

const FOR_BRIAC: Deed = { name: 'briac.lebris', owner: BRIAC, other: YANN, delegate: FRANCK };

export const ADMINISTRATOR: Cases = {
  'two owners and an administrator at once': async (t, site) => {
    const [briac, yann, admin, reader] = await Promise.all([BRIAC, YANN, ADMIN, READER].map((who) => site.as(who)));
    if (!briac || !yann || !admin || !reader) throw new Error('no pages');
    const adds = async (page: Page, name: string) => {
      await page.goto(`${mailboxAt(name)}/add?identifier=${NOLWENN}`);
      await page.check('#acknowledge');
      await page.click('button:text-is("Ajouter")');
      await page.waitForURL(/did=grant/);
    };
    await Promise.all([adds(briac, 'briac.lebris'), adds(yann, 'yann.corre'), grants(t, admin, 'fr', FOR_BRIAC)]);

    await briac.goto(mailboxAt('briac.lebris'));
    t.equal(await briac.locator('tbody tr').count(), 2);
    await briac.goto(`${mailboxAt('briac.lebris')}/history`);
    t.match(await briac.textContent('table'), 'un administrateur');

    await admin.goto('/admin');
    await admin.fill('#q', NOLWENN);
    await admin.click('button:text-is("Rechercher")');
    t.equal(await admin.locator('.list li').count(), 2, 'both mailboxes that this person has');
    await looks(t, admin, 'fr', FOR_BRIAC);
    await admin.goto(`/admin/explain?mailbox=briac.lebris%40example.org`);
    const explained = await admin.textContent('main');
    t.match(explained, 'la boîte aux lettres est personnelle (PER)');
    t.notMatch(explained, /the delegate|the mailbox/, 'in French altogether');
    t.match(explained, 'Le serveur de messagerie ne répond pas', 'the IMAP server is down, and the page says so');
    const csv = await admin.request.get('/admin/audit.csv?mailbox=briac.lebris%40example.org');
    t.match(await csv.text(), /^at,actor,onBehalf,via,action,mailbox,delegate,reason,detail\r\n/);
    await suspendsAndRevokes(t, admin, 'fr', FOR_BRIAC);

    await reader.goto(mailboxAt('briac.lebris'));
    t.equal(
      await reader.locator('main form, main a:text-is("Ajouter"), main a:text-is("Supprimer")').count(),
      0,
      'who reads is offered nothing to do',
    );
    const form = { csrf: 'token', delegate: NOLWENN, behalf: BRIAC };
    t.equal((await reader.request.post(`${mailboxAt('briac.lebris')}/remove`, { form })).status(), 403);
    t.equal((await reader.request.post('/admin/held', { form: { csrf: 'token', seen: '0' } })).status(), 403);
    await briac.goto(mailboxAt('briac.lebris'));
    t.equal(await briac.locator('tbody tr').count(), 1);
    for (const page of [briac, yann, admin, reader]) await page.context().close();
  },

  'the same in English, without the script': async (t, site) => {
    const deed: Deed = { name: 'yann.corre', owner: YANN, other: BRIAC, delegate: CROWD[41] ?? '' };
    const page = await site.as(ADMIN, { locale: 'en-GB', javaScriptEnabled: false });
    await grants(t, page, 'en', deed);
    await looks(t, page, 'en', deed);
    await suspendsAndRevokes(t, page, 'en', deed);
    await page.context().close();
  },
};
