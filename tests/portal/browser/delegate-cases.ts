/** What a delegate does in a browser: activating in the guide's order, their address, what they refuse, how a mailbox is reached. R38 to R57. */
import { accountOf } from '../../../bridge/acting/accounts.ts';
import { grantDelegation } from '../../../bridge/acting/delegations.ts';
import { RESPONSIBILITY_VERSION } from '../../../bridge/acting/responsibility.ts';
import { wordsIn } from '../../../bridge/portal/pages/words/words.ts';
import { found } from './axe.ts';
import { ANNE, button, type Case, type Cases, LUCIE, link, MARTINE, row } from './pages-site.ts';

interface Visitor {
  readonly identifier: string;
  readonly name: readonly string[];
  readonly contact: string;
  readonly script: boolean;
}

const AS_IT_WAS = { state: 'pending', contact: null, accepted: null };
const MAILBOX = 'anne.riou@example.org';

/** The same in each language; in one of them without the script. */
const account =
  (language: 'fr' | 'en', { identifier, name, contact, script }: Visitor): Case =>
  async (t, site) => {
    await grantDelegation(site.admin, {
      mailbox: MAILBOX,
      delegate: identifier,
      acknowledged: RESPONSIBILITY_VERSION,
    });
    const all = wordsIn(language);
    const words = all.delegate;
    const locale = language === 'fr' ? 'fr-FR' : 'en-GB';
    const page = await site.as(identifier, { locale, javaScriptEnabled: script });
    const main = () => page.textContent('main');
    const now = async () => {
      const { holder, account } = await accountOf(site.admin, identifier);
      return { state: holder.state, contact: account.contact, accepted: holder.termsVersion };
    };
    const press = (text: string) => page.click(button(text));

    await page.goto('/account');
    t.match(await main(), words.activateNow);
    t.match(await page.textContent('main .why'), all.codes.yourReasons['account-pending'], 'said to them, not of them');
    await page.click(link(words.activate));
    const identity = await page.textContent('dl.facts');
    for (const part of [
      identifier,
      ...name,
      'Acteur du système de santé caractérisé par un rôle\u00a0: Secrétaire médicale',
    ])
      t.match(identity, part);
    t.match(await main(), MAILBOX, 'whose it is');
    t.equal(
      await page.getAttribute(link(words.termsLink), 'href'),
      'https://mail.example.org/cgu',
      'what they accept can be read',
    );
    await page.click(link(all.cancel));
    t.strictSame(await now(), AS_IT_WAS, 'cancel writes nothing');

    await page.goto('/account/activate');
    await page.fill('#contact', `${contact}@hopital.mssante.fr`);
    await page.check('#accept');
    await press(words.validate);
    t.match(await page.textContent('#contact-fault'), all.codes.faults['MANDAT_CONTACT mssante']);
    t.equal(await page.inputValue('#contact'), `${contact}@hopital.mssante.fr`);
    t.equal(await page.isChecked('#accept'), true);

    const address = `${contact}@exemple.fr`;
    await page.fill('#contact', address);
    await press(words.validate);
    t.match(await main(), words.codeSent(address, '').slice(0, 40));
    if (script) t.strictSame(await found(page), [], 'axe');
    await page.fill('#code', '12');
    await press(words.validate);
    t.match(await page.textContent('#code-fault'), all.codes.refusals.NO_CODE);
    await press(all.cancel);
    t.match(await page.textContent('.note.good'), words.cancelled);
    t.strictSame(await now(), AS_IT_WAS, 'as if nobody had asked');

    await page.goto('/account/activate');
    await page.fill('#contact', address);
    await page.check('#accept');
    await press(words.validate);
    await page.fill('#code', site.lastCode());
    await press(words.validate);
    t.match(await page.textContent('.note.good'), words.activated);

    await page.fill('#contact', `${contact}@ailleurs.example`);
    await press(all.save);
    await page.fill('#code', site.lastCode());
    await press(words.validate);
    t.match(await page.textContent('.note.good'), words.contactChanged);
    t.equal(await page.inputValue('#contact'), `${contact}@ailleurs.example`);

    const refuses = async (...which: readonly string[]) => {
      for (const one of ['#surveys', '#newsletters']) await page.setChecked(one, which.includes(one));
      await page.click('form:has(#surveys) button');
      t.match(await page.textContent('.note.good'), words.newsSaved);
      t.strictSame(
        [await page.isChecked('#surveys'), await page.isChecked('#newsletters')],
        [which.includes('#surveys'), which.includes('#newsletters')],
      );
    };
    await refuses('#surveys');
    await refuses('#newsletters');

    t.match(await main(), words.cannotEnd, 'R53');
    t.equal(await page.locator(`text=${all.owner.remove}`).count(), 0);
    t.equal(await page.locator('main table button, main table form').count(), 0, 'and nothing to end one with');
    t.equal(await page.getAttribute(link(words.ownOpen), 'href'), 'https://mail.example.org/ouvrir', 'R54');
    await page.click(`${row(MAILBOX)} ${link(words.reach)}`);
    const how = await main();
    for (const part of ['imap.example.org', '993', 'smtp.example.org', '465', `shared/${MAILBOX}`, MAILBOX])
      t.match(how, part);
    for (const part of [words.from, words.fromHint(MAILBOX), words.copyClient, words.thunderbird]) t.match(how, part);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(link(words.apple))]);
    t.equal(download.suggestedFilename(), 'mail.mobileconfig');
    await page.context().close();
  };

export const DELEGATE: Cases = {
  'their account, from the first visit on': account('fr', {
    identifier: LUCIE,
    name: ['LUCIE', 'MORVAN'],
    contact: 'lucie',
    script: true,
  }),
  'the same in English, without the script': account('en', {
    identifier: MARTINE,
    name: ['MARTINE', 'BIARREY'],
    contact: 'martine',
    script: false,
  }),
  'what is told before anybody has signed in, and what is not theirs': async (t, site) => {
    const autoconfig = await fetch(`${site.url}/.well-known/autoconfig/mail/config-v1.1.xml`);
    t.match(await autoconfig.text(), '<hostname>imap.example.org</hostname>');
    const page = await site.as(LUCIE);
    t.equal((await page.request.get(`/mailboxes/${encodeURIComponent(MAILBOX)}`)).status(), 404, "the owner's page");
    t.equal((await page.request.get('/admin')).status(), 403);
    t.notMatch(await page.textContent('body'), 'martine@', "no other delegate's address");
    await page.context().close();
    const anne = await site.as(ANNE);
    t.equal((await anne.request.get('/account')).status(), 403);
    await anne.context().close();
  },
};
