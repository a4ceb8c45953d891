/** What an owner does in a browser: adding, suspending, resuming, removing, and what is refused. R15 to R25, R48. */
import { type Cases, CROWD, FRANCK, HELENE, MARKUP, MARTINE, mailboxAt, PAUL, TURNED } from './pages-site.ts';

const MAILBOX = mailboxAt('helene.martin');
const row = (identifier: string) => `tr:has(th:text-is("${identifier}"))`;

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
    t.match(await page.textContent('#identifier-fault'), '12 chiffres commençant par 8');
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
    for (const part of ['MARTINE', 'BIARREY', 'Secrétaire médicale', 'Suspended', 'has not activated', '31 Dec 2099'])
      t.match(shown, part);
    await page.context().close();
  },

  'a form that is sent twice does it once, and somebody who has it already is told of beside the form': async (
    t,
    site,
  ) => {
    const page = await site.as(HELENE);
    await page.goto(`${MAILBOX}/add?identifier=${FRANCK}`);
    const form = {
      csrf: await page.inputValue('main [name=csrf]'),
      once: await page.inputValue('main [name=once]'),
      identifier: FRANCK,
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

  'suspended and resumed': async (t, site) => {
    const page = await site.as(HELENE);
    await page.goto(MAILBOX);
    await page.click(`${row(FRANCK)} button:text-is("Suspendre")`);
    t.match(await page.textContent('.note'), 'Délégation suspendue pour FRANCK KERVELLA');
    t.match(await page.textContent(`${row(FRANCK)} .why`), 'suspendue par le délégant');
    await page.click(`${row(FRANCK)} button:text-is("Reprendre")`);
    t.match(await page.textContent('.note'), 'Délégation reprise');
    await page.context().close();
  },

  'a removal asks; the cross, Cancel and Escape leave all as it is; the back button shows what is now': async (
    t,
    site,
  ) => {
    const page = await site.as(HELENE);
    await page.goto(MAILBOX);
    const ask = async () => {
      await page.click(`${row(FRANCK)} a:text-is("Supprimer")`);
      t.match(await page.textContent('dialog'), 'la délégation de FRANCK KERVELLA');
    };
    for (const leave of [
      () => page.click('dialog .cross'),
      () => page.click('dialog button:text-is("Annuler")'),
      () => page.keyboard.press('Escape'),
    ]) {
      await ask();
      await leave();
      await page.waitForSelector('dialog', { state: 'hidden' });
    }
    t.equal(await page.locator(row(FRANCK)).count(), 1);
    await ask();
    await page.dblclick('dialog button:text-is("Supprimer")');
    await page.waitForURL(/did=revoke/);
    t.match(await page.textContent('.note'), 'Délégation supprimée pour FRANCK KERVELLA');
    t.equal(await page.locator(row(FRANCK)).count(), 0);
    await page.goBack();
    t.equal(await page.locator(row(FRANCK)).count(), 0, 'after the back button too');
    await page.goto(`${MAILBOX}/remove?delegate=${FRANCK}`);
    t.match(await page.textContent('main'), 'elle a déjà été supprimée');
    await page.context().close();
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
    await paul.goto('/mailboxes/ferme%40example.org');
    t.match(await paul.textContent('#why-off'), 'Vous n’êtes pas autorisé à créer des accès en délégation');
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
