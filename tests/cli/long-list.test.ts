/** Lists that are read in portions: nothing is left out or told twice where one ends, and they look as a short one does. */
import t from 'tap';
import { desk, must } from './desk.ts';

const MAILBOXES = 250;
const name = (letter: string, n: number) => `${letter}${String(n).padStart(3, '0')}@lab.test`;

t.test('every row once, in order, in columns; the same by --json', async (t) => {
  const { mandat, json, sql } = await desk(t);
  const all = Array.from({ length: MAILBOXES }, (_, n) => n);
  sql(`BEGIN;
    INSERT INTO mailbox (address) VALUES ${all.map((n) => `('${name('o', n)}')`).join(', ')};
    INSERT INTO delegate (id, first_name) VALUES ${all.map((n) => `('${name('d', n)}', '${n === 249 ? 'Ève-Frédérique' : 'Bob'}')`).join(', ')};
    INSERT INTO delegation (mailbox, delegate) VALUES ${all.map((n) => `('${name('o', n)}', '${name('d', n)}')`).join(', ')};
    INSERT INTO delegation (mailbox, delegate) VALUES ${all.map((n) => `('${name('o', n)}', '${name('d', (n + 1) % MAILBOXES)}')`).join(', ')};
    COMMIT;`);
  const twice = all.flatMap((n) =>
    [n, (n + 1) % MAILBOXES].sort((one, other) => one - other).map((d) => [n, d] as const),
  );
  const expected = twice.map(([o, d]) => [name('o', o), name('d', d)]);

  const [head = '', ...lines] = (await must(mandat('list'))).stdout.trimEnd().split('\n');
  t.same(
    lines.map((line) => line.split(/ {2,}/).slice(0, 2)),
    expected,
  );
  const at = head.indexOf('LAST NAME');
  t.equal(
    at,
    head.indexOf('FIRST NAME') + 'Ève-Frédérique'.length + 2,
    'as wide as the longest cell, which comes last',
  );
  t.ok(lines.every((line) => line.slice(at - 2, at) === '  ' && line[at] === '-'));

  const documents = (await json('list')) as { readonly mailbox: string; readonly identifier: string }[];
  t.same(
    documents.map(({ mailbox, identifier }) => [mailbox, identifier]),
    expected,
  );
  const owners = (await json('mailbox', 'list')) as { readonly address: string; readonly delegates: number }[];
  t.same(
    owners.map(({ address, delegates }) => [address, delegates]),
    all.map((n) => [name('o', n), 2]),
  );
  const people = (await json('delegate', 'list')) as { readonly identifier: string; readonly mailboxes: string[] }[];
  t.same(
    people.map(({ identifier, mailboxes }) => [identifier, mailboxes.length]),
    all.map((n) => [name('d', n), 2]),
  );
  for (const what of ['mailbox', 'delegate'])
    t.equal((await must(mandat(what, 'list'))).stdout.trimEnd().split('\n').length, MAILBOXES + 1);
});
