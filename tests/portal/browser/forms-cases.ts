/** What goes wrong in a form, and how whoever filled it in finds out: by eye, by keyboard, by screen reader; the session that runs out in mid-form comes last. */
import type { Page } from 'playwright-core';
import type { Browser } from '../browser-cookies.ts';
import { found } from './axe.ts';
import {
  ADMIN,
  ANNE,
  BRIAC,
  type Cases,
  CROWD,
  LUCIE,
  MARKUP,
  mailboxAt,
  PAUL,
  row,
  TURNED,
  YANN,
} from './pages-site.ts';

const MAILBOX = mailboxAt('anne.riou');
const hasFocus = (page: Page, selector: string) =>
  page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`);

/** Whatever code was mailed last. */
const CODE = 'the code';

interface MidForm {
  readonly who: string;
  /** The page, and where its form leads. */
  readonly at: string;
  readonly to?: string;
  readonly typed?: Readonly<Record<string, string>>;
  readonly shows: string;
}

/** What the form that leads there has in fields that nobody sees. */
function hiddenIn(body: string, to: string): Record<string, string> {
  const [, form] = body.split(`action="${to}"`);
  if (form === undefined) throw new Error(`no form leads to ${to}`);
  const fields = form.slice(0, form.indexOf('</form>')).matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g);
  return Object.fromEntries([...fields].map(([, name, value]) => [name, value]));
}

const YANNS = mailboxAt('yann.corre');
const BRIACS = mailboxAt('briac.lebris');
const [PENDING = '', GONE = '', ADDED = ''] = [CROWD[0], CROWD[23], CROWD[42]];

/** Beside those of adding, of the second address and of the search, which go before. */
const IN_MID_FORM: readonly MidForm[] = [
  {
    who: ANNE,
    at: MAILBOX,
    to: `${MAILBOX}/suspend`,
    typed: { delegate: LUCIE },
    shows: 'Délégation suspendue pour LUCIE',
  },
  {
    who: ANNE,
    at: MAILBOX,
    to: `${MAILBOX}/resume`,
    typed: { delegate: LUCIE },
    shows: 'Délégation reprise pour LUCIE',
  },
  {
    who: BRIAC,
    at: BRIACS,
    to: `${BRIACS}/remove`,
    typed: { delegate: GONE },
    shows: 'Délégation supprimée pour CAMILLE 23',
  },
  {
    who: LUCIE,
    at: '/account',
    to: '/account/contact',
    typed: { contact: 'lucie@encore.example' },
    shows: 'Un code à huit chiffres a été envoyé à lucie@encore.example',
  },
  { who: LUCIE, at: '/account/code', typed: { code: CODE }, shows: 'Votre nouvelle adresse de contact est confirmée' },
  {
    who: LUCIE,
    at: '/account',
    to: '/account/refusals',
    typed: { surveys: 'yes', newsletters: 'yes' },
    shows: 'Vos choix sont enregistrés',
  },
  {
    who: PENDING,
    at: '/account/activate',
    typed: { contact: 'zoe@exemple.fr', accept: 'yes' },
    shows: 'Un code à huit chiffres a été envoyé à zoe@exemple.fr',
  },
  { who: PENDING, at: '/account/code', to: '/account/cancel', shows: 'Annulé\u00a0: rien n’a été modifié' },
  {
    who: ADMIN,
    at: `${YANNS}/add?identifier=${ADDED}`,
    to: `${YANNS}/add`,
    typed: { behalf: YANN, acknowledge: 'yes', ends: '2099-12-31' },
    shows: 'Délégation ajoutée pour CAMILLE 42',
  },
  {
    who: ADMIN,
    at: `${YANNS}/suspend?delegate=${ADDED}`,
    to: `${YANNS}/suspend`,
    typed: { behalf: YANN },
    shows: 'Délégation suspendue pour CAMILLE 42',
  },
  {
    who: ADMIN,
    at: `${YANNS}/remove?delegate=${ADDED}`,
    to: `${YANNS}/remove`,
    typed: { behalf: YANN },
    shows: 'Délégation supprimée pour CAMILLE 42',
  },
];

export const FORMS: Cases = {
  'what is wrong is said first, has the focus, and leads to its field, whose fault is read out with it': async (
    t,
    site,
  ) => {
    const page = await site.as(ANNE, { locale: 'en-GB' });
    await page.goto(`${MAILBOX}/add?identifier=${CROWD[20]}`);
    await page.evaluate('document.querySelector("main form").noValidate = true'); // as a browser that checks nothing
    await page.fill('#ends', '2020-01-01');
    await page.click('button:text-is("Add")');
    t.match(await page.title(), /^Error: /);
    t.equal(await hasFocus(page, '[role=alert]'), true);
    t.match(await page.textContent('[role=alert]'), 'One thing is to be put right');
    await page.click('[role=alert] a');
    t.equal(await hasFocus(page, '#acknowledge[aria-invalid=true][aria-describedby=acknowledge-fault]'), true);
    t.match(await page.textContent('#acknowledge-fault'), 'Tick the box');
    t.equal(await page.inputValue('#ends'), '2020-01-01', 'what was typed stays');

    await page.check('#acknowledge');
    await page.click('button:text-is("Add")');
    t.match(await page.textContent('[role=alert] a[href="#ends"]'), 'The end is past already');
    await page.goto(`${MAILBOX}/add?search=yes&lastName=durand`);
    await page.click('[role=alert] a');
    t.equal(await hasFocus(page, '#lastName'), true);
    await page.goto(`${MAILBOX}/add?identifier=810000000000`);
    t.match(await page.textContent('main'), /no.*found|nobody/i, 'a number with a bad key is nobody’s');
    await page.context().close();
  },

  'the question before a removal takes the focus and gives it back; a name turns nothing around, and is no markup':
    async (t, site) => {
      const page = await site.as(PAUL);
      await page.goto(mailboxAt('paul.legall'));
      t.match(await page.textContent('.who'), MARKUP, 'what the provider calls somebody is text');
      const link = `${row(CROWD[1] ?? '')} a:text-is("Supprimer")`;
      await page.focus(link);
      await page.keyboard.press('Enter');
      t.equal(await page.evaluate('document.querySelector("dialog").contains(document.activeElement)'), true);
      const question = await page.textContent('dialog [data-question]');
      t.notMatch(question, TURNED);
      t.match(question, 'Ana\ufffdkcits DURAND sur paul.legall@example.org');
      await page.keyboard.press('Escape');
      t.equal(await hasFocus(page, `a[data-delegate="${CROWD[1]}"]`), true);
      await page.click(`${row(CROWD[0] ?? '')} a:text-is("Supprimer")`);
      t.match(await page.textContent('dialog [data-question]'), MARKUP);
      t.equal(await page.locator('dialog [data-question] b').count(), 0);
      await page.context().close();
    },

  'a removal without the script: the same question on a page of its own': async (t, site) => {
    const page = await site.as(ANNE, { javaScriptEnabled: false });
    await page.goto(`${MAILBOX}/add?identifier=${CROWD[21]}`);
    await page.check('#acknowledge');
    await page.click('button:text-is("Ajouter")');
    const ask = async () => {
      await page.click(`${row(CROWD[21] ?? '')} a:text-is("Supprimer")`);
      t.match(await page.textContent('main'), 'Voulez-vous supprimer la délégation de CAMILLE 21 DURAND');
    };
    await ask();
    await page.click('a:text-is("Annuler")');
    t.equal(await page.locator(row(CROWD[21] ?? '')).count(), 1);
    await ask();
    await page.click('button:text-is("Supprimer")');
    t.match(await page.textContent('.note'), 'Délégation supprimée');
    await page.click('a:text-is("Actualiser")');
    t.match(await page.textContent('[data-text]'), 'Le service qui applique les délégations est arrêté');
    await page.context().close();
  },

  'ten thousand characters: no more is typed than fits, and more that is sent is cut and refused': async (t, site) => {
    const page = await site.as(ANNE);
    await page.goto(`${MAILBOX}/contact`);
    t.equal(await page.getAttribute('#address', 'maxlength'), '500');
    const csrf = await page.inputValue('main [name=csrf]');
    const address = `${'a'.repeat(10_000)}@exemple.fr`;
    const sent = await page.request.post(`${MAILBOX}/contact`, { form: { csrf, address } });
    t.equal(sent.status(), 422);
    t.match(await sent.text(), `value="${'a'.repeat(500)}"`);
    const long = { csrf, identifier: CROWD[22] ?? '', acknowledge: 'yes', ends: '9'.repeat(10_000) };
    t.equal((await page.request.post(`${MAILBOX}/add`, { form: long })).status(), 422);
    const asked = await page.request.get(`${MAILBOX}/add?search=yes&lastName=${'a'.repeat(10_000)}&city=brest`);
    t.equal(asked.status(), 414);
    await page.context().close();
  },

  'a language that is not there is as if nobody had asked': async (t, site) => {
    const page = await site.as(LUCIE);
    await page.goto('/account?language=xx');
    t.equal(await page.getAttribute('html', 'lang'), 'fr');
    await page.goto('/account?language=EN');
    t.equal(await page.getAttribute('html', 'lang'), 'fr');
    await page.context().close();
  },

  'signed out, at the provider too; the back button shows nothing any more': async (t, site) => {
    const page = await site.as(LUCIE);
    await page.goto('/account');
    await page.click('button:text-is("Déconnexion")');
    await page.click('button[value=yes]');
    await page.waitForURL('**/signed-out');
    t.match(await page.textContent('h1'), 'Vous êtes déconnecté');
    t.strictSame(await found(page), []);
    await page.goto('/account');
    t.match(page.url(), site.provider.issuer, 'who comes back is asked who they are');
    await page.context().close();
  },

  'the session runs out in mid-form: after signing in again it is sent as it was typed': async (t, site) => {
    const page = await site.as(BRIAC);
    const at = mailboxAt('briac.lebris');
    const signInAgain = async () => {
      t.match(await page.textContent('main'), 'Votre session a expiré');
      t.strictSame(await found(page), [], 'axe');
      await page.click('a:text-is("S\'identifier")');
      t.match(await page.textContent('main'), 'Ce que vous aviez saisi est conservé');
      t.strictSame(await found(page), [], 'axe');
    };
    await page.goto(`${at}/add?identifier=${CROWD[23]}`);
    await page.fill('#ends', '2099-12-31');
    await page.check('#acknowledge');
    site.sessionsRunOut();
    await page.click('button:text-is("Ajouter")');
    await signInAgain();
    await page.goto(at);
    t.equal(await page.locator(row(CROWD[23] ?? '')).count(), 0, 'nothing is done before they say so');
    await page.goBack();
    await page.click('button:text-is("Continuer")');
    await page.waitForURL(/did=grant/);
    t.match(await page.textContent(row(CROWD[23] ?? '')), '31 déc. 2099');

    await page.goto(`${at}/contact`);
    await page.fill('#address', 'briac@ailleurs');
    site.sessionsRunOut();
    await page.click('button:text-is("Enregistrer")');
    await signInAgain();
    await page.click('button:text-is("Continuer")');
    t.equal(await page.inputValue('#address'), 'briac@ailleurs', 'with its mistake, to be put right');
    await page.fill('#address', 'briac@ailleurs.example');
    await page.click('button:text-is("Enregistrer")');
    t.match(await page.textContent('.note.good'), 'La seconde adresse est enregistrée');

    await page.goto(`${at}/add`);
    await page.fill('#lastName', 'durand');
    await page.fill('#city', 'brest');
    site.sessionsRunOut();
    await page.click('button:text-is("Rechercher")');
    t.match(await page.textContent('#results'), 'Les 50 premiers résultats', 'a search goes on where it was');
    t.equal(await page.inputValue('#lastName'), 'durand');
    await page.context().close();
  },

  'and so it is in every other form': async (t, site) => {
    const people = new Map<string, Browser>();
    for (const { who, at, to = at, typed = {}, shows } of IN_MID_FORM) {
      const one = people.get(who) ?? (await site.signInAs(who));
      people.set(who, one);
      await one.signIn(who);
      const fields = { ...hiddenIn((await one.get(at)).body, to), ...typed };
      if (fields.code === CODE) Object.assign(fields, { code: site.lastCode() });
      site.sessionsRunOut();
      const late = await one.post(to, fields);
      t.equal(late.status, 401, to);
      t.match(late.body, 'Votre session a expiré');
      const again = await one.signIn(who);
      t.match(again.body, 'Rien n&#39;a encore été fait', to);
      const kept = hiddenIn(again.body, to);
      const { csrf: _, ...sent } = fields;
      t.match(kept, sent, `${to}: what was typed and ticked`);
      t.match((await one.post(to, kept)).body, shows, to);
    }
  },
};
