/** Importing an extract: the new generation in one step, and the old one whatever is wrong with the new. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { isCorrespondence } from '../../bridge/directory/correspondence.ts';
import { type ImportOptions, importExtract } from '../../bridge/directory/import.ts';
import { openDirectory } from '../../bridge/directory/search.ts';
import { failureOf } from '../../bridge/shared/failure.ts';
import { extractOf, HEADER, type Line, lineOf, PHYSICIAN, personLines } from './extract-maker.ts';
import { member, zipOf } from './zip-maker.ts';

const NOW = '2026-11-24T08:00:00.000Z';
const plain: ImportOptions = { known: [], maxShrinkPercent: 5, now: NOW };

interface Desk {
  readonly directory: string;
  file(content: string | Buffer, name?: string): string;
  generations(): readonly string[];
}

function desk(t: Test): Desk {
  const root = t.testdir({});
  const directory = path.join(root, 'data');
  mkdirSync(directory);
  return {
    directory,
    file: (content, name = 'extract.txt') => {
      const file = path.join(root, name);
      writeFileSync(file, content);
      return file;
    },
    generations: () => readdirSync(directory).sort(),
  };
}

const people = (count: number, from = 0): readonly Line[] =>
  Array.from({ length: count }, (_, n) => personLines(from + n)).flat();
const idOf = (n: number) => `81${String(n).padStart(10, '0')}`;

t.test('a whole one, then the next', async (t) => {
  const { directory, file, generations } = desk(t);
  const first = people(300);
  let told = 0;
  const report = await importExtract(directory, file(`\ufeff${extractOf(first).replaceAll('\n', '\r\n')}`), {
    ...plain,
    onProgress: (read, of) => {
      told = read / of;
    },
  });
  t.same(report, { source: 'extract.txt', lines: first.length, people: 300, bad: 0, examples: [], before: undefined });
  t.equal(told, 1, 'progress to the end');
  t.same(generations(), ['directory-1.db']);
  t.equal(statSync(path.join(directory, 'directory-1.db')).mode & 0o777, 0o640);
  const old = openDirectory(directory);
  t.same(old.status(), { source: 'extract.txt', lines: first.length, people: 300, imported: NOW });

  const second = people(310);
  t.match(await importExtract(directory, file(extractOf(second)), plain), { people: 310, before: { people: 300 } });
  t.same(generations(), ['directory-2.db'], 'the old one is gone');
  t.equal(old.status().people, 300, 'but not for who reads it');
  t.ok(old.person(idOf(299)));
  old.close();
  const now = openDirectory(directory);
  t.equal(now.status().people, 310);
  now.close();
});

t.test('from a zip archive', async (t) => {
  const { directory, file } = desk(t);
  const text = file(extractOf(people(50)), 'PS_LibreAcces_Personne_activite_202611240001.txt');
  const zipped = (name: string, ...members: readonly string[]) => {
    const archive = path.join(path.dirname(text), name);
    const write =
      'import sys, zipfile, os\nz = zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED)\nfor m in sys.argv[2:]: z.write(m, os.path.basename(m))';
    execFileSync('python3', ['-c', write, archive, ...members]);
    return archive;
  };
  t.match(await importExtract(directory, zipped('one.zip', text, file('Licence', 'LISEZMOI.pdf')), plain), {
    source: 'PS_LibreAcces_Personne_activite_202611240001.txt',
    people: 50,
  });
  const refused = async (archive: string) =>
    failureOf(await importExtract(directory, archive, plain).catch((error) => error));
  t.match(await refused(zipped('two.zip', file('x', 'a.txt'), file('x', 'b.txt'))), {
    code: 'config',
    message:
      /two\.zip holds 2 text files, none of which is named PS_LibreAcces_Personne_activite or .*: a\.txt, b\.txt/,
  });
  t.match(await refused(zipped('none.zip', file('x', 'a.pdf'))), { code: 'config', message: /0 text files/ });
  t.match(await refused(file('PK no archive', 'broken.zip')), { code: 'config', message: /no zip archive/ });
});

t.test("from the publisher's archive: of its three texts the one by its name", async (t) => {
  const { directory, file } = desk(t);
  const text = extractOf(people(50));
  const name = 'PS_LibreAcces_Personne_activite_202611240001.txt';
  const others = [
    member('PS_LibreAcces_Dipl_AutExerc_202611240001.txt', 'Code|Libellé\n'),
    member('PS_LibreAcces_SavoirFaire_202611240001.txt', 'Code|Libellé\n'),
  ];
  const archive = file(zipOf([...others, member(name, text)]), 'PS_LibreAcces_202611240001.zip');
  t.equal(await isCorrespondence(archive), false);
  t.match(await importExtract(directory, archive, plain), { source: name, people: 50 });
  const inFolder = file(zipOf([member(`sub/${name}`, text), member(`__MACOSX/sub/._${name}`, 'x')]), 'folder.zip');
  t.match(await importExtract(directory, inFolder, plain), { source: name, people: 50 });

  const twice = file(zipOf([...others, member(name, text), member(`older/${name}`, text)]), 'twice.zip');
  t.match(failureOf(await importExtract(directory, twice, plain).catch((error) => error)), {
    code: 'config',
    message: /twice\.zip holds 4 text files, 2 of which could be meant: PS_LibreAcces_Personne_activite_/,
  });
  const without = file(zipOf(others), 'without.zip');
  t.match(failureOf(await importExtract(directory, without, plain).catch((error) => error)), {
    code: 'config',
    message: /holds 2 text files, none of which is named PS_LibreAcces_Personne_activite or/,
  });
});

t.test('whatever is wrong with it, the old one stays', async (t) => {
  const { directory, file, generations } = desk(t);
  const good = people(400);
  await importExtract(directory, file(extractOf(good)), plain);
  const known = Array.from({ length: 250 }, (_, n) => idOf(n));
  const without = (...gone: readonly number[]) =>
    extractOf([...good.filter(({ identifier }) => !gone.map(idOf).includes(identifier)), ...people(20, 500)]);
  const latin1 = Buffer.from(extractOf(good), 'latin1');
  const cases: readonly (readonly [
    content: string | Buffer,
    options: Partial<ImportOptions>,
    expected: { code: string; message: RegExp },
    what: string,
  ])[] = [
    [latin1, {}, { code: 'config', message: /not written in UTF-8 \(near line \d+\)/ }, 'ISO-8859-1'],
    [
      extractOf(good).replace(/\|Code postal[^|]*/, ''),
      {},
      { code: 'config', message: /lacks "code postal"/ },
      'a column',
    ],
    [extractOf(good).slice(0, -20), {}, { code: 'config', message: /ends in the middle of line \d+/ }, 'cut'],
    [
      extractOf(good).replace('MARTIN', 'MAR\0TIN'),
      {},
      { code: 'config', message: /holds a NUL in line \d+/ },
      'a NUL',
    ],
    [`${HEADER}\n`, {}, { code: 'refused', message: /no line below its header/ }, 'no rows'],
    [
      `${HEADER}\nx|y\n`,
      {},
      { code: 'refused', message: /none is a professional's \(line 2: 2 values/ },
      'no good row',
    ],
    ['', {}, { code: 'config', message: /no header line/ }, 'empty'],
    ['<html>\n<p>503</p>\n', {}, { code: 'config', message: /no header line/ }, 'a page that says sorry'],
    [extractOf(people(370)), {}, { code: 'refused', message: /[\d.]+ % less than/ }, 'shrunk'],
    [without(1, 2, 3), { known }, { code: 'refused', message: /lacks 3 of the 250 .*810000000001/ }, 'three of ours'],
  ];
  for (const [content, options, expected, what] of cases) {
    const error = await importExtract(directory, file(content), { ...plain, ...options }).catch((thrown) => thrown);
    t.match(failureOf(error), expected, what);
    t.same(generations(), ['directory-1.db'], `${what}: the old one stays, and no draft`);
  }
  t.match(
    await importExtract(directory, file(without(1, 2)), { ...plain, known }),
    { people: 418 },
    'two may have retired',
  );
  t.match(
    await importExtract(directory, file(without(1, 2)), { ...plain, known: [idOf(1), idOf(2), ...known] }),
    { people: 418 },
    'who was not there before is missing for another reason',
  );
  t.match(
    await importExtract(directory, file(extractOf(people(370))), { ...plain, maxShrinkPercent: 20 }),
    {},
    'a setting',
  );
  const many = [1, 2, 3, 4].map(idOf);
  t.match(
    await importExtract(
      directory,
      file(extractOf(people(370).filter(({ identifier }) => !many.includes(identifier)))),
      {
        ...plain,
        known: Array.from({ length: 400 }, (_, n) => idOf(n)),
      },
    ),
    {},
    'four of four hundred are one per cent',
  );
  const error = await importExtract(directory, path.join(directory, 'nowhere.txt'), plain).catch((thrown) => thrown);
  t.match(failureOf(error), { code: 'config', message: /can't be read \(ENOENT\)/ });
  t.match(failureOf(await importExtract(directory, directory, plain).catch((thrown) => thrown)), {
    message: /not a file/,
  });
});

t.test('bad lines are left out, counted, and the first few shown', async (t) => {
  const { directory, file } = desk(t);
  const bad = lineOf({ identifier: '810101026994', lastName: 'X', firstName: 'Y' }).replace(/^8/, '0');
  const text = `${extractOf(people(100))}${Array.from({ length: 7 }, () => `${bad}\n`).join('')}`;
  const { bad: count, examples, people: counted } = await importExtract(directory, file(text), plain);
  t.equal(counted, 100);
  t.equal(count, 7);
  t.equal(examples.length, 5);
  t.match(examples[0], { line: 2 + people(100).length, why: /type 0/ });
});

t.test('one person, many lines, wherever they stand', async (t) => {
  const { directory, file } = desk(t);
  const one = { identifier: '810101026994', lastName: 'MARTIN', firstName: 'ZOÉ', profession: PHYSICIAN };
  const lines = [
    { ...one, city: 'PARIS', postalCode: '75015', speciality: 'Cardiologie' },
    { ...one, city: 'PARIS', postalCode: '75015', speciality: 'Gériatrie' },
    ...people(5),
    { ...one, city: 'BREST', postalCode: '29200' },
  ];
  t.match(await importExtract(directory, file(extractOf(lines)), plain), { lines: lines.length, people: 6 });
  const database = new Database(path.join(directory, 'directory-1.db'), { readonly: true });
  t.equal(database.prepare('SELECT count(*) FROM activities WHERE person = 810101026994').pluck().get(), 2);
  database.close();
});

t.test('interrupted: the old one stays, and what was left is cleared by the next', async (t) => {
  const { directory, file, generations } = desk(t);
  await importExtract(directory, file(extractOf(people(50))), plain);
  const script = `import { importExtract } from ${JSON.stringify(path.resolve('bridge/directory/import.ts'))};
    await importExtract(process.argv[2], process.argv[3], { known: [], maxShrinkPercent: 5, now: '${NOW}',
      onProgress: () => process.kill(process.pid, 'SIGKILL') });`;
  const program = file(script, 'killed.mts');
  try {
    execFileSync(process.execPath, ['--import=tsx', program, directory, file(extractOf(people(60)))], {
      stdio: 'pipe',
    });
    t.fail('it was to be killed');
  } catch (error) {
    t.match(error, { signal: 'SIGKILL' });
  }
  t.same(
    generations().map((name) => name.replace(/\d+\.1$/, 'PID')),
    ['directory-1.db', 'directory-2.db.PID'],
    'a draft is left',
  );
  const opened = openDirectory(directory);
  t.equal(opened.status().people, 50, 'nobody takes it for a directory');
  opened.close();
  await importExtract(directory, file(extractOf(people(55))), plain);
  t.same(generations(), ['directory-2.db']);
});

t.test('two at once: one of them wins, and says so', async (t) => {
  const { directory, file, generations } = desk(t);
  const both = await Promise.allSettled(
    ['a.txt', 'b.txt'].map((name) => importExtract(directory, file(extractOf(people(200)), name), plain)),
  );
  const failures = both.flatMap((one) => (one.status === 'rejected' ? [failureOf(one.reason)] : []));
  t.ok(failures.length <= 1, 'never both');
  for (const failure of failures) t.match(failure, { code: 'retry', message: /another import was faster/ });
  t.equal(generations().length, 1);
  t.ok(existsSync(path.join(directory, generations()[0] ?? '')));
});
