/** Published files that were made to fill the memory or to keep mandat busy for ever: each is refused at once, and what was there stays. */
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { isCorrespondence } from '../../bridge/directory/correspondence.ts';
import { importExtract } from '../../bridge/directory/import.ts';
import { batchesOf, LONGEST_LINE } from '../../bridge/directory/lines.ts';
import { LIMITS, openSource } from '../../bridge/directory/source.ts';
import { importWhiteList } from '../../bridge/directory/white-list-import.ts';
import { failureOf } from '../../bridge/shared/failure.ts';
import { extractOf, HEADER, lineOf, PHYSICIAN, personLines } from './extract-maker.ts';
import { type Member, member, swollen, zipOf } from './zip-maker.ts';

const NOW = '2026-11-25T03:00:00.000Z';
const options = { known: [], maxShrinkPercent: 5, now: NOW };
const good = extractOf(Array.from({ length: 20 }, (_, n) => personLines(n)).flat());
const NAME = 'PS_LibreAcces_Personne_activite_202611250001.txt';
const zipped = (...members: readonly Member[]) => zipOf(members);

function desk(t: Test) {
  const root = t.testdir({ data: {} });
  const directory = path.join(root, 'data');
  const file = (name: string, content: string | Buffer) => {
    mkdirSync(root, { recursive: true });
    writeFileSync(path.join(root, name), content);
    return path.join(root, name);
  };
  return { directory, file };
}

const refusalOf = async (work: Promise<unknown>) =>
  failureOf(
    await work.then(
      () => new Error('taken'),
      (error) => error,
    ),
  );

const long = 'x'.repeat(LONGEST_LINE + 1);
const CASES: readonly (readonly [name: string, content: () => string | Buffer, says: RegExp, why: string])[] = [
  ['a.zip', () => zipped(swollen(NAME, '', 'a', 2048)), /would unpack to \d+ times its size/, 'one line of 2 GB'],
  ['a.zip', () => zipped(swollen(NAME, good, '\n', 2048)), /would unpack to/, 'empty lines without end'],
  ['a.zip', () => zipped(swollen(NAME, good, 'a', 50)), /line 3\d of PS_.* is longer than 64 kB/, 'a small bomb'],
  [
    'a.zip',
    () => zipped({ ...swollen(NAME, good, '\n', 200), size: Buffer.byteLength(good) }),
    /can't be read to its end/,
    'more than it says',
  ],
  ['a.zip', () => zipped(member('a.txt', good), swollen(NAME, '', 'a', 2048)), /would unpack to/, 'one of two'],
  [
    'a.zip',
    () => zipped(...Array.from({ length: 90 }, (_, n) => member(`${'n'.repeat(60_000)}${n}.txt`, ''))),
    /^.{1,1500}$/,
    'names without end',
  ],
  ['a.zip', () => zipped({ ...member(NAME, good), size: 4_294_967_294 }), /would unpack to/, 'less than it says'],
  [
    'a.zip',
    () => zipped(...Array.from({ length: 5000 }, (_, n) => member(`${n}.pdf`, ''))),
    /holds more than 100 files/,
    'files without end',
  ],
  ['a.zip', () => zipped(member(`${'n'.repeat(60_000)}.pdf`, '')), /^.{1,400}$/, 'a name without end'],
  ['a.txt', () => long, /line 1 of a\.txt is longer than 64 kB/, 'no line end at all'],
  ['a.txt', () => `${good}${long}${long}\n`, /line 3\d of a\.txt is longer/, 'a long line at the end'],
  ['a.txt', () => good.replace('\n', `\n${long}\n`), /line 2 of a\.txt is longer/, 'and in the middle'],
  ['a.txt', () => good.trimEnd(), /ends in the middle of line 3\d/, 'no line end at the end'],
  ['a.txt', () => gzipSync(good), /is a gzip file, not a text/, 'gzip'],
  ['a.zip', () => gzipSync(good), /is a gzip file/, 'gzip that calls itself zip'],
  ['a.txt', () => Buffer.from('fd377a585a000004', 'hex'), /is a xz file/, 'xz'],
  ['a.zip', () => good, /is no zip archive/, 'a text that calls itself zip'],
  ['a.zip', () => zipped(member(NAME, good)).subarray(0, -30), /is no zip archive, or a damaged one/, 'cut'],
];

t.test('refused at once, and nothing written', async (t) => {
  const { directory, file } = desk(t);
  for (const [name, content, says, why] of CASES) {
    const given = file(name, content());
    for (const taking of [
      () => importExtract(directory, given, options),
      () => isCorrespondence(given).then(() => importExtract(directory, given, options)),
    ]) {
      const { code, message } = await refusalOf(taking());
      t.match({ code, message }, { code: 'config', message: says }, why);
    }
  }
  t.same(readdirSync(directory), []);
});

t.test('a large text is told by its size, before it is read', async (t) => {
  const { directory, file } = desk(t);
  const sparse = file('a.txt', '');
  truncateSync(sparse, LIMITS.largest + 1);
  t.match(await refusalOf(importExtract(directory, sparse, options)), { message: /has 4097 MB of text, more than/ });
  const small = { ...LIMITS, largest: 1000 };
  t.match(await refusalOf(openSource(file('a.zip', zipped(member(NAME, good))), small)), { message: /MB of text/ });
});

t.test('of an endless line no more is read than what a line may have', async (t) => {
  const { file } = desk(t);
  const bomb = file('a.zip', zipped(swollen(NAME, 'a|b\n', 'a', 1024)));
  const source = await openSource(bomb, { ...LIMITS, ratio: Number.POSITIVE_INFINITY });
  let read = 0;
  source.stream.on('data', (bytes: Buffer) => {
    read += bytes.length;
  });
  const all = async () => {
    for await (const { lines } of batchesOf(source)) t.same(lines, ['a|b']);
  };
  const { message } = await refusalOf(all());
  t.match(message, /line 2 of .* is longer than 64 kB/);
  t.ok(read < 4 * LONGEST_LINE, `${read} bytes`);
  source.stream.destroy();
  await source.close();
});

t.test('what packs well and is small is taken; so is a zip archive by another name', async (t) => {
  const { directory, file } = desk(t);
  const again = `${lineOf({ identifier: '810101026994', lastName: 'MARTIN', firstName: 'ZOÉ' })}\n`;
  const archive = zipped(member(NAME, `${good}${again.repeat(20_000)}`));
  t.match(await importExtract(directory, file('extract.download', archive), options), { bad: 0, people: 21 });
});

t.test('values without end, codes without end', async (t) => {
  const { directory, file } = desk(t);
  const one = { identifier: '810101026994', firstName: 'ZOÉ', lastName: 'MARTIN' };
  const wide = lineOf({ ...one, lastName: 'M'.repeat(1001) });
  t.match(await importExtract(directory, file('a.txt', `${good}${wide}\n`), options), {
    bad: 1,
    examples: [{ why: 'value 8 is longer than 1000 characters' }],
  });
  const coded = (n: number) => lineOf({ ...one, profession: [`c${n}`, 'x'] });
  const codes = [HEADER, ...Array.from({ length: 10_001 }, (_, n) => coded(n)), ''].join('\n');
  t.match(await refusalOf(importExtract(directory, file('b.txt', codes), options)), {
    code: 'config',
    message: /more than 10000 professions/,
  });
  const towns = Array.from({ length: 10_050 }, (_, n) => lineOf({ ...one, profession: PHYSICIAN, city: `T${n}` }));
  const many = [HEADER, ...towns, ''].join('\n');
  t.match(
    await importExtract(directory, file('c.txt', many), options),
    { people: 1, lines: 10_050 },
    'one in many places',
  );
});

const NAMESPACE = 'https://listeblanche.mssante.fr/schema';
const listed = (content: string) => `<l xmlns="${NAMESPACE}">${content}</l>`;
const domain = (name: string) => `<Domaine><Nom>${name}</Nom></Domaine>`;
const TREES: readonly (readonly [content: () => string | Buffer, says: RegExp, why: string])[] = [
  [() => listed('<a>'.repeat(3_000_000)), /line 1 has more than 32 elements within each other/, 'three million tags'],
  [() => listed(`\n\n${'<a>'.repeat(33)}`), /line 3 has more than 32/, 'with its line'],
  [() => listed('<a/>'.repeat(3_000_000)), /more than 250000 elements above it/, 'beside each other'],
  [
    () => `<l ${Array.from({ length: 100_000 }, (_, n) => `xmlns:n${n}="x"`).join(' ')}>`,
    /more than 32 attributes/,
    'namespaces',
  ],
  [() => listed(domain('a'.repeat(10_000_000))), /none of its 1 names is a domain/, 'a name without end'],
  [() => listed('&#97;'.repeat(4_000_000)), /too large to be the white list/, 'too large'],
  [() => `<!DOCTYPE ${'a'.repeat(1_000_000)}>`, /declares a document type/, 'a document type'],
  [() => gzipSync(listed(domain('a.example'))), /is a gzip file, not XML/, 'gzip'],
  [() => zipped(member('a.xml', listed(domain('a.example')))), /is a zip file, not XML/, 'zip'],
];

t.test('white lists: refused at once, and nothing written', async (t) => {
  const { directory, file } = desk(t);
  for (const [content, says, why] of TREES) {
    const taking = async () => importWhiteList(directory, file('a.xml', content()), { maxShrinkPercent: 5, now: NOW });
    const { code, message } = await refusalOf(taking());
    t.match({ code, message }, { code: 'config', message: says }, why);
    t.ok(message.length < 500, `${why}: no more of it than is needed`);
  }
  t.same(readdirSync(directory), []);
});
