/** Searching the directory: two criteria or a full identifier, accents and case ignored, the first 50 of N. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { importExtract } from '../../bridge/directory/import.ts';
import { type Criteria, type Directory, listedPerson, openDirectory } from '../../bridge/directory/search.ts';
import { failureOf } from '../../bridge/shared/failure.ts';
import { extractOf, type Line, NURSE, PHYSICIAN, personLines, ROLE_HOLDER, SECRETARY } from './extract-maker.ts';

const person = (number: number, lastName: string, firstName: string, rest: Partial<Line> = {}): Line => ({
  identifier: `8199${String(number).padStart(8, '0')}`,
  lastName,
  firstName,
  profession: PHYSICIAN,
  ...rest,
});

const PEOPLE: readonly Line[] = [
  person(1, 'TRÉHOREL', 'ÉLOÏSE', { postalCode: '75015', city: 'PARIS' }),
  person(1, 'TRÉHOREL', 'ÉLOÏSE', { postalCode: '29200', city: 'BREST' }),
  person(2, 'TREHOREL', 'JEAN-PIERRE', { postalCode: '75015', city: 'PARIS', profession: NURSE }),
  person(3, "L'ÉVÊQUE", 'MARIE-ODILE', { cedex: '93200 SAINT-DENIS CEDEX', profession: NURSE }),
  person(4, 'KERVELLA', 'MARIE', { postalCode: '01000', city: 'BOURG', profession: ROLE_HOLDER, role: SECRETARY }),
  person(5, 'KERVELLAN', 'MARIE', {}),
  person(6, 'X%_Y', 'BOB', { postalCode: '75001', city: 'PARIS' }),
];
const [ELOISE, JEAN, MARIE, SECRETAIRE, MARTINEZ, ODD] = [1, 2, 3, 4, 5, 6].map((n) => person(n, '', '').identifier);

let directory: Directory;
let place = '';
t.before(async () => {
  place = t.testdir({});
  const crowd = Array.from({ length: 300 }, (_, n) => personLines(n)).flat();
  const many = Array.from({ length: 120 }, (_, n) => person(1000 + n, `DUPONT${n}`, 'ALIX', { postalCode: '69001' }));
  const file = path.join(place, 'x.txt');
  writeFileSync(file, extractOf([...PEOPLE, ...crowd, ...many]));
  await importExtract(place, file, { known: [], maxShrinkPercent: 5, now: '2026-11-24T08:00:00.000Z' });
  directory = openDirectory(place);
});
t.teardown(() => directory?.close());

const found = (criteria: Criteria) => directory.search(criteria).people.map(({ identifier }) => identifier);

t.test('criteria', async (t) => {
  const cases: readonly (readonly [criteria: Criteria, expected: readonly (string | undefined)[], why: string])[] = [
    [{ lastName: 'trehorel', firstName: 'eloise' }, [ELOISE], 'accents and case do not matter'],
    [{ lastName: 'Tréhorel', city: 'paris' }, [ELOISE, JEAN], 'by last name, then first name'],
    [{ lastName: 'TRÉHOREL', city: 'Brest' }, [ELOISE], 'any of their places'],
    [{ lastName: 'TREH', postalCode: '75015' }, [ELOISE, JEAN], 'the beginning of a name'],
    [{ lastName: 'TRÉHOREL', postalCode: '29' }, [ELOISE], 'a department'],
    [{ lastName: 'trehorel', firstName: 'jean pierre' }, [JEAN], 'a hyphen is a space'],
    [{ lastName: 'l eveque', firstName: 'marie' }, [MARIE], 'so is an apostrophe'],
    [{ lastName: 'L\u2019Évêque', city: 'Saint Denis' }, [MARIE], 'a town that only the cedex line names'],
    [{ firstName: 'marie odile', profession: '60' }, [MARIE], 'a profession by its code'],
    [{ firstName: 'marie-odile', profession: 'infirmier' }, [MARIE], 'by its label'],
    [{ lastName: 'kervella', profession: 'acteur' }, [SECRETAIRE], 'RPPS+ (R7)'],
    [{ lastName: 'kervellan', firstName: 'marie' }, [MARTINEZ], 'somebody without a place'],
    [{ lastName: 'x%_y', firstName: 'bob' }, [ODD], 'a sign that a database might read otherwise'],
    [{ lastName: 'x%', city: 'paris' }, [ODD], 'and its beginning'],
    [{ lastName: '%', city: 'paris' }, [], '% is no wildcard'],
    [{ lastName: '_REHOREL', city: 'paris' }, [], 'nor is _'],
    [{ lastName: 'trehorel', firstName: 'eloise', profession: 'plombier' }, [], 'a profession that there is not'],
    [{ lastName: "'; DROP TABLE people; --", city: 'paris' }, [], 'nor is it SQL'],
  ];
  for (const [criteria, expected, why] of cases) t.same(found(criteria), expected, why);
});

t.test('shown is the place that matched', async (t) => {
  const rows: readonly (readonly [criteria: Criteria, city: string, why: string])[] = [
    [{ lastName: 'trehorel', firstName: 'eloise', city: 'brest' }, 'BREST', 'not the first of their places'],
    [{ lastName: 'trehorel', firstName: 'eloise', postalCode: '75' }, 'PARIS', 'nor another'],
    [{ lastName: 'trehorel', firstName: 'eloise' }, 'PARIS', 'the first where every place matches'],
  ];
  for (const [criteria, city, why] of rows) t.match(directory.search(criteria).people, [{ city }], why);
});

t.test('at least two: a blank one is none', async (t) => {
  for (const criteria of [
    {},
    { lastName: 'martin' },
    { lastName: 'martin', city: ' ' },
    { lastName: '\t', city: '-' },
  ]) {
    try {
      directory.search(criteria);
      t.fail(JSON.stringify(criteria));
    } catch (error) {
      t.match(failureOf(error), { code: 'refused', rule: 'TWO_CRITERIA', message: /at least two criteria/ });
    }
  }
  t.throws(() => directory.search({ lastName: 'x'.repeat(10_000), city: 'paris' }), {
    code: 'config',
    message: /10000/,
  });
});

t.test('the first 50 of N, each person once', async (t) => {
  const { people, total } = directory.search({ lastName: 'dupont', firstName: 'alix' });
  t.equal(total, 120);
  t.equal(people.length, 50);
  t.equal(new Set(people.map(({ identifier }) => identifier)).size, 50);
  const names = people.map(({ lastName }) => lastName);
  t.same(names, [...names].sort(), 'in a stable order');
});

t.test('one person, as the directory shows them', async (t) => {
  t.same(directory.person(String(SECRETAIRE)), {
    identifier: SECRETAIRE,
    lastName: 'KERVELLA',
    firstName: 'MARIE',
    profession: ROLE_HOLDER[1],
    role: SECRETARY[1],
    postalCode: '01000',
    city: 'BOURG',
  });
  t.match(directory.person(String(MARTINEZ)), { postalCode: null, city: null, role: null });
  t.equal(directory.person('810000099999'), undefined);
  t.match(listedPerson(place, String(ELOISE)), { lastName: 'TRÉHOREL' });
  t.equal(listedPerson(place, '810000099999'), null);
  t.equal(listedPerson(t.testdir({}), '810000099999'), undefined, 'no directory at all');
});

t.test('before the first import', async (t) => {
  t.throws(() => openDirectory(t.testdir({})), { code: 'config', message: /no directory has been imported/ });
});
