/** The published list of MSSanté addresses: read, taken over whole or not at all, and held beside what somebody says of a mailbox. R2, R41. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import {
  correspondenceReader,
  correspondenceStatus,
  importCorrespondence,
  isCorrespondence,
  isCorrespondenceAddress,
  publishedMailboxes,
} from '../../bridge/directory/correspondence.ts';
import { contradictions, filled, refuseContradictions } from '../../bridge/directory/published-mailbox.ts';
import { failureOf } from '../../bridge/shared/failure.ts';
import { type Box, correspondenceOf, crowd, HEADER, lineOf } from './correspondence-maker.ts';
import { extractOf, personLines } from './extract-maker.ts';

const NOW = '2026-11-24T08:00:00.000Z';
const plain = { maxShrinkPercent: 5, now: NOW };
const JEANNE = '810101026994';
const PER: Box = { kind: 'PER', address: 'Jeanne.Lefevre@Pro.Example', owner: JEANNE };
const ORG: Box = { kind: 'ORG', address: 'accueil@clinique.example' };

function desk(t: Test) {
  const root = t.testdir({});
  const directory = path.join(root, 'data');
  mkdirSync(directory);
  const file = (content: string | Buffer, name = 'liste.txt') => {
    writeFileSync(path.join(root, name), content);
    return path.join(root, name);
  };
  return { directory, file, files: () => readdirSync(directory).sort() };
}

t.test('one line, one mailbox', async (t) => {
  t.equal(HEADER.split('|').length, 31);
  const read = correspondenceReader(HEADER, 'x.txt');
  t.same(read(lineOf(PER)), { kind: 'PER', address: 'jeanne.lefevre@pro.example', owner: JEANNE });
  t.same(read(`${lineOf(ORG)}|`), { kind: 'ORG', address: 'accueil@clinique.example', owner: null });
  t.match(
    read(lineOf({ ...PER, address: 'a@Münich.example' })),
    { address: 'a@xn--mnich-kva.example' },
    'as the table has it',
  );
  t.match(read(lineOf({ ...PER, owner: '0751012345' })), { kind: 'PER', owner: null }, 'no RPPS identity');
  t.match(
    read(lineOf(PER).replace(JEANNE, '810101026986')),
    { owner: null },
    'two identifiers that do not agree: whose it is, is not known',
  );
  t.match(read(lineOf({ ...ORG, owner: JEANNE })), { owner: null }, "an organisation's is nobody's");
  const bad: readonly (readonly [line: string, why: RegExp])[] = [
    [lineOf({ ...PER, kind: 'per' }), /type per/],
    [lineOf({ ...PER, kind: '' }), /type empty/],
    [lineOf({ ...PER, address: 'jeanne' }), /no address: jeanne/],
    [lineOf({ ...PER, address: '' }), /no address: empty/],
    [lineOf({ ...PER, address: 'a b@pro.example' }), /no address/],
    [`${lineOf(PER)}|x`, /32 values for 31/],
    ['PER|a@b.example', /2 values/],
  ];
  for (const [line, why] of bad) t.match(read(line), { why }, line.slice(0, 40));
  const without = HEADER.replace('Adresse BAL|', '').replace('Identification nationale PP|', '');
  try {
    correspondenceReader(without, 'old.txt');
    t.fail('missing columns');
  } catch (error) {
    t.match(failureOf(error), {
      code: 'config',
      message: 'old.txt lacks "adresse bal", "identification nationale pp" among its 29 columns',
    });
  }
});

t.test('it is recognised by its header', async (t) => {
  const { file } = desk(t);
  t.equal(await isCorrespondence(file(`\ufeff${correspondenceOf([PER])}`)), true);
  t.equal(await isCorrespondence(file(correspondenceOf([PER]).replace('Adresse BAL|', ''))), true, 'a column less');
  t.equal(await isCorrespondence(file(extractOf(personLines(1)))), false, 'the extract of people');
  t.equal(await isCorrespondence(file('')), false);
  t.equal(await isCorrespondence(file('x'.repeat(10), 'short.txt')).catch(() => 'refused'), 'refused', 'cut');
});

t.test('taken over, and the next', async (t) => {
  const { directory, file, files } = desk(t);
  t.equal(correspondenceStatus(directory), undefined);
  t.equal(publishedMailboxes(directory, ['a@b.example']), undefined);
  t.equal(isCorrespondenceAddress(directory, 'a@b.example'), false);
  const boxes = [...crowd(200), PER, ORG, { ...PER, owner: '810000000017' }];
  let told = 0;
  const report = await importCorrespondence(directory, file(correspondenceOf(boxes).replaceAll('\n', '\r\n')), {
    ...plain,
    onProgress: (read, of) => {
      told = read / of;
    },
  });
  t.same(report, { source: 'liste.txt', lines: 203, addresses: 202, bad: 0, examples: [], before: undefined });
  t.equal(told, 1);
  t.same(files(), ['correspondence-1.db'], 'a file of its own');
  t.same(correspondenceStatus(directory), { source: 'liste.txt', lines: 203, addresses: 202, imported: NOW });
  const found = publishedMailboxes(directory, ['accueil@clinique.example', 'nobody@pro.example']);
  t.same(
    [...(found ?? [])],
    [
      ['accueil@clinique.example', [{ kind: 'ORG', owner: null }]],
      ['nobody@pro.example', []],
    ],
  );
  t.same(publishedMailboxes(directory, ['jeanne.lefevre@pro.example'])?.get('jeanne.lefevre@pro.example'), [
    { kind: 'PER', owner: '810000000017' },
    { kind: 'PER', owner: JEANNE },
  ]);
  t.equal(isCorrespondenceAddress(directory, 'accueil@clinique.example'), true);
  t.equal(isCorrespondenceAddress(directory, 'accueil@clinique.example2'), false);
  t.equal(isCorrespondenceAddress(directory, "' OR 1=1 --"), false);
  t.match(await importCorrespondence(directory, file(correspondenceOf(boxes.slice(2))), plain), {
    before: { lines: 203 },
  });
  t.same(files(), ['correspondence-2.db']);
});

t.test('whatever is wrong with it, the old one stays', async (t) => {
  const { directory, file, files } = desk(t);
  const good = crowd(300);
  await importCorrespondence(directory, file(correspondenceOf(good)), plain);
  const text = correspondenceOf(good);
  const cases: readonly (readonly [content: string | Buffer, code: string, message: RegExp, what: string])[] = [
    [Buffer.from(text, 'latin1'), 'config', /not written in UTF-8/, 'ISO-8859-1'],
    [text.replace('Adresse BAL|', ''), 'config', /lacks "adresse bal"/, 'a column'],
    [text.slice(0, -20), 'config', /ends in the middle of line \d+/, 'cut'],
    [text.replace('p7@', 'p\0@'), 'config', /holds a NUL/, 'a NUL'],
    [`${HEADER}\n`, 'refused', /no line below its header; the list of MSSanté addresses stays as it is/, 'no rows'],
    [`${HEADER}\nPER|x\n`, 'refused', /none is a mailbox's \(line 2: 2 values/, 'no good row'],
    ['', 'config', /no header line/, 'empty'],
    [correspondenceOf(crowd(280)), 'refused', /6\.7 % less than the 300/, 'shrunk'],
  ];
  for (const [content, code, message, what] of cases) {
    const error = await importCorrespondence(directory, file(content), plain).catch((thrown) => thrown);
    t.match(failureOf(error), { code, message }, what);
    t.same(files(), ['correspondence-1.db'], `${what}: the old one stays, and no draft`);
  }
  t.match(
    await importCorrespondence(directory, file(correspondenceOf(crowd(280))), { ...plain, maxShrinkPercent: 10 }),
    {
      lines: 280,
    },
  );
});

t.test('bad lines are counted, and nothing in them reaches a terminal', async (t) => {
  const { directory, file } = desk(t);
  const evil = lineOf({ ...PER, kind: '\x1b[2J\u202eROG' });
  const report = await importCorrespondence(directory, file(`${correspondenceOf(crowd(20))}${evil}\n`), plain);
  t.match(report, { lines: 20, bad: 1 });
  t.same(report.examples, [{ line: 22, why: 'a mailbox of the type \ufffd[2J\ufffdROG, not PER, ORG, APP, CAB' }]);
});

t.test('beside what somebody says of the mailbox', async (t) => {
  const per = { kind: 'PER', owner: JEANNE } as const;
  const org = { kind: 'ORG', owner: null } as const;
  t.same(filled([]), {}, 'not published: nothing is known');
  t.same(filled([per]), { kind: 'PER', owner: JEANNE });
  t.same(filled([org]), { kind: 'ORG' });
  t.same(filled([{ kind: 'PER', owner: null }]), { kind: 'PER' });
  t.same(filled([per, { kind: 'PER', owner: '810000000017' }]), { kind: 'PER' }, 'whose, somebody has to say');
  t.same(filled([per, org]), { kind: 'ORG' }, 'in doubt it is not delegated');
  t.same(contradictions({ kind: 'PER', owner: JEANNE }, [per]), []);
  t.same(contradictions({}, [org]), []);
  t.same(contradictions({ kind: 'PER', owner: JEANNE }, []), [], 'not published');
  t.same(contradictions({ owner: JEANNE }, [{ kind: 'PER', owner: null }]), []);
  t.match(contradictions({ kind: 'PER' }, [org]), [/as ORG, not as PER/]);
  t.match(contradictions({ kind: 'CAB', owner: '810000000017' }, [per]), [
    /as PER, not as CAB/,
    /of 810101026994, not/,
  ]);
  t.throws(() => refuseContradictions('a@b.example', { kind: 'PER' }, [org]), {
    code: 'refused',
    rule: 'MANDAT_CORRESPONDENCE',
    message: /^a@b\.example: the MSSanté list has it as ORG/,
  });
});
