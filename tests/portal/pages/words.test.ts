/** Words of the pages: both languages have the same, and what has a code in the product has words here. */
import t from 'tap';
import { CONDITIONS } from '../../../acl/conditions.ts';
import { DELEGATION_STATES } from '../../../bridge/acting/delegation-states.ts';
import { CONDITIONS_FR } from '../../../bridge/portal/pages/words/conditions-fr.ts';
import { EN } from '../../../bridge/portal/pages/words/en.ts';
import { FR } from '../../../bridge/portal/pages/words/fr.ts';

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
