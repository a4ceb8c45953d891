/** Rules that the views' own answers stand before, met by whoever writes the tables below them, or a column that the views' users seldom set. */
import t from 'tap';
import { asMandat } from '../shell.ts';
import { decide, type Row, type RowAfter } from '../world.ts';

const LARGE = '9223372036854775807';
const GRANT = "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')";
const ENDED = "UPDATE delegate SET state = 'ended' WHERE id = 'bob'";
const RPPS = asMandat("UPDATE settings SET value = 'rpps' WHERE name = 'identity_scheme'");

const REFUSED: readonly (Row | RowAfter)[] = [
  ["INSERT INTO aliases (address, mailbox_id) VALUES ('z@example.org', 999)", 'MANDAT_UNKNOWN_MAILBOX', 'of nobody'],
  ['INSERT OR REPLACE INTO counters VALUES (1, 99)', 'MANDAT_OURS', 'the version grows by one, by REPLACE too'],
  ["INSERT INTO writer (id, actor) VALUES (1, '')", 'MANDAT_OURS', 'a writer has a name'],
  [
    ENDED,
    "UPDATE delegate SET state = 'active' WHERE id = 'bob'",
    'MANDAT_ENDED',
    'an account that has ended stays so (R45)',
  ],
  [ENDED, GRANT, 'MANDAT_ENDED', 'and gets no delegation'],
  [
    "INSERT INTO delegation (mailbox, delegate, suspended) VALUES ('alice@example.org', 'bob', 2)",
    'MANDAT_STATE',
    'neither yes nor no',
  ],
  [
    "INSERT INTO delegation (mailbox, delegate, send_mode) VALUES ('alice@example.org', 'bob', 'as-anybody')",
    'MANDAT_SEND_MODE',
    'R31',
  ],
  [GRANT, "UPDATE delegations SET created_at = 'yesterday'", 'MANDAT_TIME', 'no instant'],
  [GRANT, "UPDATE delegations SET starts_at = 'tomorrow'", 'MANDAT_TIME', 'no instant'],
  [GRANT, "UPDATE delegations SET ends_at = '2026-02-30T08:00:00.000Z'", 'MANDAT_TIME', 'not in the calendar'],
  ["INSERT INTO domain (domain, eligible) VALUES ('example.com', 2)", 'MANDAT_ELIGIBLE', 'neither yes nor no'],
  [
    "INSERT INTO mailbox (address, login) VALUES ('one@example.org', 'two@example.org')",
    "INSERT INTO mailbox (address, login) VALUES ('two@example.org', 'three@example.org')",
    'MANDAT_DUPLICATE',
    'an address that is the login of somebody else would be theirs to send from (R1)',
  ],
  [
    `INSERT INTO mailboxes (id, address, login, kind, eligible, server) VALUES (${LARGE}, 'n@example.org', 'n', 'PER', 1, 'main')`,
    'MANDAT_IMMUTABLE',
    'no mailbox could follow',
  ],
  [
    `INSERT INTO delegations (id, mailbox_id, delegate_id, created_at, created_by, suspended) SELECT ${LARGE}, m.id, d.id, '2026-11-23T08:00:00.000Z', 'sql', 0
      FROM mailboxes m, delegates d WHERE m.address = 'alice@example.org' AND d.identifier = 'bob'`,
    'MANDAT_IMMUTABLE',
    'no delegation could follow',
  ],
];

t.test('below the views', (t) => decide(t, REFUSED));

t.test('under the scheme of national identifiers', (t) =>
  decide(t, [
    [RPPS, "INSERT INTO delegate (id) VALUES ('zoe')", 'MANDAT_IDENTIFIER', 'a delegate (R5)'],
    [RPPS, "INSERT INTO delegate (id) VALUES ('810000000001')", undefined, 'a number'],
    [RPPS, "UPDATE delegate SET id = 'zoe' WHERE id = 'bob'", 'MANDAT_IDENTIFIER', 'a delegate that is renamed'],
    [
      RPPS,
      "INSERT INTO mailbox (address, owner, kind) VALUES ('zoe@example.org', 'zoe', 'ORG')",
      'MANDAT_IDENTIFIER',
      'an owner',
    ],
    [
      RPPS,
      "UPDATE mailbox SET owner = 'zoe' WHERE address = 'org@example.org'",
      'MANDAT_IDENTIFIER',
      'an owner that is another now',
    ],
  ]),
);
