/** Logins, addresses, aliases and the other words of the delegation table, as another program may write them. */
import t from 'tap';
import { LONGEST_LOGIN } from '../../../acl/identifier.ts';
import { row, rows, sqlite3 } from '../shell.ts';
import { decide, freshWorld, type Row, type RowAfter } from '../world.ts';

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;
const mailbox = (address: string) => `INSERT INTO mailbox (address) VALUES (${address})`;
const login = (login: string) => `INSERT INTO delegate (id, login) VALUES ('new', ${login})`;

t.test('logins', async (t) => {
  // The whole list is in tests/acl/identifier.test.ts, held against the same triggers; these show it for the shell's own SQLite.
  const refused: readonly (readonly [string, string])[] = [
    [quoted('Bob'), 'upper case'],
    [quoted('anyone'), 'everybody'],
    [quoted('owner'), 'the owner'],
    [quoted('-bob'), 'a negative entry'],
    [quoted('$group'), 'a group'],
    [quoted('#1'), 'a number'],
    [quoted('!bob'), 'an override'],
    [quoted('group:x'), 'a group'],
    [quoted('a b'), 'a space'],
    [quoted("b'ob"), 'a quote'],
    [quoted('bøb'), 'not ASCII'],
    [quoted(''), 'empty'],
    [quoted('a'.repeat(LONGEST_LOGIN + 1)), 'too long'],
    ["'x' || char(13) || char(10) || 'y'", 'a second line'],
    ["'x' || char(10)", 'a trailing newline'],
    ["'x' || char(0)", 'a trailing NUL'],
    ["'bob' || char(0) || '$group'", 'anything after a NUL, which C code and GLOB never see'],
    ["CAST(x'62ff6f62' AS TEXT)", 'bytes that are no UTF-8'],
  ];
  const table: readonly Row[] = [
    [login(quoted('a'.repeat(LONGEST_LOGIN))), undefined, 'as long as allowed'],
    [login(quoted('b.o-b_+@x')), undefined, 'every sign that is allowed'],
    [login('NULL'), undefined, 'not given: the identifier serves'],
    [login('12345'), undefined, 'a number is written out'],
    ...refused.map(([text, why]): Row => [login(text), 'MANDAT_LOGIN', why]),
    ["UPDATE delegate SET login = 'Bob' WHERE id = 'bob'", 'MANDAT_LOGIN', 'nor later'],
    ["UPDATE delegate SET login = NULL WHERE id = 'bob'", 'MANDAT_LOGIN', 'nor taken away'],
    ["UPDATE mailbox SET login = '-alice' WHERE address = 'alice@example.org'", 'MANDAT_LOGIN', "nor the owner's"],
    ["INSERT INTO mailbox (address, login) VALUES ('n@example.org', 'anyone')", 'MANDAT_LOGIN', "nor the owner's"],
    ["INSERT INTO delegate (id) VALUES ('Rpps-1')", 'MANDAT_IDENTIFIER', 'an identifier obeys the same rule'],
    ['INSERT INTO delegate (id) VALUES (NULL)', 'MANDAT_IDENTIFIER', 'and must be given'],
    ["UPDATE delegate SET id = '' WHERE id = 'bob'", 'MANDAT_IDENTIFIER', 'and kept'],
  ];
  await decide(t, table);
});

t.test('addresses', async (t) => {
  const longest = `${'a'.repeat(LONGEST_LOGIN - '@example.org'.length)}@example.org`;
  const table: readonly Row[] = [
    [mailbox(quoted('a.b-c_d+e@sub.example.org')), undefined, 'every sign that is allowed'],
    [mailbox(quoted('x@xn--hpital-xxa.example')), undefined, 'punycode'],
    [mailbox(quoted('x@localhost')), undefined, 'a domain without a dot'],
    [mailbox(quoted('anyone@example.org')), undefined, 'a reserved word is one only by itself'],
    [mailbox(quoted(longest)), undefined, '254 octets'],
    [mailbox(quoted(`a${longest}`)), 'MANDAT_ADDRESS', '255'],
    [mailbox(quoted('alice')), 'MANDAT_ADDRESS', 'no domain'],
    [mailbox(quoted('@example.org')), 'MANDAT_ADDRESS', 'nobody there'],
    [mailbox(quoted('new@')), 'MANDAT_ADDRESS', 'nowhere'],
    [mailbox(quoted('a@b@c')), 'MANDAT_ADDRESS', 'two domains'],
    [mailbox(quoted('New@example.org')), 'MANDAT_ADDRESS', 'upper case'],
    [mailbox(quoted('new@Example.org')), 'MANDAT_ADDRESS', 'upper case in the domain'],
    [mailbox(quoted('new@bücher.example')), 'MANDAT_ADDRESS', 'not punycode'],
    [mailbox(quoted('.new@example.org')), 'MANDAT_ADDRESS', 'a dot in front'],
    [mailbox(quoted('new.@example.org')), 'MANDAT_ADDRESS', 'a dot behind'],
    [mailbox(quoted('n..ew@example.org')), 'MANDAT_ADDRESS', 'two dots'],
    [mailbox(quoted('new@.example.org')), 'MANDAT_ADDRESS', 'a domain that begins with a dot'],
    [mailbox(quoted('new@example.org.')), 'MANDAT_ADDRESS', 'a domain that ends with one'],
    [mailbox(quoted('-new@example.org')), 'MANDAT_ADDRESS', 'an address may be a login too'],
    [mailbox(quoted('"new"@example.org')), 'MANDAT_ADDRESS', 'a quoted local part'],
    [mailbox(quoted('new@example.org,other@example.org')), 'MANDAT_ADDRESS', 'two of them'],
    [mailbox("'new@example.org' || char(10)"), 'MANDAT_ADDRESS', 'a trailing newline'],
    [mailbox("'new@example.org' || char(0) || 'x'"), 'MANDAT_ADDRESS', 'a NUL'],
    [mailbox('NULL'), 'MANDAT_ADDRESS', 'none'],
    ["UPDATE mailbox SET address = 'Alice@example.org'", 'MANDAT_ADDRESS', 'nor later'],
    ["INSERT INTO alias VALUES ('Al@example.org', 'alice@example.org')", 'MANDAT_ADDRESS', 'an alias is an address'],
    ["INSERT INTO alias VALUES (NULL, 'alice@example.org')", 'MANDAT_ADDRESS', 'and must be one'],
  ];
  await decide(t, table);
});

t.test('kinds, states, eligibility', async (t) => {
  const table: readonly (Row | RowAfter)[] = [
    ["INSERT INTO mailbox (address, kind) VALUES ('n@example.org', 'per')", 'MANDAT_KIND', 'lower case'],
    ["INSERT INTO mailbox (address, kind) VALUES ('n@example.org', 'PERS')", 'MANDAT_KIND', 'no such kind'],
    ["UPDATE mailbox SET kind = NULL WHERE address = 'org@example.org'", 'MANDAT_KIND', 'a kind is never unknown'],
    ["INSERT INTO mailbox (address, eligible) VALUES ('n@example.org', '1')", undefined, 'text that is a number'],
    ["INSERT INTO mailbox (address, eligible) VALUES ('n@example.org', 2)", 'MANDAT_ELIGIBLE', 'neither yes nor no'],
    ['UPDATE mailbox SET eligible = NULL', 'MANDAT_ELIGIBLE', 'eligibility is never unknown'],
    ["INSERT INTO delegate (id, state) VALUES ('n', 'Active')", 'MANDAT_STATE', 'upper case'],
    ["UPDATE delegate SET state = 'gone' WHERE id = 'bob'", 'MANDAT_STATE', 'no such state'],
    ["UPDATE delegate SET state = NULL WHERE id = 'bob'", 'MANDAT_STATE', 'a state is never unknown'],
    ["INSERT INTO delegate (id, state) VALUES ('n', 'pending')", undefined, 'who has to activate their account'],
    ["UPDATE delegate SET state = 'ended' WHERE id = 'bob'", undefined, 'an account that is closed'],
    [
      "UPDATE delegate SET state = 'ended' WHERE id = 'bob'",
      "UPDATE OR REPLACE delegate SET state = 'active' WHERE id = 'bob'",
      'MANDAT_ENDED',
      'and stays so',
    ],
    [
      "UPDATE delegate SET state = 'ended' WHERE id = 'bob'",
      "UPDATE delegate SET login = 'bob2' WHERE id = 'bob'",
      undefined,
      'what else there is to change may be changed',
    ],
  ];
  await decide(t, table);
});

t.test("what isn't even of a column's type is refused by SQLite itself", async (t) => {
  const file = freshWorld(t);
  for (const statement of [
    "INTO mailbox (address, eligible) VALUES ('n@example.org', 'yes')",
    "INTO mailbox (address, login) VALUES ('n@example.org', x'61')",
    "INTO mailbox (address, server) VALUES ('n@example.org', x'61')",
    "INTO delegation (mailbox, delegate, note) VALUES ('alice@example.org', 'bob', x'61')",
    "INTO delegation (mailbox, delegate, ends_at) VALUES ('alice@example.org', 'bob', CAST('2026-11-23T08:00:00.000Z' AS BLOB))",
  ]) {
    for (const verb of ['INSERT', 'REPLACE', 'INSERT OR IGNORE', 'INSERT OR REPLACE']) {
      t.not(sqlite3(file, `${verb} ${statement}`).status, 0, `${verb} ${statement}`);
    }
  }
  t.same(rows(file, "SELECT * FROM mailbox WHERE address = 'n@example.org'"), []);
  t.same(rows(file, 'SELECT * FROM delegation'), []);
});

t.test('what is not given', async (t) => {
  const file = freshWorld(
    t,
    "INSERT INTO mailbox (address) VALUES ('new@example.org'); INSERT INTO delegate (id) VALUES ('new')",
  );
  t.equal(
    row(file, "SELECT * FROM mailbox WHERE address = 'new@example.org'"),
    'new@example.org|new@example.org||PER|1|main',
  );
  t.equal(row(file, "SELECT id, login, state FROM delegate WHERE id = 'new'"), 'new|new|active');
});

t.test('an address belongs to one mailbox, and nobody is locked out of their own', async (t) => {
  const alias = (address: string, mailbox = 'alice@example.org') =>
    `INSERT INTO alias VALUES ('${address}', '${mailbox}')`;
  const table: readonly (Row | RowAfter)[] = [
    [alias('a.lice@example.org'), undefined, 'an address of her own'],
    [alias('alice@example.org'), 'MANDAT_DUPLICATE', 'alice has it already'],
    [alias('other@example.org'), 'MANDAT_DUPLICATE', 'the address of another mailbox'],
    [alias('x@example.org'), alias('x@example.org', 'other@example.org'), 'MANDAT_DUPLICATE', 'an alias of another'],
    [
      "INSERT INTO mailbox (address, login) VALUES ('n@example.org', 'n@login')",
      alias('n@login'),
      'MANDAT_DUPLICATE',
      'the login of another owner, who sends from it',
    ],
    [alias('bob@example.net'), 'MANDAT_DUPLICATE', 'the login of a delegate, who sends from it'],
    [
      "UPDATE mailbox SET login = 'alice@login' WHERE address = 'alice@example.org'",
      alias('alice@login'),
      undefined,
      'her own login',
    ],
    // The same the other way round: a rule holds in whichever order things come.
    [alias('x@example.org'), mailbox(quoted('x@example.org')), 'MANDAT_DUPLICATE', 'a new mailbox'],
    [
      alias('x@example.org'),
      "UPDATE mailbox SET address = 'x@example.org' WHERE address = 'other@example.org'",
      'MANDAT_DUPLICATE',
      'a mailbox that moves',
    ],
    [
      alias('x@example.org'),
      "UPDATE mailbox SET address = 'x@example.org' WHERE address = 'alice@example.org'",
      'MANDAT_DUPLICATE',
      'even their own, which would be an alias of itself',
    ],
    [
      alias('x@login'),
      "INSERT INTO mailbox (address, login) VALUES ('n@example.org', 'x@login')",
      'MANDAT_DUPLICATE',
      'a new owner whose login it is',
    ],
    [
      alias('x@login'),
      "UPDATE mailbox SET login = 'x@login' WHERE address = 'other@example.org'",
      'MANDAT_DUPLICATE',
      'an owner whose login becomes it',
    ],
    [alias('x@login'), "UPDATE mailbox SET login = 'x@login' WHERE login = 'alice'", undefined, 'her own alias'],
    [alias('x@login'), login("'x@login'"), 'MANDAT_DUPLICATE', 'a new delegate whose login it is'],
    [
      alias('x@login'),
      "UPDATE delegate SET login = 'x@login' WHERE id = 'bob'",
      'MANDAT_DUPLICATE',
      'a delegate whose login becomes it',
    ],
    [
      `${alias('x@login')}; UPDATE mailbox SET login = 'x@login' WHERE login = 'alice'`,
      "UPDATE delegate SET login = 'x@login' WHERE id = 'rpps-alice'",
      undefined,
      'herself, as a delegate elsewhere',
    ],
    [
      "INSERT INTO mailbox (address, login) VALUES ('n@example.org', 'n@login')",
      mailbox("'n@login'"),
      'MANDAT_DUPLICATE',
      'a mailbox at the address that is the login of another owner',
    ],
    [
      "INSERT INTO mailbox (address, login) VALUES ('n@example.org', 'alice@example.org')",
      'MANDAT_DUPLICATE',
      'an owner whose login is the address of another mailbox',
    ],
    [
      "UPDATE mailbox SET login = 'alice@example.org' WHERE address = 'other@example.org'",
      'MANDAT_DUPLICATE',
      'an owner whose login becomes it',
    ],
    ["UPDATE mailbox SET login = address WHERE address = 'alice@example.org'", undefined, 'her own address'],
    [alias('x@example.org'), "DELETE FROM alias WHERE address = 'x@example.org'", undefined, 'an alias goes'],
    [alias('x@example.org'), "UPDATE alias SET address = 'y@example.org'", 'MANDAT_IMMUTABLE', 'it never changes'],
  ];
  await decide(t, table);
});

t.test('names may change; what they name stays', async (t) => {
  const file = freshWorld(t, "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')");
  const ids = () => row(file, 'SELECT mailbox_id, delegate_id, created_at FROM delegations');
  const before = ids();
  rows(
    file,
    "UPDATE mailbox SET address = 'alice.b@example.org', login = 'aliceb', owner = 'rpps-2' WHERE login = 'alice'",
  );
  rows(file, "UPDATE delegate SET id = 'rpps-7', login = 'bob@example.com', last_name = 'B' WHERE id = 'bob'");
  t.equal(row(file, 'SELECT mailbox, delegate FROM delegation'), 'alice.b@example.org|rpps-7');
  t.equal(ids(), before, 'the same delegation');
});

t.test(
  'a number is never given twice, so that whatever is still pending or in the ledger names nobody else',
  async (t) => {
    const file = freshWorld(t);
    const last = 'SELECT max(id) FROM mailboxes';
    rows(file, "INSERT INTO mailbox (address) VALUES ('gone@example.org'); INSERT INTO delegate (id) VALUES ('gone')");
    const [mailboxId, delegateId] = [row(file, last), row(file, 'SELECT max(id) FROM delegates')];
    rows(file, "DELETE FROM mailbox WHERE address = 'gone@example.org'; DELETE FROM delegate WHERE id = 'gone'");
    rows(file, "INSERT INTO mailbox (address) VALUES ('gone@example.org'); INSERT INTO delegate (id) VALUES ('gone')");
    t.ok(Number(row(file, last)) > Number(mailboxId), 'the mailbox that came back is another one');
    t.ok(Number(row(file, 'SELECT max(id) FROM delegates')) > Number(delegateId), 'so is the delegate');
  },
);
