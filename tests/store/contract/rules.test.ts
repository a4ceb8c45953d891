/**
 * Every rule of the delegation table, on both stores (tests/store/postgres/contract.test.ts runs it on PostgreSQL): the same statements are refused,
 * by the same rule in the same words, whoever writes, and a refusal changes nothing.
 *
 * What bites: in PostgreSQL ids are always given by the database (OVERRIDING SYSTEM VALUE is needed to choose one), NULL makes a condition
 * unknown rather than false, `~` is a regular expression in which $ stands before a last newline elsewhere, and there is TRUNCATE.
 */
import { sql } from 'kysely';
import t from 'tap';
import { DELEGATIONS } from '../../../bridge/store/databases.ts';
import { onPostgres } from '../../../bridge/store/dialect.ts';
import { TABLE_MIGRATIONS } from '../../../bridge/store/postgres/table-migrations.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { released } from '../../../bridge/store/table/schema.ts';
import { freshStores } from '../fresh.ts';
import { everything } from './everything.ts';

const WORLD = [
  "INSERT INTO mailbox (address, login, owner) VALUES ('alice@x.test', 'alice', 'rpps-alice')",
  "INSERT INTO mailbox (address, eligible) VALUES ('erin@x.test', 0)",
  "INSERT INTO mailbox (address, kind) VALUES ('org@x.test', 'ORG')",
  "INSERT INTO mailbox (address) VALUES ('other@y.test')",
  "INSERT INTO alias (address, mailbox) VALUES ('al@x.test', 'alice@x.test')",
  "INSERT INTO delegate (id, login) VALUES ('bob', 'bob@z.test'), ('rpps-alice', 'alice@work')",
  ...Array.from({ length: 13 }, (_, n) => `INSERT INTO delegate (id) VALUES ('d${n}')`),
  "UPDATE delegate SET state = 'ended' WHERE id = 'd12'",
  "INSERT INTO domain (domain, eligible) VALUES ('y.test', 0)",
  "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@x.test', 'bob')",
];

const grant = (delegate: string, more = '', values = '') =>
  `INSERT INTO delegation (mailbox, delegate${more}) VALUES ('alice@x.test', ${delegate === 'NULL' ? 'NULL' : `'${delegate}'`}${values})`;
const alias = (address: string, mailbox = 'alice@x.test') =>
  `INSERT INTO alias (address, mailbox) VALUES ('${address}', '${mailbox}')`;
const long = 'a'.repeat(255);
const newline = "' || chr(10) || '";

/** A statement, the rule that refuses it; undefined: it is accepted. */
const RULES: readonly (readonly [string, string | undefined])[] = [
  ...[
    'A@x.test',
    'a..b@x.test',
    'a@',
    'a@b@c',
    '.a@x.test',
    'a@x.test.',
    'a.@x.test',
    'é@x.test',
    `${long}@x.test`,
  ].map((address) => [`INSERT INTO mailbox (address) VALUES ('${address}')`, 'MANDAT_ADDRESS'] as const),
  [`INSERT INTO mailbox (address) VALUES ('a@x.test${newline}')`, 'MANDAT_ADDRESS'],
  [`INSERT INTO mailbox (address) VALUES ('${newline}a@x.test')`, 'MANDAT_ADDRESS'],
  ['INSERT INTO mailbox (address) VALUES (NULL)', 'MANDAT_ADDRESS'],
  ...['anyone', 'owner', '-a', 'é', 'A', '', 'a b', 'a$', long].map(
    (login) => [`INSERT INTO mailbox (address, login) VALUES ('n@x.test', '${login}')`, 'MANDAT_LOGIN'] as const,
  ),
  ["UPDATE mailbox SET login = NULL WHERE address = 'alice@x.test'", 'MANDAT_LOGIN'],
  ["INSERT INTO mailbox (address, kind) VALUES ('n@x.test', 'XXX')", 'MANDAT_KIND'],
  ["INSERT INTO mailbox (address, server) VALUES ('n@x.test', 'MX1')", 'MANDAT_SERVER'],
  ["UPDATE mailbox SET server = 'mx 1' WHERE address = 'alice@x.test'", 'MANDAT_SERVER'],
  ["UPDATE mailbox SET server = NULL WHERE address = 'alice@x.test'", 'MANDAT_SERVER'],
  ["INSERT INTO mailbox (address, eligible) VALUES ('n@x.test', 2)", 'MANDAT_ELIGIBLE'],
  ["UPDATE mailbox SET eligible = NULL WHERE address = 'alice@x.test'", 'MANDAT_ELIGIBLE'],
  ...['alice@x.test', 'al@x.test', 'alice'].map(
    (login) => [`INSERT INTO mailbox (address, login) VALUES ('n@x.test', '${login}')`, 'MANDAT_DUPLICATE'] as const,
  ),
  ["INSERT INTO mailbox (address) VALUES ('al@x.test')", 'MANDAT_DUPLICATE'],
  ["INSERT INTO mailbox (address) VALUES ('alice@x.test')", 'MANDAT_DUPLICATE'],
  ["UPDATE mailbox SET address = 'erin@x.test' WHERE address = 'alice@x.test'", 'MANDAT_DUPLICATE'],
  ["UPDATE mailbox SET address = 'al@x.test' WHERE address = 'alice@x.test'", 'MANDAT_DUPLICATE'],
  ["UPDATE mailboxes SET id = 99 WHERE address = 'alice@x.test'", 'MANDAT_IMMUTABLE'],
  ["UPDATE mailbox SET owner = 'bob' WHERE address = 'alice@x.test'", 'MANDAT_SELF'],
  ["UPDATE mailbox SET login = 'bob@z.test' WHERE address = 'alice@x.test'", 'MANDAT_SELF'],
  [alias('n@x.test', 'nobody@x.test'), 'MANDAT_UNKNOWN_MAILBOX'],
  [alias('N@x.test'), 'MANDAT_ADDRESS'],
  [alias('al@x.test'), 'MANDAT_DUPLICATE'],
  [alias('erin@x.test'), 'MANDAT_DUPLICATE'],
  [alias('bob@z.test'), 'MANDAT_DUPLICATE'],
  ["UPDATE alias SET address = 'z@x.test'", 'MANDAT_IMMUTABLE'],
  ["UPDATE aliases SET mailbox_id = 2 WHERE address = 'al@x.test'", 'MANDAT_IMMUTABLE'],
  [alias('n@x.test'), undefined],
  ...['Bob', '', 'anyone', 'a b'].map(
    (id) => [`INSERT INTO delegate (id) VALUES ('${id}')`, 'MANDAT_IDENTIFIER'] as const,
  ),
  ["INSERT INTO delegate (id, login) VALUES ('n', 'owner')", 'MANDAT_LOGIN'],
  ["INSERT INTO delegate (id, state) VALUES ('n', 'gone')", 'MANDAT_STATE'],
  ["UPDATE delegate SET state = NULL WHERE id = 'bob'", 'MANDAT_STATE'],
  ...[
    '2026-02-29T00:00:00.000Z',
    '2026-01-01T24:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-01-01',
    '2026-04-31T00:00:00.000Z',
  ].map((at) => [`INSERT INTO delegate (id, credential_valid_until) VALUES ('n', '${at}')`, 'MANDAT_TIME'] as const),
  [`UPDATE delegate SET credential_valid_until = '2026-01-01T00:00:00.000Z${newline}'`, 'MANDAT_TIME'],
  ["INSERT INTO delegate (id, credential_valid_until) VALUES ('n', '2028-02-29T23:59:59.999Z')", undefined],
  ["INSERT INTO delegate (id) VALUES ('bob')", 'MANDAT_DUPLICATE'],
  ["INSERT INTO delegate (id, login) VALUES ('n', 'bob@z.test')", 'MANDAT_DUPLICATE'],
  ["INSERT INTO delegate (id, login) VALUES ('n', 'al@x.test')", 'MANDAT_DUPLICATE'],
  ["UPDATE delegate SET id = 'd1' WHERE id = 'bob'", 'MANDAT_DUPLICATE'],
  ["UPDATE delegate SET login = 'd1' WHERE id = 'bob'", 'MANDAT_DUPLICATE'],
  ["UPDATE delegates SET id = 99 WHERE identifier = 'bob'", 'MANDAT_IMMUTABLE'],
  ["UPDATE delegate SET login = 'alice' WHERE id = 'bob'", 'MANDAT_SELF'],
  ["UPDATE delegate SET id = 'bobby' WHERE id = 'bob'", undefined],
  ["UPDATE delegate SET state = 'active' WHERE id = 'd12'", 'MANDAT_ENDED'],
  [grant('d12'), 'MANDAT_ENDED'],
  [grant('bob'), 'MANDAT_DUPLICATE'],
  [grant('nobody'), 'MANDAT_UNKNOWN_DELEGATE'],
  [grant('NULL'), 'MANDAT_UNKNOWN_DELEGATE'],
  ["INSERT INTO delegation (mailbox, delegate) VALUES ('nobody@x.test', 'd1')", 'MANDAT_UNKNOWN_MAILBOX'],
  ["INSERT INTO delegation (mailbox, delegate) VALUES (NULL, 'd1')", 'MANDAT_UNKNOWN_MAILBOX'],
  [grant('rpps-alice'), 'MANDAT_SELF'],
  [grant('d1', ', starts_at, ends_at', ", '2026-02-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'"), 'MANDAT_ORDER'],
  [grant('d1', ', starts_at, ends_at', ", '2026-02-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'"), 'MANDAT_ORDER'],
  [grant('d1', ', starts_at', ", 'soon'"), 'MANDAT_TIME'],
  [grant('d1', ', created_at', ", '2026-01-01'"), 'MANDAT_TIME'],
  ["UPDATE delegation SET ends_at = 'never'", 'MANDAT_TIME'],
  [grant('d1', ', suspended', ', 2'), 'MANDAT_STATE'],
  ['UPDATE delegation SET suspended = NULL', 'MANDAT_STATE'],
  [grant('d1', ', send_mode', ", 'x'"), 'MANDAT_SEND_MODE'],
  ["UPDATE delegation SET send_mode = 'SEND-AS'", 'MANDAT_SEND_MODE'],
  [grant('d1', ', send_mode', ", 'send-as'"), undefined],
  ["INSERT INTO delegation (mailbox, delegate) VALUES ('erin@x.test', 'd1')", 'MANDAT_NOT_ELIGIBLE'],
  ["INSERT INTO delegation (mailbox, delegate) VALUES ('other@y.test', 'd1')", 'MANDAT_NOT_ELIGIBLE'],
  ["INSERT INTO delegation (mailbox, delegate) VALUES ('org@x.test', 'd1')", 'MANDAT_NOT_PERSONAL'],
  ["UPDATE delegation SET delegate = 'd1'", 'MANDAT_IMMUTABLE'],
  ["UPDATE delegation SET mailbox = 'erin@x.test'", 'MANDAT_IMMUTABLE'],
  ['UPDATE delegations SET delegate_id = delegate_id + 1', 'MANDAT_IMMUTABLE'],
  [
    'INSERT INTO delegations (mailbox_id, delegate_id, created_at, created_by, suspended) VALUES (1, 999, NULL, NULL, 0)',
    'MANDAT_UNKNOWN_DELEGATE',
  ],
  ["INSERT INTO domain (domain) VALUES ('X.test')", 'MANDAT_DOMAIN'],
  ["INSERT INTO domain (domain) VALUES ('a..b')", 'MANDAT_DOMAIN'],
  ["INSERT INTO domain (domain) VALUES ('y.test')", 'MANDAT_DUPLICATE'],
  ["UPDATE domain SET domain = 'z.test'", 'MANDAT_IMMUTABLE'],
  ["INSERT INTO domain (domain, eligible) VALUES ('n.test', 3)", 'MANDAT_ELIGIBLE'],
  ["INSERT INTO domain (domain) VALUES ('n.test')", undefined],
  ["UPDATE settings SET value = '99' WHERE name = 'max_delegates'", 'MANDAT_OURS'],
  ["INSERT INTO settings VALUES ('n', '1')", 'MANDAT_OURS'],
  ['DELETE FROM settings', 'MANDAT_OURS'],
  ['UPDATE counters SET version = 9007199254740992', 'MANDAT_OURS'],
  ['UPDATE counters SET version = version - 1', 'MANDAT_OURS'],
  ['DELETE FROM counters', 'MANDAT_OURS'],
  ['DELETE FROM events', 'MANDAT_OURS'],
  ["UPDATE events SET actor = 'mandat'", 'MANDAT_OURS'],
  ["INSERT INTO writer (id, actor) VALUES (1, '')", 'MANDAT_OURS'],
  ["INSERT INTO events (at, actor, action, detail) VALUES ('2026-01-01T00:00:00.000Z', 'x', 'y', '{')", 'MANDAT_EVENT'],
  ["INSERT INTO events (at, actor, action) VALUES ('yesterday', 'x', 'y')", 'MANDAT_EVENT'],
  ["INSERT INTO events (at, actor, action) VALUES ('2026-01-01T00:00:00.000Z', 'x', 'y')", undefined],
];

/** In words that each store has. */
const inWordsOf = (table: DelegationDb, statement: string) =>
  onPostgres(table.query) ? statement : statement.replaceAll('chr(10)', 'char(10)');

const CODED = /(MANDAT_[A-Z_]+): (.*)$/s;

const ALWAYS_ITS_OWN = /column "id" can only be updated to DEFAULT/;

/** The rule that refuses it, by its own transaction, which is rolled back. */
async function ruleOf(table: DelegationDb, statements: readonly string[]): Promise<string | undefined> {
  const undo = new Error('undone');
  try {
    await table.query.transaction().execute(async (query) => {
      for (const statement of statements) await sql.raw(inWordsOf(table, statement)).execute(query);
      throw undo;
    });
  } catch (error) {
    if (error === undo) return undefined;
    return CODED.exec(String((error as Error).message))?.[1] ?? String(error);
  }
  return undefined;
}

t.test('each rule refuses the same statements, and a refusal leaves all as it was', async (t) => {
  const { table } = await freshStores(t);
  for (const statement of WORLD) await sql.raw(inWordsOf(table, statement)).execute(table.query);
  const before = await everything(table);
  for (const [statement, rule] of RULES) {
    const said = await ruleOf(table, [statement]);
    // PostgreSQL refuses another id by itself, before any rule of ours is asked.
    const byItself = onPostgres(table.query) && said !== undefined && ALWAYS_ITS_OWN.test(said);
    t.equal(byItself ? 'MANDAT_IMMUTABLE' : said, rule, statement.slice(0, 120));
    if (rule !== undefined)
      await sql
        .raw(inWordsOf(table, statement))
        .execute(table.query)
        .catch(() => {}); // by itself, in no transaction of ours
  }
  t.same(await everything(table), before);
  const tens = Array.from({ length: 9 }, (_, n) => grant(`d${n}`));
  t.equal(await ruleOf(table, tens), undefined, 'ten');
  t.equal(await ruleOf(table, [...tens, grant('d9')]), 'MANDAT_LIMIT', 'and not one more');
  const rpps = [
    "INSERT INTO writer (id, actor) VALUES (1, 'mandat')",
    "UPDATE settings SET value = 'rpps' WHERE name = 'identity_scheme'",
  ];
  t.equal(await ruleOf(table, [...rpps, "INSERT INTO delegate (id) VALUES ('n')"]), 'MANDAT_IDENTIFIER');
  t.equal(await ruleOf(table, [...rpps, "UPDATE mailbox SET owner = 'n'"]), 'MANDAT_IDENTIFIER');
  t.equal(await ruleOf(table, [...rpps, "INSERT INTO delegate (id) VALUES ('810101026994')"]), undefined);
});

t.test('the refusals of both stores have the same words', async (t) => {
  const model = released(DELEGATIONS.migrations);
  const scripts = model.prepare('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL').pluck().all() as string[];
  model.close();
  const words = (text: string) =>
    [...text.matchAll(/'(MANDAT_[A-Z_]+: (?:[^']|'')*)'/g)].map(([, sentence = '']) => sentence.replaceAll("''", "'"));
  const files = new Set(words(scripts.join('\n')));
  const postgres = new Set(TABLE_MIGRATIONS.flatMap(({ rules }) => words(rules)));
  t.same(
    [...files].filter((one) => !postgres.has(one)),
    [],
    'each of SQLite is in PostgreSQL',
  );
  t.same(
    [...postgres].filter((one) => !files.has(one)),
    [
      'MANDAT_OURS: rows are deleted one by one, never with TRUNCATE', // SQLite has none
      'MANDAT_UNKNOWN_MAILBOX: no such mailbox, or no such delegate, any more', // another writer was between
    ],
    'and the other way round',
  );
  const tried = new Set(RULES.map(([, rule]) => rule));
  const codes = [...files].map((one) => one.split(':')[0] ?? '');
  t.same(
    [...new Set(codes)].filter((code) => !tried.has(code)),
    ['MANDAT_LIMIT'],
    'and each is tried above',
  );
});
