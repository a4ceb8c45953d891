/** Names as other programs and published files have them: shown harmlessly, whatever they hold, and given as they are with --json. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { oneLine } from '../../cli/output.ts';
import { extractOf, personLines } from '../directory/extract-maker.ts';
import { desk, must } from './desk.ts';

const EVIL = [
  [`O'Brien "Bob"`, 'quotes'],
  ['<script>alert(1)</script>', 'markup'],
  ['Bob\r\nBcc: all@lab.test', 'CRLF'],
  ['\x1b[2J\x1b]0;x\x07Bob', 'escape sequences'],
  ['\u202eboB\u202c\u2066x\u2069\u200f\u061c', 'right-to-left marks'],
  ['a\u2028b\u2029c', "Unicode's line ends"],
  ['zero\u200bwidth\ufeff', 'what nobody sees'],
  ['\u0645\u062d\u0645\u062f', 'a name that is written from right to left'],
] as const;

/** What a terminal would obey, or would hide. */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\u200b\ufeff]/u;

t.test('one by one', async (t) => {
  for (const [name, what] of EVIL) t.notMatch(oneLine(name), OBEYED, what);
  for (const [name] of EVIL.slice(0, 2)) t.equal(oneLine(name), name);
  t.equal(oneLine(EVIL[7][0]), EVIL[7][0], 'letters are left alone');
  t.equal(oneLine('Zoé-Anne L\u2019Évêque \u200d'), 'Zoé-Anne L\u2019Évêque \u200d');
});

t.test('in every list that shows them', async (t) => {
  const { mandat, json, sql } = await desk(t);
  const quoted = (name: string) => `'${name.replaceAll("'", "''")}'`;
  sql(
    `INSERT INTO mailbox (address) VALUES ('alice@lab.test'); INSERT INTO delegate (id, first_name, last_name, profession) VALUES ${EVIL.map(
      ([name], at) => `('d${at}', ${quoted(name)}, ${quoted(name)}, ${quoted(name)})`,
    ).join(
      ', ',
    )}; INSERT INTO delegation (mailbox, delegate, note) SELECT 'alice@lab.test', id, first_name FROM delegate`,
  );
  for (const args of [['list'], ['delegate', 'list'], ['delegate', 'show', 'd2'], ['history', 'alice@lab.test']]) {
    const { stdout } = await must(mandat(...args));
    t.notMatch(stdout.replaceAll('\n', ''), OBEYED, args.join(' '));
    if (args.at(-1) === 'list') t.equal(stdout.trimEnd().split('\n').length, 1 + EVIL.length, 'a line each');
  }
  t.same(
    ((await json('list')) as { firstName: string }[]).map(({ firstName }) => firstName),
    EVIL.map(([name]) => name),
  );
  await must(mandat('delegate', 'add', 'x', '--first-name', EVIL[2][0], '--last-name', EVIL[4][0]));
  t.match(await json('delegate', 'show', 'x'), { firstName: EVIL[2][0] });
});

t.test('as the directory has them', async (t) => {
  const config = 'data_dir = "data"\n[imap]\nport = 1\ntls = "none"\n';
  const { directory, mandat, json } = await desk(t, { config });
  const file = path.join(directory, 'extract.txt');
  // A line end ends a line there: what comes before it is a line too short, and is left out.
  const there = EVIL.filter(([, what]) => what !== 'CRLF' && what !== 'escape sequences');
  const people = there.map(([name], at) => ({ identifier: `81010100000${at}`, lastName: `Z${name}`, firstName: name }));
  const obeyed = { identifier: '810101000099', lastName: 'Z\x1b[2J', firstName: 'x\x07' };
  const torn = `8|10101000088|810101000088|x\n\x1b[31m|${'|'.repeat(60)}\n`;
  writeFileSync(file, extractOf([...personLines(1), ...people, obeyed]) + torn);
  const { stderr } = await must(mandat('directory', 'import', file));
  t.match(stderr, /2 lines left out/);
  t.notMatch(stderr.replaceAll('\n', ''), OBEYED);
  for (const { identifier } of [...people, obeyed]) {
    const { stdout } = await must(mandat('directory', 'search', '--id', identifier));
    t.notMatch(stdout.replaceAll('\n', ''), OBEYED, identifier);
  }
  t.match(await json('directory', 'search', '--id', obeyed.identifier), { people: [{ lastName: obeyed.lastName }] });
  const added = await must(mandat('delegate', 'add', obeyed.identifier, '--login', 'x'));
  t.notMatch(added.stdout.replaceAll('\n', ''), OBEYED);
});
