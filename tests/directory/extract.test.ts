/** Lines of the published extract, by whichever header stands above them. */
import t from 'tap';
import { folded, normalised } from '../../bridge/directory/column-names.ts';
import { lineReader } from '../../bridge/directory/extract.ts';
import { requireHeader } from '../../bridge/directory/published-lines.ts';
import type { Failure } from '../../bridge/shared/failure.ts';
import { HEADER, lineOf, PHYSICIAN, ROLE_HOLDER, SECRETARY } from './extract-maker.ts';

const JEANNE = { identifier: '810101026994', lastName: 'LEFÈVRE', firstName: 'JEANNE' };

t.test('the header has 56 columns, as published', async (t) => {
  t.equal(HEADER.split('|').length, 57, 'and a separator behind the last');
});

t.test('one line, one activity', async (t) => {
  const read = lineReader(HEADER, 'x.txt');
  t.same(read(lineOf({ ...JEANNE, profession: PHYSICIAN, postalCode: '01000', city: 'BOURG-EN-BRESSE' })), {
    ...JEANNE,
    profession: { code: '10', label: 'Médecin' },
    role: { code: '', label: '' },
    postalCode: '01000',
    city: 'BOURG-EN-BRESSE',
  });
  t.match(
    read(lineOf({ ...JEANNE, profession: ROLE_HOLDER, role: SECRETARY, cedex: '75015 PARIS' })),
    { role: { code: '331', label: 'Secrétaire médicale' }, postalCode: '75015', city: 'PARIS' },
    'a town that only the cedex line names',
  );
  t.match(read(lineOf(JEANNE)), { postalCode: '', city: '', profession: { code: '' } }, 'somebody without a place');
  t.match(read(lineOf(JEANNE).slice(0, -1)), JEANNE, 'without the last separator');
});

t.test('lines that are nobody', async (t) => {
  const read = lineReader(HEADER, 'x.txt');
  const altered = (from: string | RegExp, to: string) => lineOf(JEANNE).replace(from, to);
  const cases: readonly (readonly [line: string, why: RegExp, what: string])[] = [
    [altered(/^8/, '0'), /type 0, not 8/, 'ADELI'],
    [altered(/^8/, ''), /type empty/, 'no type'],
    [altered('|810101026994|', '|810101026986|'), /do not agree/, 'two identifiers'],
    [altered('|810101026994|', '|8101010269|'), /do not agree/, 'a short one'],
    [altered('LEFÈVRE', ' '), /no name/, 'nobody'],
    [`${lineOf(JEANNE)}x|`, /58 values|57 values/, 'a value too many'],
    ['8|10101026994|810101026994', /3 values for 56/, 'cut'],
    ['<html>', /1 values/, 'something else'],
  ];
  for (const [line, why, what] of cases) t.match(read(line), { why }, what);
});

t.test('headers of other years', async (t) => {
  const old = HEADER.replace("Nom d'exercice", 'Nom exercice')
    .replace("Prénom d'exercice", 'Prenom d\u2019exercice')
    .replace('Code postal (coord. structure)', 'Code postal (coord. Structure)')
    .replace(/\|$/, '');
  t.match(lineReader(`\ufeff${old}`, 'x.txt')(lineOf({ ...JEANNE, postalCode: '29200' })), { postalCode: '29200' });
  const names = HEADER.split('|').slice(0, -1);
  const reversed = lineReader(names.toReversed().join('|'), 'x.txt');
  t.match(reversed(lineOf(JEANNE).split('|').slice(0, -1).reverse().join('|')), JEANNE, 'in another order');
  const short = names.filter((name) => !/rôle/.test(name));
  t.match(lineReader(short.join('|'), 'x.txt')(short.map((name) => (/^Type d'id/.test(name) ? '8' : '')).join('|')), {
    why: /do not agree/,
  });
  try {
    lineReader(names.filter((name) => !/postal|commune|Nom d/.test(name)).join('|'), 'old.txt');
    t.fail('missing columns');
  } catch (error) {
    t.match(error as Failure, {
      code: 'config',
      message: 'old.txt lacks "nom exercice", "code postal", "libelle commune" among its 52 columns',
    });
  }
  t.throws(() => requireHeader('hello', 'x.txt'), { code: 'config', message: /no header line/ });
  t.throws(() => requireHeader(undefined, 'x.txt'), { code: 'config' });
});

t.test('names as they are compared', async (t) => {
  const cases: readonly (readonly [text: string, folded: string])[] = [
    ['LEFÈVRE', 'lefevre'],
    ['Saint-Étienne', 'saint etienne'],
    ["L'HAŸ-LES-ROSES", 'l hay les roses'],
    ['d\u2019Angelo', 'd angelo'],
    ['ŒUVRARD', 'oeuvrard'],
    ['  Jean \u2011 Pierre ', 'jean pierre'],
    ['Müller', 'muller'],
    ['100 %_', '100 %_'],
  ];
  for (const [text, expected] of cases) t.equal(folded(text), expected, text);
  t.equal(normalised("Prénom d'exercice"), 'prenom exercice');
  t.equal(normalised('Libellé commune (coord. structure)'), 'libelle commune');
});
