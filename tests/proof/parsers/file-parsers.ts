/** Readers of files: what people write by hand, what is published, what a backup says of itself. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { MANIFEST, readManifest, writeManifest } from '../../../bridge/backup/manifest.ts';
import { correspondenceReader } from '../../../bridge/directory/correspondence.ts';
import { lineReader } from '../../../bridge/directory/extract.ts';
import { batchesOf } from '../../../bridge/directory/lines.ts';
import { readWhiteListXml } from '../../../bridge/directory/white-list-xml.ts';
import { parseDoveconf } from '../../../bridge/doctor/doveconf-text.ts';
import { readAnswers } from '../../../bridge/setup/answers.ts';
import { readDelegations } from '../../../cli/csv.ts';
import { databasePlace, databaseUrl } from '../../../config/database-url.ts';
import { ConfigError } from '../../../config/mistake.ts';
import { parseConfig } from '../../../config/parse.ts';
import { bounded, octets, orRefused, type Parser, places, refusal } from './parser.ts';

/** Made when it is first wanted, and gone with the process. */
let directory: string | undefined;
function place(name: string, content: string | Buffer): string {
  if (directory === undefined) {
    const made = mkdtempSync(path.join(os.tmpdir(), 'mandat-parsers-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    directory = made;
  }
  const file = path.join(directory, name);
  rmSync(file, { force: true });
  writeFileSync(file, content);
  return file;
}

const same = (typed: string) => typed;
const ends = '2026-12-31T00:00:00.000Z';

function checkCsv(text: string): void {
  const file = place('rows.csv', text);
  const rows = orRefused(() => readDelegations(file, 'Europe/Paris', same, ends));
  if (rows === undefined) return;
  bounded(text, rows, 20);
  for (const { mailbox, line } of rows) {
    assert.match(mailbox, /^[a-z0-9._@+-]+@[a-z0-9._-]+$/);
    assert.ok(line >= 2 && line <= text.split('\n').length + 1);
  }
  // What was read, written plainly, is read again.
  const plain = rows.map((row) =>
    [row.mailbox, row.delegate, row.startsAt ?? '', row.endsAt ?? '', row.note ?? ''].map(csvValue).join(','),
  );
  const again = place('again.csv', `mailbox,delegate,starts,ends,note\n${plain.join('\n')}\n`);
  const readAgain = readDelegations(again, 'Europe/Paris', same, ends);
  assert.deepEqual(
    readAgain.map(({ mailbox, delegate, note }) => [mailbox, delegate, note]),
    rows.map(({ mailbox, delegate, note }) => [mailbox, delegate, note]),
  );
}
const csvValue = (value: string) => `"${value.replaceAll('"', '""')}"`;

const EXAMPLE = readFileSync(new URL('../../../config/mandat.toml', import.meta.url), 'utf8');
const SMALL =
  '[imap]\nhost = "imap.x.test"\nadmin_user = "bridge"\nadmin_password_file = "/etc/mandat/p"\n[policy]\nlimit = 5\n';

function checkToml(text: string): void {
  try {
    const config = parseConfig(text, '/etc/mandat/mandat.toml');
    assert.equal(config.file, '/etc/mandat/mandat.toml');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    assert.ok(error.mistakes.length > 0);
    assert.ok(error.message.length <= 40 * text.length + 20_000, `a message of ${error.message.length}`);
    assert.doesNotMatch(error.message, /SECRET/, 'no value that may be a password');
  }
  orRefused(() => readAnswers(text, 'answers.toml'));
}

function checkUrl(text: string): void {
  const problems = databaseUrl(text);
  if (problems.length > 0) {
    assert.ok(problems.every(({ message }) => !message.includes('SECRET')));
    return;
  }
  const found = databasePlace(text);
  assert.ok(found.port >= 1 && found.port <= 65_535);
  assert.ok(
    found.tls !== 'disable' || found.host.startsWith('/') || /^(?:localhost|127\.|::1)/.test(found.host),
    found.host,
  );
}

const EXTRACT =
  "Type d'identifiant PP|Identifiant PP|Identification nationale PP|Nom d'exercice|Prénom d'exercice|Code profession|Libellé profession|Code postal (coord. structure)|Libellé commune (coord. structure)|Bureau cedex (coord. structure)|Code rôle|Libellé rôle|";
const PERSON = '8|10001234567|810001234567|DUPONT|Anne|10|Médecin|75015|Paris|75015 PARIS|||';
const BOXES = 'Type de BAL|Adresse BAL|Type Identifiant PP|Identifiant PP|Identification nationale PP|';
const BOX = 'PER|a.Dupont@Médecin.mssante.fr|8|10001234567|810001234567|';

/** The first line as a header too: what it lacks is said, and nothing else goes wrong. */
function checkExtract(text: string): void {
  const lines = text.split('\n');
  for (const header of [EXTRACT, lines[0] ?? '']) {
    const read = orRefused(() => lineReader(header, 'extract.txt'));
    if (read === undefined) continue;
    for (const line of lines) {
      const activity = read(line);
      bounded(line, activity, 4);
      if (!('why' in activity)) assert.match(activity.identifier, /^8\d{11}$/);
    }
  }
}

function checkBoxes(text: string): void {
  const lines = text.split('\n');
  for (const header of [BOXES, lines[0] ?? '']) {
    const read = orRefused(() => correspondenceReader(header, 'boxes.txt'));
    if (read === undefined) continue;
    for (const line of lines) {
      const box = read(line);
      bounded(line, box, 20);
      if ('why' in box) continue;
      assert.match(box.address, /^[^\s@]+@[^\s@]+$/);
      const again = read(`${box.kind}|${box.address}|8|${box.owner?.slice(1) ?? ''}|${box.owner ?? ''}|`);
      if (header === BOXES && !box.address.includes('|')) assert.deepEqual(again, box, 'as the table has addresses');
    }
  }
}

async function checkLines(text: string): Promise<void> {
  const all = octets(text);
  const inParts = async (...chunks: readonly Buffer[]): Promise<readonly string[] | undefined> => {
    const found: string[] = [];
    try {
      const stream = Readable.from(chunks.filter(({ length }) => length > 0));
      for await (const { lines, first } of batchesOf({ name: 'x', size: all.length, stream })) {
        assert.equal(first, found.length + 1);
        found.push(...lines);
      }
      return found;
    } catch (error) {
      refusal(error);
      return undefined;
    }
  };
  const whole = await inParts(all);
  for (const at of places(all.length))
    assert.deepEqual(await inParts(all.subarray(0, at), all.subarray(at)), whole, `cut at ${at}`);
}

const XML = `<?xml version="1.0" encoding="UTF-8"?>
<l:ListeBlanche xmlns:l="https://listeblanche.mssante.fr/schema"><l:Domaine><l:Nom>a.mssante.fr</l:Nom></l:Domaine><l:Domaine><l:Nom>M&#233;decin.x.test</l:Nom></l:Domaine></l:ListeBlanche>`;

function checkXml(text: string): void {
  const list = orRefused(() => readWhiteListXml(text, 'list.xml'));
  if (list === undefined) return;
  bounded(text, list, 30);
  assert.deepEqual([...new Set(list.domains)].sort(), list.domains);
  for (const domain of list.domains) assert.match(domain, /^[^\s/@:<>A-Z]+\.[^\s/@:<>A-Z]+$/);
  const anew = `<L xmlns="https://listeblanche.mssante.fr/schema">${list.domains.map((one) => `<Domaine><Nom>${one}</Nom></Domaine>`).join('')}</L>`;
  assert.deepEqual(readWhiteListXml(anew, 'list.xml').domains, list.domains, 'what was read is read again');
}

const KEY = Buffer.alloc(32, 1);
const SAID = {
  format: 'mandat backup 1',
  mandat: '0.1.0',
  taken: '2026-11-29T03:03:09.223Z',
  dataDir: '/var/lib/mandat',
  epoch: 'e',
  version: 7,
  stateId: null,
  trail: { head: { id: 1, seal: 's' }, proven: 1, why: null },
  files: [
    {
      name: 'delegation.db',
      size: 1,
      sha256: 'a'.repeat(64),
      database: { version: 1, schema: 'b'.repeat(64), rows: { delegation: 1 } },
    },
  ],
} as const;

/** As it is written, with its seal. */
function sealed(): string {
  const file = place(MANIFEST, '');
  rmSync(file);
  writeManifest(path.dirname(file), KEY, SAID as unknown as Parameters<typeof writeManifest>[2]);
  return readFileSync(file, 'utf8');
}
const SEALED = sealed();

function checkManifest(text: string): void {
  const file = place(MANIFEST, text);
  const read = orRefused(() => readManifest(path.dirname(file)));
  if (read === undefined) return;
  const { manifest, isSealedWith } = read;
  for (const { name } of manifest.files) assert.doesNotMatch(name, /\.\.|^\/|[^\w./-]/, 'a name of ours');
  assert.equal(isSealedWith(Buffer.alloc(32, 2)), false);
  if (isSealedWith(KEY))
    assert.deepEqual(
      manifest,
      JSON.parse(SEALED, (key, value) => (key === 'seal' && value.length === 64 ? undefined : value)),
      'what is sealed is what was written',
    );
}

const JSONS = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  'null',
  '-1',
  '1e999',
  '"__proto__":{}',
  '"files":',
  '"name":"../x"',
  '"name":"/etc/passwd"',
  '\\u0000',
  '[[[[',
  '{"a":',
  '0.5',
];
const TOMLS = [
  '[',
  ']',
  '=',
  '"',
  "'",
  '"""',
  '#',
  '\n',
  '\\',
  '.',
  ',',
  '{',
  '}',
  '[[a]]',
  '[imap]',
  'a.b.c = 1\n',
  'host = ',
  '"SECRET"',
  '= [[[',
  'a = 1\n',
  '1979-05-27',
  'inf',
  '0x',
  '\u0000',
  '\ufeff',
  '__proto__',
  'é',
  '[a.',
  '{a=',
];

export const FILE_PARSERS: readonly Parser[] = [
  {
    name: 'csv',
    files: ['cli/csv', 'cli/arguments', 'csv-parse'],
    samples: [
      'mailbox,delegate\nalice@x.test,bob@x.test\n',
      'delegate;mailbox;note;ends\r\nbob;alice@x.test;"a ""b"";\r\nc";2027-01-31\r\n',
      '\ufeffmailbox,delegate,starts,ends,note,send-mode\nA@X.test,bob,2026-01-01T10:00Z,2027-01-01,n,on-behalf\n',
    ],
    pieces: [
      ',',
      ';',
      '"',
      '""',
      '\n',
      '\r\n',
      '\r',
      'mailbox',
      'delegate',
      'note',
      'alice@x.test',
      'é',
      '\u0000',
      '2027-02-30',
      '\t',
      ' ',
      'a,b\n',
      '\u202e',
      '\ufeff',
    ],
    check: checkCsv,
    within: [
      ['mailbox,delegate\n', ''],
      ['', '\na,b'],
      ['mailbox,delegate,note\na@b.c,d,"', '"'],
    ],
    cost: 4,
  },
  {
    name: 'toml',
    files: [
      'config/parse',
      'config/explain',
      'config/cross',
      'config/rules',
      'config/suggest',
      'config/schema',
      'setup/answers',
      'smol-toml',
    ],
    samples: [EXAMPLE, EXAMPLE.replace(/^#( \w+ = )/gm, '$1'), SMALL, 'try_as = ["a", "b"]\n'],
    pieces: TOMLS,
    check: checkToml,
    within: [
      ['', ''],
      ['a = ', '\n'],
      [SMALL, ''],
      ['a = "', '"'],
    ],
    cost: 8,
  },
  {
    name: 'database address',
    files: ['config/database-url'],
    samples: [
      'postgres://mandat@db.x.test:5432/mandat?sslmode=verify-full',
      'postgres:///mandat?host=/run/postgresql',
      'postgresql://u@[::1]/d?sslmode=disable',
    ],
    pieces: [
      'postgres://',
      ':',
      '@',
      '/',
      '?',
      '&',
      '=',
      '%',
      '%00',
      '%zz',
      ':SECRET@',
      '?password=SECRET',
      'sslmode=',
      'disable',
      'host=',
      '[',
      ']',
      '#',
      '99999',
      ' ',
      'é',
    ],
    check: checkUrl,
    within: [
      ['', ''],
      ['postgres://', '/d'],
      ['postgres://u@h/d?', ''],
    ],
  },
  {
    name: 'extract of professionals',
    files: ['directory/extract', 'directory/published-lines', 'directory/column-names'],
    samples: [`${EXTRACT}\n${PERSON}`, PERSON, `\ufeff${EXTRACT}`],
    pieces: [
      '|',
      '8',
      '10001234567',
      '810001234567',
      'é',
      '\u0301',
      ' ',
      '\ufeff',
      '"',
      '\n',
      "d'",
      '(coord. structure)',
      '\u0000',
      'ﷺ',
    ],
    check: checkExtract,
  },
  {
    name: 'extract of addresses',
    files: ['directory/correspondence', 'directory/published-lines', 'directory/column-names', 'shared/domain-name'],
    samples: [`${BOXES}\n${BOX}`, BOX, 'ORG|x@a.b||||'],
    pieces: [
      '|',
      'PER',
      'ORG',
      '@',
      'x.test',
      'xn--',
      'é',
      'ß',
      '\u200d',
      '%',
      '/',
      '127.1',
      '.',
      ' ',
      '\n',
      'A',
      'İ',
      '\u0130',
      'K',
      '8',
    ],
    check: checkBoxes,
    within: [
      ['', ''],
      ['PER|a@', '|8|1|81|'],
    ],
  },
  {
    name: 'lines of an extract',
    octets: true,
    files: ['directory/lines'],
    samples: ['a|b\nc|d\n', '\u00ef\u00bb\u00bfa\r\nb\r\n', '\u00c3\u00a9\n'],
    pieces: ['\n', '\r\n', '\r', '\u0000', '\u00c3', '\u00a9', '\u00ef\u00bb\u00bf', 'a', '|'],
    check: checkLines,
    cost: 4,
  },
  {
    name: 'white list',
    files: ['directory/white-list-xml', 'shared/domain-name', 'saxes'],
    samples: [XML, XML.replaceAll('l:', '').replace('xmlns:l', 'xmlns')],
    pieces: [
      '<',
      '>',
      '/',
      '</',
      '/>',
      '&',
      ';',
      '&#0;',
      '&#x10ffff;',
      '&lt;',
      '<l:Nom>',
      '</l:Nom>',
      '<l:Domaine>',
      '<![CDATA[',
      ']]>',
      '<!--',
      '-->',
      '<!DOCTYPE x [',
      '<?x ?>',
      'xmlns=""',
      ' a="b"',
      '"',
      "'",
      'x.test',
      'é',
      '\u0000',
      '\ufffe',
      '\ud800',
      'xn--a',
    ],
    check: checkXml,
    within: [
      ['', ''],
      [XML.slice(0, XML.indexOf('a.mssante')), '</l:Nom></l:Domaine></l:ListeBlanche>'],
    ],
    cost: 2,
  },
  {
    name: 'backup manifest',
    files: ['backup/manifest'],
    samples: [SEALED, JSON.stringify(SAID)],
    pieces: JSONS,
    check: checkManifest,
    cost: 4,
  },
  {
    name: 'doveconf',
    files: ['doctor/doveconf-text'],
    samples: [
      '# 2.3.19.1 (x): /etc/dovecot/dovecot.conf\nprotocol imap {\n  mail_plugins = acl imap_acl\n}\nplugin {\n  acl = vfile\n}\n',
    ],
    pieces: ['{', '}', '\n', ' = ', '"', '#', 'a', ' ', '=', '  ', 'plugin {\n', '}\n', '\t'],
    check: (text) => bounded(text, parseDoveconf(text), 12),
  },
];
