/** What holds of every page, with people, delegations and accounts to show there: axe finds nothing, in light and dark, on a desk and on a phone; nobody else is asked; small; by keyboard alone. */

import type { Page } from 'playwright-core';
import { accountOf, activateAccount, confirmAccount } from '../../../bridge/acting/accounts.ts';
import { grantDelegation } from '../../../bridge/acting/delegations.ts';
import { RESPONSIBILITY_VERSION } from '../../../bridge/acting/responsibility.ts';
import { wordsIn } from '../../../bridge/portal/pages/words/words.ts';
import { astray } from '../french-blanks.ts';
import { found } from './axe.ts';
import { ADMIN, ANNE, type Case, type Cases, CROWD, LUCIE, MARTINE, mailboxAt, PAUL, READER } from './pages-site.ts';

const MAILBOX = mailboxAt('anne.riou');
const PHONE = { width: 390, height: 844 };

const PAGES: readonly (readonly [who: string, path: string])[] = [
  [ANNE, MAILBOX],
  [ANNE, `${MAILBOX}/add`],
  [ANNE, `${MAILBOX}/add?search=yes&lastName=durand&city=brest`],
  [ANNE, `${MAILBOX}/add?search=yes&lastName=durand`],
  [ANNE, `${MAILBOX}/add?search=yes&lastName=personne&city=nulle`],
  [ANNE, `${MAILBOX}/add?identifier=${CROWD[5]}`],
  [ANNE, `${MAILBOX}/remove?delegate=${LUCIE}`],
  [ANNE, `${MAILBOX}/remove?delegate=${MARTINE}`],
  [ANNE, `${MAILBOX}?did=grant&delegate=${LUCIE}&version=1`],
  [ANNE, `${MAILBOX}/history`],
  [ANNE, `${MAILBOX}/contact`],
  [ANNE, '/nowhere'],
  [PAUL, '/mailboxes'],
  [PAUL, mailboxAt('paul.legall')],
  [PAUL, '/mailboxes/ferme%40example.org'],
  [PAUL, `${mailboxAt('paul.legall')}/remove?delegate=${CROWD[0]}`],
  [CROWD[0] ?? '', '/account'],
  [LUCIE, '/account'],
  [CROWD[0] ?? '', '/account/activate'],
  [LUCIE, '/account/mailboxes/anne.riou%40example.org'],
  [ADMIN, '/admin?q=anne'],
  [ADMIN, '/admin/audit'],
  [ADMIN, '/admin/held'],
  [ADMIN, '/admin/explain?mailbox=anne.riou%40example.org'],
  [ADMIN, MAILBOX],
  [ADMIN, `${MAILBOX}/add?identifier=${CROWD[5]}`],
  [ADMIN, `${MAILBOX}/suspend?delegate=${LUCIE}`],
  [READER, '/admin'],
  [READER, MAILBOX],
];

const inLanguage = (path: string, language: string) => `${path}${path.includes('?') ? '&' : '?'}language=${language}`;

const sentences = (list: object): string[] =>
  Object.values(list).flatMap((one) =>
    typeof one === 'string' ? [one] : typeof one === 'object' ? sentences(one) : [],
  );
const [FR, EN] = [wordsIn('fr'), wordsIn('en')];
const FRENCH = sentences(FR).filter(
  (words) => words.length > 7 && !sentences(EN).join().includes(words) && words !== EN.otherLanguage,
);

/** All French that a page says, attributes too. */
const frenchOf = (page: Page): Promise<string> =>
  page.evaluate(`(() => {
    const whole = document.body.cloneNode(true);
    for (const other of whole.querySelectorAll('[lang=en]')) other.remove();
    const spoken = ['aria-label', 'data-label', 'data-question', 'title', 'placeholder'];
    const said = [...whole.querySelectorAll('*')].flatMap((one) => spoken.map((name) => one.getAttribute(name) ?? ''));
    return [document.title, whole.textContent, ...said].join('\\n');
  })()`);

/** Delegates of an owner with an account each, and ten of another's, of whom nobody has one yet. */
const inhabited: Case = async (t, site) => {
  const grant = (name: string, delegate: string) =>
    grantDelegation(site.admin, {
      mailbox: `${name}@example.org`,
      delegate,
      acknowledged: RESPONSIBILITY_VERSION,
    });
  for (const delegate of [LUCIE, MARTINE]) {
    await grant('anne.riou', delegate);
    await activateAccount(site.admin, delegate, { contact: `d${delegate}@exemple.fr`, terms: '1' });
    await confirmAccount(site.admin, delegate, site.lastCode());
    t.match(await accountOf(site.admin, delegate), { holder: { state: 'active' } });
  }
  for (const delegate of CROWD.slice(0, 10)) await grant('paul.legall', delegate);
};

export const EVERYWHERE: Cases = {
  'people are there': inhabited,

  'axe finds nothing, nothing is wider than the window, nobody else is asked': async (t, site) => {
    for (const who of new Set(PAGES.map(([who]) => who))) {
      const page = await site.as(who, { viewport: { width: 1280, height: 800 } });
      for (const [, path] of PAGES.filter(([whose]) => whose === who)) {
        await page.setViewportSize({ width: 1280, height: 800 });
        await page.emulateMedia({ colorScheme: 'light' });
        await page.goto(inLanguage(path, 'fr'));
        t.strictSame(await found(page), [], `${path}, light`);
        t.strictSame(astray(await frenchOf(page)), [], `${path}: blanks as French has them`);
        await page.setViewportSize(PHONE);
        await page.emulateMedia({ colorScheme: 'dark' });
        await page.goto(inLanguage(path, 'en'));
        const text = (await page.textContent('body')) ?? '';
        t.strictSame(
          FRENCH.filter((words) => text.includes(words)),
          [],
          `${path}: no French in English`,
        );
        t.strictSame(await found(page), [], `${path}, dark, on a phone`);
        t.equal(
          await page.evaluate('document.documentElement.scrollWidth'),
          PHONE.width,
          `${path}: no wider than a phone`,
        );
      }
      t.strictSame(
        page.asked.filter((url) => ![site.url, site.provider.issuer, 'data:'].some((own) => url.startsWith(own))),
        [],
      );
      await page.context().close();
    }
  },

  'the question before a removal too': async (t, site) => {
    const page = await site.as(ANNE);
    await page.goto(MAILBOX);
    await page.click('a:text-is("Supprimer") >> nth=0');
    t.strictSame(await found(page), []);
    await page.evaluate('document.querySelector("dialog").append(new Image())');
    t.match(await found(page), [/^image-alt: /], 'axe tells where something is wrong');
    await page.context().close();
  },

  'a first page, with its style and script, is under 50 kB: an owner’s with ten delegations, a delegate’s, an administrator’s':
    async (t, site) => {
      for (const [who, at] of [
        [PAUL, mailboxAt('paul.legall')],
        [LUCIE, '/account'],
        [ADMIN, '/admin'],
      ] as const) {
        const page = await site.as(who);
        await page.goto(at);
        const style = await page.getAttribute('link[rel=stylesheet]', 'href');
        const script = await page.getAttribute('script', 'src');
        const asked = [at, style, script].map(async (one) => (await page.request.get(one ?? '')).body());
        const octets = (await Promise.all(asked)).reduce((all, body) => all + body.length, 0);
        t.ok(octets > 5_000 && octets < 50_000, `${at}: ${octets} octets`);
        await page.context().close();
      }
    },

  'somebody is added and removed by the keyboard alone': async (t, site) => {
    const page = await site.as(ANNE);
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
  },

  'by the browser’s language, by the switch, and one that is not there': async (t, site) => {
    for (const [locale, lang] of [
      ['en-GB', 'en'],
      ['fr-FR', 'fr'],
      ['de-DE', 'fr'],
    ] as const) {
      const page = await site.as(ANNE, { locale });
      await page.goto(MAILBOX);
      t.equal(await page.getAttribute('html', 'lang'), lang, locale);
      await page.click('header a[hreflang]');
      const other = lang === 'fr' ? 'en' : 'fr';
      t.equal(await page.getAttribute('html', 'lang'), other);
      await page.goto(`${MAILBOX}/history`);
      t.equal(await page.getAttribute('html', 'lang'), other, 'and stays so');
      await page.context().close();
    }
  },
};
