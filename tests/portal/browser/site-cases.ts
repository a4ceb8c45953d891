/** What a site's configuration makes of the pages: new terms of use, and whether a mailbox of one's own is offered. Last: it changes for everybody. R43, R54 */
import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { wordsIn } from '../../../bridge/portal/pages/words/words.ts';
import { parseConfig } from '../../../config/parse.ts';
import { found } from './axe.ts';
import { ANNE, button, type Cases, LUCIE, link, MARTINE, mailboxAt, type PagesSite, row } from './pages-site.ts';

const ROW = row('anne.riou@example.org');
const OWN = wordsIn('fr').delegate.ownOpen;

/** Suspended until they are accepted, and told so on both sides. */
async function acceptsNewTerms(t: Test, site: PagesSite, language: 'fr' | 'en', who: string): Promise<Page> {
  const all = wordsIn(language);
  const { delegate: words, codes } = all;
  const locale = language === 'fr' ? 'fr-FR' : 'en-GB';
  const owner = await site.as(ANNE, { locale });
  const whyOnBothSides = async (page: Page) => {
    await owner.goto(mailboxAt('anne.riou'));
    return [await owner.textContent(`${row(who)} .why`), await page.textContent(`${ROW} .why`)];
  };
  const page = await site.as(who, { locale });
  await page.goto('/account');
  t.match(await page.textContent('section:has(#new-terms)'), words.newTerms);
  t.equal(await page.getAttribute('section:has(#new-terms) a', 'href'), 'https://mail.example.org/cgu');
  t.strictSame(await found(page), []);
  t.strictSame(await whyOnBothSides(page), [
    codes.reasons['terms-not-accepted'],
    codes.yourReasons['terms-not-accepted'],
  ]);
  await page.evaluate('document.querySelector("form:has(#accept)").noValidate = true'); // as a browser that checks nothing
  await page.click(button(words.validate));
  t.match(await page.textContent('[role=alert]'), words.mustAccept);
  await page.check('#accept');
  site.sessionsRunOut();
  await page.click(button(words.validate));
  await page.click(link(language === 'fr' ? "S'identifier" : 'Sign in'));
  await page.click(button(language === 'fr' ? 'Continuer' : 'Go on'));
  t.match(await page.textContent('.note.good'), words.newTermsAccepted, 'the session had run out meanwhile');
  t.equal(await page.locator('#new-terms').count(), 0);
  t.equal(await page.textContent(`${ROW} .state`), codes.states.waiting);
  t.strictSame(await whyOnBothSides(page), ['', '']);
  const trail: readonly Record<string, unknown>[] = JSON.parse(await site.mandat('--json', 'audit', '--delegate', who));
  t.match(
    trail.filter(({ action }) => action === 'terms-accepted').at(-1),
    { actor: `delegate:${who}`, detail: /"version":"2"/, via: /^portal:/ },
    'which version, and by whom',
  );
  await owner.context().close();
  return page;
}

export const AS_THE_SITE_HAS_IT: Cases = {
  'new terms of use suspend whoever has accepted the ones before, until they accept them': async (t, site) => {
    const { accounts } = site.config;
    if (accounts === undefined) throw new Error('no accounts');
    await site.configured({ accounts: { ...accounts, termsVersion: '2' } });
    for (const [language, who] of [
      ['fr', LUCIE],
      ['en', MARTINE],
    ] as const)
      await (await acceptsNewTerms(t, site, language, who)).context().close();
  },

  'new terms that suspend nobody do not say so; no mailbox of one’s own is offered where the site has no place for it':
    async (t, site) => {
      const { accounts, mailClient } = site.config;
      if (accounts === undefined || mailClient === undefined) throw new Error('not configured');
      const { ownMailboxUrl: _, ...elsewhere } = mailClient;
      await site.configured({ accounts: { ...accounts, termsVersion: '3', termsAgain: false }, mailClient: elsewhere });
      const page = await site.as(LUCIE);
      await page.goto('/account');
      const told = await page.textContent('main');
      t.match(told, 'Merci de les lire et de les accepter');
      t.notMatch(told, /suspendu/i);
      t.equal(await page.locator(link(OWN)).count(), 0);
      t.equal(await page.locator('#own-mailbox').count(), 0);
      await page.context().close();
    },

  'where a copy goes is said as the site has it: nobody is told to switch theirs off where none is put there for them':
    async (t, site) => {
      const { delegate: words } = wordsIn('fr');
      const shown = async (toml: string) => {
        await site.configured({ submission: parseConfig(toml, 'mandat.toml').submission });
        const { body } = await (await site.signInAs(LUCIE)).get('/account/mailboxes/anne.riou%40example.org');
        return [words.copyOwner, words.copyClient].filter((text) => body.includes(text));
      };
      t.strictSame(await shown('[sender_rules]\n[submission]\n'), [words.copyOwner]);
      t.strictSame(await shown('[sender_rules]\n[submission]\nsent_copy = "none"\n'), [words.copyClient]);
      t.strictSame(await shown(''), [words.copyClient]);
    },

  'it is offered where there is one, to whoever has none, and whoever has one keeps their delegations': async (
    t,
    site,
  ) => {
    await site.configured({});
    const page = await site.as(LUCIE);
    await page.goto('/account');
    t.equal(await page.getAttribute(link(OWN), 'href'), 'https://mail.example.org/ouvrir');
    await site.mandat('mailbox', 'add', 'lucie.morvan@example.org', '--owner', LUCIE);
    await page.goto('/account');
    t.equal(await page.locator(link(OWN)).count(), 0);
    t.equal(await page.locator(ROW).count(), 1);
    await page.goto('/');
    t.match(page.url(), mailboxAt('lucie.morvan'), 'and have pages of both kinds');
    await page.context().close();
  },
};
