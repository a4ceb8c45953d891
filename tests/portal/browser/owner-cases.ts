/** What an owner does in a browser: adding, suspending, resuming, removing, and what is refused. R15 to R25, R48. */
import { delegationsOf } from '../../../bridge/acting/delegation-states.ts';
import { historyOf } from '../../../bridge/acting/history.ts';
import { RESPONSIBILITY_VERSION } from '../../../bridge/acting/responsibility.ts';
import { wordsIn } from '../../../bridge/portal/pages/words/words.ts';
import {
  BRIAC,
  button,
  type Case,
  type Cases,
  CROWD,
  FRANCK,
  HELENE,
  link,
  MARKUP,
  MARTINE,
  mailboxAt,
  PAUL,
  row,
  TURNED,
  ZONE,
} from './pages-site.ts';

const MAILBOX = mailboxAt('helene.martin');
const NAME = 'FRANCK KERVELLA';

/** From the search to the end of it, in one language. */
const fromAddingToRemoving =
  (language: 'fr' | 'en'): Case =>
  async (t, site) => {
    const all = wordsIn(language);
    const words = all.owner;
    const page = await site.as(HELENE, { locale: language === 'fr' ? 'fr-FR' : 'en-GB' });
    const here = row(FRANCK);
    await page.goto(MAILBOX);
    await page.click(link(words.add));
    await page.fill('#lastName', 'kervella');
    await page.fill('#firstName', 'franck');
    await page.click(button(words.search));
    t.match(await page.textContent('#results'), words.found(1, 1));
    await page.click(`${here} ${link(words.choose)}`);
    t.match(await page.textContent('dl.facts'), 'KERVELLA');
    await page.check('#acknowledge');
    await page.click(button(words.add));
    await page.waitForURL(/did=grant/);
    t.match(await page.textContent('.note'), words.did.grant(NAME));
    t.strictSame(
      (await page.locator('thead th').allTextContents()).slice(0, 7),
      [words.identifier, words.firstName, words.lastName, words.profession, words.state, words.since, words.until],
      'the columns',
    );
    t.match(await page.textContent(`${here} .why`), all.codes.reasons['account-pending'], 'with its reason');
    t.equal(await page.textContent(`${here} .state`), all.codes.states.waiting, 'nobody has taken anything away');

    await page.click(`${here} ${button(words.suspend)}`);
    t.match(await page.textContent('.note'), words.did.suspend(NAME));
    t.match(await page.textContent(`${here} .why`), all.codes.reasons.suspended);
    await page.click(`${here} ${button(words.resume)}`);
    t.match(await page.textContent('.note'), words.did.resume(NAME));

    const ask = async () => {
      await page.click(`${here} ${link(words.remove)}`);
      t.match(await page.textContent('dialog'), words.removeAsk(NAME, 'helene.martin@example.org'));
    };
    for (const leave of [
      () => page.click('dialog .cross'),
      () => page.click(`dialog ${button(all.cancel)}`),
      () => page.keyboard.press('Escape'),
    ]) {
      await ask();
      await leave();
      await page.waitForSelector('dialog', { state: 'hidden' });
    }
    t.equal(await page.locator(here).count(), 1, 'as it was');
    const about = { mailbox: 'helene.martin@example.org', delegate: FRANCK, limit: 100 };
    const removals = async () =>
      (await historyOf(site.admin, about)).filter(({ action }) => action === 'revoke').length;
    const before = await removals();
    await ask();
    await page.dblclick(`dialog ${button(words.remove)}`);
    await page.waitForURL(/did=revoke/);
    t.match(await page.textContent('.note'), words.did.revoke(NAME));
    t.equal(await page.locator(here).count(), 0);
    t.equal(await removals(), before + 1, 'two clicks remove it once');
    await page.goBack();
    t.equal(await page.locator(here).count(), 0, 'after the back button too');
    await page.goto(`${MAILBOX}/remove?delegate=${FRANCK}`);
    t.match(await page.textContent('main'), words.gone);
    await page.context().close();
  };

export const OWNER: Cases = {
  'with one mailbox it is shown at once; a search needs two criteria, and what was typed stays': async (t, site) => {
    const page = await site.as(HELENE);
    await page.goto('/');
    t.equal(new URL(page.url()).pathname, MAILBOX);
    await page.click('a:text-is("Ajouter")');
    await page.fill('#lastName', 'durand');
    await page.click('button:text-is("Rechercher")');
    t.match(await page.textContent('.fault'), 'remplissez au moins 2 champs ou un identifiant complet');
    t.equal(await page.inputValue('#lastName'), 'durand');
    await page.fill('#city', 'brest');
    await page.click('button:text-is("Rechercher")');
    t.match(await page.textContent('#results'), 'Les 50 premiers résultats sur 60');
    t.equal(await page.locator('tbody tr').count(), 50);
    await page.context().close();
  },

  'whoever is not in the directory is led to the RPPS+ portal; a number with a mistake is told of': async (t, site) => {
    const page = await site.as(HELENE);
    await page.goto(`${MAILBOX}/add?search=yes&lastName=personne&city=nulle`);
    t.match(await page.textContent('main'), 'Seuls les professionnels disposant d’un RPPS');
    t.equal(
      await page.getAttribute('main .note a', 'href'),
      'https://esante.gouv.fr/produits-services/portail-rpps-plus',
    );
    await page.goto(`${MAILBOX}/add?identifier=123`);
    t.match(await page.textContent('#identifier-fault'), '12, commençant par 8');
    await page.context().close();
  },

  'added once the responsibility is acknowledged, in the language of whoever reads; without the script too': async (
    t,
    site,
  ) => {
    const page = await site.as(HELENE, { javaScriptEnabled: false, locale: 'en-GB' });
    await page.goto(`${MAILBOX}/add?identifier=${MARTINE}`);
    t.match(await page.textContent('blockquote'), 'professional secrecy');
    const answer = await page.request.post(`${MAILBOX}/add?language=en`, {
      form: { csrf: await page.inputValue('main [name=csrf]'), identifier: MARTINE, ends: '2099-02-30' },
    });
    const refused = await answer.text();
    t.equal(answer.status(), 422);
    t.match(refused, 'Tick the box');
    t.match(refused, 'There is no such date');
    t.match(refused, '2099-02-30');
    await page.fill('#ends', '2099-12-31');
    await page.check('#acknowledge');
    await page.click('button:text-is("Add")');
    t.match(await page.textContent('.note'), 'Delegation added for MARTINE BIARREY');
    t.match(
      await page.textContent('.note'),
      'Saved, but not in force: the delegate has not activated their account yet.',
    );
    const shown = await page.textContent(row(MARTINE));
    for (const part of ['MARTINE', 'BIARREY', 'Secrétaire médicale', 'Waiting', 'has not activated', '31 Dec 2099'])
      t.match(shown, part);
    await page.context().close();
  },

  'a form that is sent twice does it once, and somebody who has it already is told of beside the form': async (
    t,
    site,
  ) => {
    const page = await site.as(HELENE);
    await page.goto(`${MAILBOX}/add?identifier=${CROWD[31]}`);
    const form = {
      csrf: await page.inputValue('main [name=csrf]'),
      once: await page.inputValue('main [name=once]'),
      identifier: CROWD[31] ?? '',
      acknowledge: 'yes',
    };
    const answers = await Promise.all([1, 2].map(() => page.request.post(`${MAILBOX}/add`, { form, maxRedirects: 0 })));
    t.strictSame(
      answers.map((one) => one.status()),
      [303, 303],
    );
    t.equal(answers[0]?.headers().location, answers[1]?.headers().location);
    const again = await page.request.post(`${MAILBOX}/add`, { form: { ...form, once: 'other' } });
    t.equal(again.status(), 409);
    t.match(await again.text(), 'déjà délégataire');
    await page.context().close();
  },

  'searched for, added, suspended, resumed, and removed after a question': fromAddingToRemoving('fr'),
  'the same in English': fromAddingToRemoving('en'),

  'days are those of the site, wherever the browser is, and whatever its clocks do between': async (t, site) => {
    const page = await site.as(HELENE, { timezoneId: 'Asia/Tokyo' });
    await page.goto(`${MAILBOX}/add?identifier=${BRIAC}`);
    t.match(await page.textContent('main'), `fuseau horaire ${ZONE}`);
    await page.fill('#starts', '2090-11-05');
    await page.fill('#ends', '2090-03-12');
    await page.check('#acknowledge');
    await page.click('button:text-is("Ajouter")');
    t.match(await page.textContent('#ends-fault'), 'La fin doit venir après le début');
    await page.fill('#starts', '2090-03-12');
    await page.fill('#ends', '2090-11-05');
    await page.click('button:text-is("Ajouter")');
    await page.waitForURL(/did=grant/);
    const [stored] = (await delegationsOf(site.admin, { mailbox: 'helene.martin@example.org' })).filter(
      (one) => one.delegate.identifier === BRIAC,
    );
    t.match(stored, { startsAt: '2090-03-12T03:00:00.000Z', endsAt: '2090-11-06T02:59:59.999Z', suspended: false });
    t.match(
      await page.textContent('.note'),
      'Enregistrée, mais pas en vigueur\u00a0: la date de début n’est pas encore venue',
    );
    for (const [language, told] of [
      ['fr', ['Pas encore commencée', 'commence le 12 mars 2090, 00:00', '12 mars 2090, 00:00', '5 nov. 2090, 23:59']],
      ['en', ['Not started yet', 'starts on 12 Mar 2090, 00:00', '12 Mar 2090, 00:00', '5 Nov 2090, 23:59']],
    ] as const) {
      await page.goto(`${MAILBOX}?language=${language}`);
      const cells = (await page.locator(`${row(BRIAC)} td`).allTextContents()).map((text) =>
        text.replace(/\s+/g, ' ').trim(),
      );
      const [state, why, since, until] = told;
      t.equal(cells[3], `${state}${why}`);
      t.strictSame(cells.slice(4, 6), [since, until]);
      await page.goto(`${MAILBOX}/history`);
      const [begins, ends] = language === 'fr' ? ['à partir du', 'jusqu’au'] : ['from', 'until'];
      t.match(await page.textContent('table'), `${begins} ${since}, ${ends} ${until}`);
      t.match(await page.textContent('table'), wordsIn(language).codes.facts.acknowledged(RESPONSIBILITY_VERSION));
      t.match(await page.textContent('table'), `BRIAC LE BRIS${BRIAC}`, 'delegates by their names too');
    }
    await page.context().close();
    const theirs = await (await site.signInAs(BRIAC)).get('/account');
    t.match(theirs.body, 'commence le 12 mars 2090, 00:00', 'to the delegate too');
  },

  "somebody else's mailbox looks as one that isn't there; one that is closed says so in red": async (t, site) => {
    const page = await site.as(HELENE);
    const [theirs, none] = await Promise.all(
      ['paul.legall%40example.org', 'nobody%40example.org'].map(async (name) => {
        const answer = await page.request.get(`/mailboxes/${name}`);
        return { status: answer.status(), text: (await answer.text()).replaceAll(name, '') };
      }),
    );
    t.equal(theirs?.status, 404);
    t.match(theirs?.text, 'n’est pas la vôtre, ou n’existe pas');
    t.equal(none?.status, 404);
    await page.goto('/');
    const form = { csrf: await page.inputValue('header [name=csrf]'), identifier: MARTINE, acknowledge: 'yes' };
    t.equal((await page.request.post(`${mailboxAt('paul.legall')}/add`, { form })).status(), 404);
    await page.context().close();
    const paul = await site.as(PAUL);
    await paul.goto('/');
    t.strictSame(
      await paul.locator('main .list a').allTextContents(),
      ['ferme@example.org', 'paul.legall@example.org'],
      'theirs, and no others',
    );
    await paul.click(link('ferme@example.org'));
    t.match(await paul.textContent('#why-off'), 'Vous n’êtes pas autorisé à créer des accès en délégation');
    t.equal(
      await paul.evaluate('getComputedStyle(document.querySelector("#why-off.bad strong")).color'),
      'rgb(168, 32, 26)',
      'in red',
    );
    t.equal(await paul.locator('section[aria-labelledby=delegations] #why-off').count(), 1, 'beside the table');
    t.equal(await paul.getAttribute('button:text-is("Ajouter")', 'aria-disabled'), 'true');
    await paul.context().close();
  },

  'ten delegations: the button says why it is off, and an eleventh is refused while another tab has added the tenth; names are text':
    async (t, site) => {
      const page = await site.as(PAUL);
      const at = mailboxAt('paul.legall');
      await page.goto(`${at}/add?identifier=${CROWD[10]}`);
      const csrf = await page.inputValue('main [name=csrf]');
      const add = (identifier = '') =>
        page.request.post(`${at}/add`, { form: { csrf, identifier, acknowledge: 'yes' }, maxRedirects: 0 });
      for (const identifier of CROWD.slice(0, 9)) t.equal((await add(identifier)).status(), 303);
      const tab = await page.context().newPage();
      await tab.goto(`${at}/add?identifier=${CROWD[9]}`);
      await tab.check('#acknowledge');
      await tab.click('button:text-is("Ajouter")');
      await tab.waitForURL(/did=grant/);
      await page.check('#acknowledge');
      await page.click('button:text-is("Ajouter")');
      t.match(await page.textContent('.note.bad'), 'Le nombre maximal de délégations est atteint');
      t.match(await page.textContent('#why-off'), 'Un maximum de 10 délégations est possible');
      t.equal(await page.locator('tbody tr').count(), 10);
      t.match(await page.textContent(row(CROWD[0] ?? '')), MARKUP);
      t.equal(await page.locator('tbody b').count(), 0);
      t.match(await page.locator(`${row(CROWD[1] ?? '')} bdi >> nth=0`).textContent(), TURNED);
      await page.context().close();
    },

  'the second address: what is wrong stays in its field, what is right is kept': async (t, site) => {
    const page = await site.as(HELENE);
    await page.goto(`${MAILBOX}/contact`);
    await page.fill('#address', 'helene.martin@example.org');
    await page.click('button:text-is("Enregistrer")');
    t.equal(await page.inputValue('#address'), 'helene.martin@example.org');
    t.equal(await page.locator('#address-fault').count(), 1);
    await page.fill('#address', 'helene@ailleurs.example');
    await page.click('button:text-is("Enregistrer")');
    t.match(await page.textContent('.note.good'), 'La seconde adresse est enregistrée');
    await page.goto(`${MAILBOX}/history`);
    const history = await page.textContent('table');
    for (const part of ['délégation ajoutée', 'délégation supprimée', 'seconde adresse modifiée', 'vous'])
      t.match(history, part);
    t.notMatch(history, 'helene@ailleurs.example');
    await page.context().close();
  },
};
