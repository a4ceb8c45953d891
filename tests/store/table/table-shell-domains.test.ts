/** Eligibility by domain as another program meets it, through the `sqlite3` shell. R26. */
import t from 'tap';
import { asMandat, row, rows, sqlite3 } from '../shell.ts';
import { decide, freshWorld, type Row, type RowAfter } from '../world.ts';

const GRANT = "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')";
const domain = (name: string, eligible: string | number = 0) =>
  `INSERT INTO domain (domain, eligible) VALUES (${name === 'NULL' ? name : `'${name}'`}, ${eligible})`;
const LISTED = asMandat("UPDATE settings SET value = 'listed' WHERE name = 'eligible_domains'");

t.test('which domains there may be, and what they decide', async (t) => {
  const table: readonly (Row | RowAfter)[] = [
    [domain('example.org'), undefined, 'closed'],
    [domain('example.org', 'NULL'), GRANT, undefined, 'named without more: open'],
    [domain('example.org'), GRANT, 'MANDAT_NOT_ELIGIBLE', 'nothing is granted in a closed one'],
    [domain('example.org', 1), GRANT, undefined, 'an open one'],
    [domain('org'), GRANT, undefined, 'what is above it is another domain'],
    [domain('sub.example.org'), GRANT, undefined, 'and so is what is below it'],
    [LISTED, GRANT, 'MANDAT_NOT_ELIGIBLE', 'a site that opens them one after the other'],
    [`${LISTED}; ${domain('example.org', 1)}`, GRANT, undefined, 'this one is open'],
    [
      `${domain('example.org', 1)}; UPDATE domain SET eligible = 0`,
      GRANT,
      'MANDAT_NOT_ELIGIBLE',
      'closed after it was open',
    ],
    [`${domain('example.org')}; DELETE FROM domain`, GRANT, undefined, 'no longer decided on'],
    [domain('example.org'), domain('example.org', 1), 'MANDAT_DUPLICATE', 'decided once'],
    [
      domain('example.org'),
      "INSERT OR REPLACE INTO domains VALUES ('example.org', 1)",
      'MANDAT_DUPLICATE',
      'nor by a REPLACE, which fires no DELETE trigger',
    ],
    [domain('example.org'), "UPDATE domain SET domain = 'example.net'", 'MANDAT_IMMUTABLE', 'another name'],
    [domain('example.org'), 'UPDATE domain SET eligible = 2', 'MANDAT_ELIGIBLE', 'neither'],
    [domain('Example.org'), 'MANDAT_DOMAIN', 'upper case would match nothing'],
    [domain('münchen.example'), 'MANDAT_DOMAIN', 'punycode'],
    [domain('@example.org'), 'MANDAT_DOMAIN', 'an @'],
    [domain('.example.org'), 'MANDAT_DOMAIN', 'a dot before it'],
    [domain('example.org.'), 'MANDAT_DOMAIN', 'a dot behind it'],
    [domain('example..org'), 'MANDAT_DOMAIN', 'two dots'],
    [domain('*'), 'MANDAT_DOMAIN', 'no patterns'],
    [domain(''), 'MANDAT_DOMAIN', 'nothing'],
    [domain('NULL'), 'MANDAT_DOMAIN', 'nothing at all'],
    [domain('x'.repeat(254)), 'MANDAT_DOMAIN', 'too long'],
    ["INSERT INTO domain (domain, eligible) VALUES ('a' || char(0), 0)", 'MANDAT_DOMAIN', 'a NUL'],
  ];
  await decide(t, table);
});

t.test('every mailbox of the domain is pending, no other, and the trail says who decided', async (t) => {
  const file = freshWorld(t, "INSERT INTO mailbox (address) VALUES ('dan@example.net')");
  const pending = () => rows(file, 'SELECT address FROM pending JOIN mailboxes ON id = mailbox_id ORDER BY 1');
  const all = rows(file, "SELECT address FROM mailboxes WHERE address LIKE '%@example.org' ORDER BY 1");
  for (const change of [domain('example.org'), 'UPDATE domain SET eligible = 1', 'DELETE FROM domain']) {
    rows(file, 'DELETE FROM pending');
    rows(file, change);
    t.same(pending(), all, change);
  }
  rows(file, `DELETE FROM pending; ${LISTED}`);
  t.same(pending(), [...all, 'dan@example.net'].sort(), 'the setting concerns all');
  t.same(rows(file, 'SELECT action, actor, detail FROM events'), [
    'domain-set|sql|{"domain":"example.org","eligible":0}',
    'domain-set|sql|{"domain":"example.org","eligible":1}',
    'domain-remove|sql|{"domain":"example.org"}',
  ]);
});

t.test('closed, its delegations stay where they are', async (t) => {
  const file = freshWorld(t, GRANT);
  t.equal(sqlite3(file, domain('example.org')).status, 0);
  t.equal(row(file, 'SELECT count(*) FROM delegation'), '1');
  t.equal(
    row(file, "SELECT eligible FROM domain_eligibility WHERE domain = 'example.org' LIMIT 1"),
    '0',
    'and are not in force',
  );
});
