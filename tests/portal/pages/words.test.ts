/** Words of the pages: both languages have the same, and what has a code in the product has words here. */
import t from 'tap';
import * as REFUSALS from '../../../.ci/manual/words/refusals.ts';
import { CONDITIONS } from '../../../acl/conditions.ts';
import { DELEGATION_STATES } from '../../../bridge/acting/delegation-states.ts';
import { openIdentity } from '../../../bridge/acting/identity.ts';
import { address, login } from '../../../bridge/acting/typed.ts';
import { NO_RULE, problemOf } from '../../../bridge/portal/api/problem.ts';
import { inFrench } from '../../../bridge/portal/api/problem-fr.ts';
import { inWords } from '../../../bridge/portal/pages/form.ts';
import { CONDITIONS_FR } from '../../../bridge/portal/pages/words/conditions-fr.ts';
import { wordsIn } from '../../../bridge/portal/pages/words/words.ts';
import { type DoorWord, doorWords } from '../../../bridge/portal/words.ts';
import { Failure, failureOf } from '../../../bridge/shared/failure.ts';
import { unbroken } from '../../../bridge/shared/french-blanks.ts';
import type { Config } from '../../../config/schema.ts';
import { astray } from '../french-blanks.ts';

const [FR, EN] = [wordsIn('fr'), wordsIn('en')];

type List = { readonly [key: string]: unknown };

function leaves(list: object, at = ''): string[] {
  return Object.entries(list as List).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null ? leaves(value, `${at}${key}.`) : [`${at}${key}: ${typeof value}`],
  );
}

t.test('French and English say the same things, and neither says nothing', async (t) => {
  t.strictSame(leaves(EN).sort(), leaves(FR).sort());
  for (const list of [FR, EN]) t.notMatch(JSON.stringify(list), '""');
});

/** What each word says, where it takes something with something in it. */
function said(list: object): string[] {
  return Object.values(list).flatMap((one) => {
    if (typeof one === 'string') return [one];
    if (typeof one !== 'function') return said(one);
    if (one === FR.owner.given.withheld) return [one(['x', 'y'])];
    return [1, 2].map((n) => one(n, n));
  });
}

t.test('French: no line breaks before its high punctuation, nor within its quotation marks', async (t) => {
  const doors = ['nobody', 'resume', 'acr', 'not-rpps', 'old-form'] satisfies DoorWord[];
  const all = [...said(FR), ...said(CONDITIONS_FR), ...doors.flatMap((word) => said(doorWords('fr', word)))];
  for (const text of all) t.strictSame(astray(text), [], text);
  t.ok(all.filter((text) => /[\u00a0\u202f]/.test(text)).length > 80, 'and there are many');
  t.strictSame(astray('« Non ; si ! » : où ?'), ['« ', ' ;', ' !', ' »', ' :', ' ?'], 'seen where it stands');
  t.strictSame(astray('Non; «si»: où?'), ['n;', '«s', 'i»', 'ù?'], 'and where none stands');
});

t.test('every state and every reason has words', async (t) => {
  for (const { codes } of [FR, EN]) {
    t.strictSame(Object.keys(codes.states), [...DELEGATION_STATES]);
    for (const { why } of CONDITIONS) t.hasProp(codes.reasons, why);
  }
  for (const { why, remedy } of CONDITIONS) {
    const commands = (text: string, quotes: RegExp) => [...text.matchAll(quotes)].map(([, command]) => command?.trim());
    t.strictSame(
      commands(CONDITIONS_FR[why].remedy, /«([^»]*)»/g),
      commands(remedy, /"(mandat[^"]*)"/g),
      `${why}: the same commands`,
    );
  }
});

t.test(
  'every refusal is said in words of its own, by the pages and by the API, in both languages, and names whom the English one names',
  async (t) => {
    const general = Object.values(NO_RULE); // said by who must act
    const codes = Object.values(REFUSALS).flatMap((list) =>
      Object.keys(list).filter((code) => code.startsWith('MANDAT_') && !general.includes(code)),
    );
    t.ok(codes.length > 50, `${codes.length}`);
    const faults = Object.keys(FR.codes.faults).map((name) => name.split(' '));
    for (const [rule = '', fault] of faults) t.ok(codes.includes(rule), `${rule} ${fault}`);
    const cases = [
      ...codes.map((rule) => [rule] as const),
      ...faults.map(([rule = '', fault]) => [rule, fault] as const),
    ];
    const said = new Map<string, string>();
    for (const [rule, fault] of cases) {
      const error = new Failure('refused', `someone@example.org: ${rule}`, '', {
        rule,
        fault,
        about: 'someone@example.org',
      });
      const name = `${rule} ${fault ?? ''}`;
      for (const words of [FR, EN]) {
        const { text } = inWords(words, error);
        t.notOk(Object.values<string>(words.codes.failures).includes(text), `${name}: ${text}`);
        t.match(text, /^[A-ZÀÉ].*[.?]$|\)\.$/, name);
        t.notOk(fault !== undefined && text === said.get(`${rule} ${words === FR}`), `${name}: which fault it is`);
        if (fault === undefined) said.set(`${rule} ${words === FR}`, text);
      }
      t.not(inWords(FR, error).text, inWords(EN, error).text, name);
      const french = inFrench(problemOf(error));
      if (french.status < 500)
        t.equal(french.detail, unbroken(`someone@example.org : ${inWords(FR, error).text}`), name);
      t.equal(french.code, rule);
      t.strictSame(astray(french.detail ?? ''), [], name);
    }
  },
);

t.test('of an identifier and an address every fault that the command line tells apart', async (t) => {
  const identity = openIdentity(
    { scheme: 'rpps', strict: true, allowTestIdentities: false } as Config['identity'],
    () => {},
  );
  const thrown = (work: () => unknown): Failure => {
    try {
      return failureOf(`${work()} was taken`);
    } catch (error) {
      return failureOf(error);
    }
  };
  const typed = ['', 'abc', '8123', '0123456789', '312345678901', '810001234567', '899700245667'];
  const said = typed.map((one) => thrown(() => identity.read(one)));
  t.strictSame(
    said.map(({ fault }) => fault),
    ['empty', 'characters', 'length', 'adeli', 'other-type', 'key', 'test'],
  );
  const lax = openIdentity(
    { scheme: 'rpps', strict: false, allowTestIdentities: false } as Config['identity'],
    () => {},
  );
  said.push(thrown(() => lax.read('809171209251')));
  said.push(...['nobody', 'a@', 'a@b c', '-a@example.org', 'é@example.org'].map((one) => thrown(() => address(one))));
  said.push(...['owner', '-a', 'a b'].map((one) => thrown(() => login(one))));
  for (const words of [FR, EN]) {
    const sentences = said.map((error) => inWords(words, error).text);
    for (const [n, text] of sentences.entries())
      t.hasProp(words.codes.faults, `${said[n]?.rule} ${said[n]?.fault}`, text);
    t.ok(new Set(sentences).size >= 14, 'each its own');
  }
});

t.test("the guide's own words", async (t) => {
  const { owner, save, cancel, delegate } = FR;
  t.strictSame(
    [owner.add, owner.remove, save, cancel, owner.actions],
    ['Ajouter', 'Supprimer', 'Enregistrer', 'Annuler', 'Actions'],
  );
  t.equal(owner.addTitle, 'Ajouter un délégataire');
  t.match(
    delegate.cannotEnd,
    'Vous ne pouvez pas mettre fin à une délégation mise en place par un professionnel délégant',
  );
  t.strictSame([owner.identifier, owner.firstName, owner.lastName], ['Identifiant RPPS', 'Prénom', 'Nom']);
});
