/**
 * delegation.db, version 1: who should have access. Shared with other programs, so every rule is a trigger: it holds
 * whoever writes, the command line, a webmail's plugin or the `sqlite3` shell with foreign_keys=0.
 *
 * Plural names are base tables with immutable integer ids, ours alone. Singular names are views, the stable interface:
 *     mailbox(address, login, owner, kind, eligible, server)      alias(address, mailbox)
 *     delegate(id, login, first_name, last_name, profession, state, credential_valid_until)
 *     delegation(mailbox, delegate, created_at, created_by, starts_at, ends_at, note, suspended)
 *
 * The outer statement's conflict clause (INSERT OR REPLACE, OR IGNORE) replaces the one of a trigger's statements, and a
 * REPLACE deletes without firing DELETE triggers. So each rule is a BEFORE trigger that aborts with RAISE(ABORT), which no
 * conflict clause softens, and no statement here relies on ON CONFLICT.
 *
 * Only what SQLite 3.40 has built in. A refusal reads `MANDAT_CODE: a sentence`; the codes are stable.
 */
import { LONGEST_LOGIN, RESERVED } from '../../../acl/identifier.ts';

export const NOW = "strftime('%Y-%m-%dT%H:%M:%fZ','now')";

/** Length in octets equal to length in characters: no NUL (which ends what GLOB sees) and nothing beyond ASCII. */
const ascii = (column: string) => `length(CAST(${column} AS BLOB)) = length(${column})`;

/** A login that an ACL and a sender map read as exactly one user: acl/identifier.ts says the same. */
const badLogin = (column: string) => `(${column} IS NULL OR typeof(${column}) <> 'text' OR NOT (${ascii(column)})
    OR length(${column}) NOT BETWEEN 1 AND ${LONGEST_LOGIN} OR ${column} GLOB '*[^a-z0-9._@+-]*' OR ${column} GLOB '-*'
    OR ${column} IN (${RESERVED.map((word) => `'${word}'`).join(', ')}))`;

const badAddress = (column: string) => `(${badLogin(column)} OR ${column} NOT GLOB '?*@?*' OR ${column} GLOB '*@*@*'
    OR ${column} GLOB '*..*' OR ${column} GLOB '.*' OR ${column} GLOB '*.@*' OR ${column} GLOB '*@.*' OR ${column} GLOB '*.')`;

/**
 * Not null and not an instant of the calendar in exactly our form. SQLite folds 30 February over as soon as it reckons
 * with it (`+0 days`), so the text is compared; GLOB stops at a NUL, so the octets are counted.
 */
export const badInstant = (
  column: string,
) => `(${column} IS NOT NULL AND (typeof(${column}) <> 'text' OR length(CAST(${column} AS BLOB)) <> 24
    OR ${column} NOT GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'
    OR strftime('%Y-%m-%dT%H:%M:%S', ${column}, '+0 days') IS NOT substr(${column}, 1, 19)))`;

export const refuse = (code: string, sentence: string, when: string) =>
  `  SELECT RAISE(ABORT, '${code}: ${sentence.replaceAll("'", "''")}') WHERE ${when};`;

export const before = (name: string, event: 'INSERT' | 'UPDATE', table: string, rules: readonly string[]) =>
  `CREATE TRIGGER ${name} BEFORE ${event} ON ${table} BEGIN\n${rules.join('\n')}\nEND;`;

/** A BEFORE INSERT trigger sees -1 where the database will choose the id: a row with that id would block all that follow. */
const positiveId = refuse('MANDAT_IMMUTABLE', 'ids are given by the database, from 1', 'NEW.id < 1');

/** Marks mailboxes as changed: the version moves, and each of them is pending at that version. */
export const mark = (which: string) => `
  UPDATE counters SET version = version + 1;
  UPDATE pending SET version = (SELECT version FROM counters) WHERE mailbox_id IN (${which});
  INSERT INTO pending (mailbox_id, version) SELECT DISTINCT m, (SELECT version FROM counters)
    FROM (SELECT NULL AS m WHERE 0 UNION ALL ${which}) WHERE m NOT IN (SELECT mailbox_id FROM pending);`;

/** A plain event for the audit trail; the sidecar drains and seals it. */
export const note = (action: string, mailbox: string, delegate: string, detail: string) => `
  INSERT INTO events (at, actor, reason, action, mailbox, delegate, detail)
    VALUES (${NOW}, COALESCE((SELECT actor FROM writer), 'sql'), (SELECT reason FROM writer), '${action}', ${mailbox}, ${delegate}, ${detail});`;

export const addressOf = (id: string) => `(SELECT address FROM mailboxes WHERE id = ${id})`;
export const identifierOf = (id: string) => `(SELECT identifier FROM delegates WHERE id = ${id})`;
export const mailboxesOf = (delegate: string) =>
  `SELECT mailbox_id AS m FROM delegations WHERE delegate_id = ${delegate}`;

const LOGIN_SENTENCE =
  'a login is 1 to 254 characters of a-z 0-9 . _ @ + -, in lower case, not starting with -, and not a word that mail servers read as a group (anyone, owner, ...)';
const ADDRESS_SENTENCE =
  'an address is local@domain in lower case, of a-z 0-9 . _ + -, at most 254 characters (an international domain as punycode, xn--...)';
const TIME_SENTENCE =
  'a time is written YYYY-MM-DDTHH:MM:SS.sssZ, in UTC with milliseconds, and exists in the calendar';

const tables = `
CREATE TABLE counters (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL) STRICT;
INSERT INTO counters VALUES (1, 0);
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
INSERT INTO settings VALUES ('epoch', lower(hex(randomblob(16)))), ('max_delegates', '10');

CREATE TABLE mailboxes (id INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL UNIQUE, login TEXT NOT NULL UNIQUE,
  owner TEXT, kind TEXT NOT NULL, eligible INTEGER NOT NULL, server TEXT NOT NULL) STRICT;
-- Without rowid, or a REPLACE that names one would delete its alias and fire no trigger.
CREATE TABLE aliases (address TEXT NOT NULL PRIMARY KEY, mailbox_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_mailbox ON aliases (mailbox_id);
CREATE TABLE delegates (id INTEGER PRIMARY KEY AUTOINCREMENT, identifier TEXT NOT NULL UNIQUE, login TEXT NOT NULL UNIQUE,
  first_name TEXT, last_name TEXT, profession TEXT, state TEXT NOT NULL, credential_valid_until TEXT) STRICT;
CREATE TABLE delegations (id INTEGER PRIMARY KEY AUTOINCREMENT, mailbox_id INTEGER NOT NULL, delegate_id INTEGER NOT NULL,
  created_at TEXT NOT NULL, created_by TEXT NOT NULL, starts_at TEXT, ends_at TEXT, note TEXT, suspended INTEGER NOT NULL, UNIQUE (mailbox_id, delegate_id)) STRICT;
CREATE INDEX delegations_delegate ON delegations (delegate_id);

-- Which mailboxes changed and haven't been brought in line: a set, not a log. No reference: the mailbox may be gone.
CREATE TABLE pending (mailbox_id INTEGER PRIMARY KEY, version INTEGER NOT NULL) STRICT;
-- Revokes that somebody asked for by name at the command line: never held back by the guard.
CREATE TABLE intents (mailbox_id INTEGER NOT NULL, delegate_id INTEGER NOT NULL, at TEXT NOT NULL, PRIMARY KEY (mailbox_id, delegate_id)) STRICT;
-- Who writes, and why: one row while a transaction of the command line runs, never visible outside of it.
CREATE TABLE writer (id INTEGER PRIMARY KEY CHECK (id = 1), actor TEXT NOT NULL, reason TEXT) STRICT;
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL, reason TEXT,
  action TEXT NOT NULL, mailbox TEXT, delegate TEXT, detail TEXT) STRICT;
`;

const mailboxRules = [
  refuse('MANDAT_ADDRESS', ADDRESS_SENTENCE, badAddress('NEW.address')),
  refuse('MANDAT_LOGIN', LOGIN_SENTENCE, badLogin('NEW.login')),
  refuse(
    'MANDAT_KIND',
    'a mailbox is PER, ORG, APP or CAB',
    "NEW.kind IS NULL OR NEW.kind NOT IN ('PER','ORG','APP','CAB')",
  ),
  refuse('MANDAT_ELIGIBLE', 'eligible is 0 or 1', 'NEW.eligible IS NULL OR NEW.eligible NOT IN (0, 1)'),
];

const taken = (
  address: string,
  mailbox: string,
) => `EXISTS (SELECT 1 FROM mailboxes WHERE (address = ${address} OR login = ${address}) AND id IS NOT ${mailbox})
    OR EXISTS (SELECT 1 FROM aliases WHERE address = ${address} AND mailbox_id IS NOT ${mailbox})`;

const selfOf = `EXISTS (SELECT 1 FROM delegations g JOIN delegates d ON d.id = g.delegate_id
    WHERE g.mailbox_id = NEW.id AND (d.login = NEW.login OR d.identifier = NEW.owner))`;

const mailboxes = `
${before('mailboxes_insert', 'INSERT', 'mailboxes', [
  ...mailboxRules,
  refuse('MANDAT_DUPLICATE', 'this id is taken', 'EXISTS (SELECT 1 FROM mailboxes WHERE id = NEW.id)'),
  refuse(
    'MANDAT_DUPLICATE',
    'this mailbox exists already',
    'EXISTS (SELECT 1 FROM mailboxes WHERE address = NEW.address)',
  ),
  refuse(
    'MANDAT_DUPLICATE',
    'another mailbox has this login',
    'EXISTS (SELECT 1 FROM mailboxes WHERE login = NEW.login)',
  ),
  refuse('MANDAT_DUPLICATE', 'this address is taken by another mailbox', taken('NEW.address', 'NULL')),
  refuse('MANDAT_DUPLICATE', 'this login is an address of another mailbox', taken('NEW.login', 'NULL')),
])}
${before('mailboxes_update', 'UPDATE', 'mailboxes', [
  refuse('MANDAT_IMMUTABLE', "a mailbox's id never changes", 'NEW.id IS NOT OLD.id'),
  ...mailboxRules,
  refuse(
    'MANDAT_DUPLICATE',
    'another mailbox has this login',
    'EXISTS (SELECT 1 FROM mailboxes WHERE login = NEW.login AND id <> OLD.id)',
  ),
  refuse('MANDAT_DUPLICATE', 'this address is taken by another mailbox', taken('NEW.address', 'OLD.id')),
  refuse('MANDAT_DUPLICATE', 'this login is an address of another mailbox', taken('NEW.login', 'OLD.id')),
  refuse(
    'MANDAT_DUPLICATE',
    'this address is an alias already',
    'EXISTS (SELECT 1 FROM aliases WHERE address = NEW.address)',
  ),
  refuse('MANDAT_SELF', 'a delegate of this mailbox would become its owner: revoke him first', selfOf),
])}
CREATE TRIGGER mailboxes_inserted AFTER INSERT ON mailboxes BEGIN
${positiveId} ${mark('SELECT NEW.id')}
  ${note('mailbox-add', 'NEW.address', 'NULL', "json_object('login', NEW.login, 'kind', NEW.kind, 'eligible', NEW.eligible)")}
END;
CREATE TRIGGER mailboxes_updated AFTER UPDATE ON mailboxes BEGIN ${mark('SELECT NEW.id')}
  ${note('mailbox-set', 'NEW.address', 'NULL', "json_object('address', OLD.address, 'login', NEW.login, 'owner', NEW.owner, 'kind', NEW.kind, 'eligible', NEW.eligible)")}
END;
CREATE TRIGGER mailboxes_deleting BEFORE DELETE ON mailboxes BEGIN
  DELETE FROM delegations WHERE mailbox_id = OLD.id;
  DELETE FROM aliases WHERE mailbox_id = OLD.id;
END;
CREATE TRIGGER mailboxes_deleted AFTER DELETE ON mailboxes BEGIN ${mark('SELECT OLD.id')}
  ${note('mailbox-remove', 'OLD.address', 'NULL', "json_object('login', OLD.login)")}
END;

CREATE VIEW mailbox (address, login, owner, kind, eligible, server) AS
  SELECT address, login, owner, kind, eligible, server FROM mailboxes;
CREATE TRIGGER mailbox_insert INSTEAD OF INSERT ON mailbox BEGIN
  INSERT INTO mailboxes (address, login, owner, kind, eligible, server) VALUES (NEW.address, COALESCE(NEW.login, NEW.address),
    NEW.owner, COALESCE(NEW.kind, 'PER'), COALESCE(NEW.eligible, 1), COALESCE(NEW.server, 'main'));
END;
CREATE TRIGGER mailbox_update INSTEAD OF UPDATE ON mailbox BEGIN
  UPDATE mailboxes SET address = NEW.address, login = NEW.login, owner = NEW.owner, kind = NEW.kind, eligible = NEW.eligible,
    server = NEW.server WHERE address = OLD.address;
END;
CREATE TRIGGER mailbox_delete INSTEAD OF DELETE ON mailbox BEGIN DELETE FROM mailboxes WHERE address = OLD.address; END;

${['INSERT', 'UPDATE']
  .map((event) =>
    before(`aliases_${event.toLowerCase()}`, event as 'INSERT' | 'UPDATE', 'aliases', [
      refuse('MANDAT_ADDRESS', ADDRESS_SENTENCE, badAddress('NEW.address')),
      refuse(
        'MANDAT_UNKNOWN_MAILBOX',
        'no such mailbox',
        'NOT EXISTS (SELECT 1 FROM mailboxes WHERE id IS NEW.mailbox_id)',
      ),
      event === 'INSERT'
        ? refuse(
            'MANDAT_DUPLICATE',
            'this alias exists already',
            'EXISTS (SELECT 1 FROM aliases WHERE address = NEW.address)',
          )
        : refuse('MANDAT_IMMUTABLE', 'an alias never changes: remove it and add another', '1'),
      refuse(
        'MANDAT_DUPLICATE',
        "this address is a mailbox's own",
        'EXISTS (SELECT 1 FROM mailboxes WHERE address = NEW.address)',
      ),
      refuse(
        'MANDAT_DUPLICATE',
        'this address is the login of somebody else',
        `EXISTS (SELECT 1 FROM mailboxes WHERE login = NEW.address AND id IS NOT NEW.mailbox_id)
      OR EXISTS (SELECT 1 FROM delegates WHERE login = NEW.address
        AND login IS NOT (SELECT login FROM mailboxes WHERE id = NEW.mailbox_id))`,
      ),
    ]),
  )
  .join('\n')}
CREATE TRIGGER aliases_inserted AFTER INSERT ON aliases BEGIN ${mark('SELECT NEW.mailbox_id')}
  ${note('alias-add', addressOf('NEW.mailbox_id'), 'NULL', "json_object('alias', NEW.address)")}
END;
CREATE TRIGGER aliases_deleted AFTER DELETE ON aliases BEGIN ${mark('SELECT OLD.mailbox_id')}
  ${note('alias-remove', addressOf('OLD.mailbox_id'), 'NULL', "json_object('alias', OLD.address)")}
END;
CREATE VIEW alias (address, mailbox) AS SELECT a.address, m.address FROM aliases a JOIN mailboxes m ON m.id = a.mailbox_id;
CREATE TRIGGER alias_insert INSTEAD OF INSERT ON alias BEGIN
  SELECT RAISE(ABORT, 'MANDAT_UNKNOWN_MAILBOX: no such mailbox') WHERE NOT EXISTS (SELECT 1 FROM mailboxes WHERE address IS NEW.mailbox);
  INSERT INTO aliases (address, mailbox_id) SELECT NEW.address, id FROM mailboxes WHERE address = NEW.mailbox;
END;
CREATE TRIGGER alias_update INSTEAD OF UPDATE ON alias BEGIN
  SELECT RAISE(ABORT, 'MANDAT_IMMUTABLE: an alias never changes: remove it and add another');
END;
CREATE TRIGGER alias_delete INSTEAD OF DELETE ON alias BEGIN DELETE FROM aliases WHERE address = OLD.address; END;
`;

/** Who logs in with somebody else's alias could no longer send from his own login. The aliases' rule says the same. */
const aliasOfAnother = `EXISTS (SELECT 1 FROM aliases a JOIN mailboxes m ON m.id = a.mailbox_id
    WHERE a.address = NEW.login AND m.login <> NEW.login)`;

/** A delegate's account (migration 3 knows two more states). */
const stateRule = refuse(
  'MANDAT_STATE',
  'a delegate is active or suspended',
  "NEW.state IS NULL OR NEW.state NOT IN ('active', 'suspended')",
);

const delegateRules = (state: string) => [
  refuse(
    'MANDAT_IDENTIFIER',
    `a delegate's identifier is 1 to 254 characters of a-z 0-9 . _ @ + -, in lower case`,
    badLogin('NEW.identifier'),
  ),
  refuse('MANDAT_LOGIN', LOGIN_SENTENCE, badLogin('NEW.login')),
  state,
  refuse('MANDAT_TIME', TIME_SENTENCE, badInstant('NEW.credential_valid_until')),
  refuse('MANDAT_DUPLICATE', 'this login is an alias of a mailbox that is not his', aliasOfAnother),
];

/** What holds of a delegate, whoever writes him; `state` is the rule of his account's states. */
export const delegateChecks = (state: string) => `
${before('delegates_insert', 'INSERT', 'delegates', [
  ...delegateRules(state),
  refuse('MANDAT_DUPLICATE', 'this id is taken', 'EXISTS (SELECT 1 FROM delegates WHERE id = NEW.id)'),
  refuse(
    'MANDAT_DUPLICATE',
    'this delegate exists already',
    'EXISTS (SELECT 1 FROM delegates WHERE identifier = NEW.identifier)',
  ),
  refuse(
    'MANDAT_DUPLICATE',
    'another delegate has this login',
    'EXISTS (SELECT 1 FROM delegates WHERE login = NEW.login)',
  ),
])}
${before('delegates_update', 'UPDATE', 'delegates', [
  refuse('MANDAT_IMMUTABLE', "a delegate's base id never changes", 'NEW.id IS NOT OLD.id'),
  ...delegateRules(state),
  refuse(
    'MANDAT_DUPLICATE',
    'another delegate has this identifier',
    'EXISTS (SELECT 1 FROM delegates WHERE identifier = NEW.identifier AND id <> OLD.id)',
  ),
  refuse(
    'MANDAT_DUPLICATE',
    'another delegate has this login',
    'EXISTS (SELECT 1 FROM delegates WHERE login = NEW.login AND id <> OLD.id)',
  ),
  refuse(
    'MANDAT_SELF',
    'this delegate would become the owner of a mailbox that is delegated to him: revoke it first',
    `EXISTS (SELECT 1 FROM delegations g JOIN mailboxes m ON m.id = g.mailbox_id
    WHERE g.delegate_id = NEW.id AND (m.login = NEW.login OR m.owner = NEW.identifier))`,
  ),
])}`;

const delegates = `
${delegateChecks(stateRule)}
CREATE TRIGGER delegates_inserted AFTER INSERT ON delegates BEGIN
${positiveId}  ${note('delegate-add', 'NULL', 'NEW.identifier', "json_object('login', NEW.login, 'state', NEW.state, 'credential_valid_until', NEW.credential_valid_until)")}
END;
CREATE TRIGGER delegates_updated AFTER UPDATE ON delegates BEGIN ${mark(mailboxesOf('NEW.id'))}
  ${note('delegate-set', 'NULL', 'NEW.identifier', "json_object('identifier', OLD.identifier, 'login', NEW.login, 'state', NEW.state, 'credential_valid_until', NEW.credential_valid_until)")}
END;
CREATE TRIGGER delegates_deleting BEFORE DELETE ON delegates BEGIN DELETE FROM delegations WHERE delegate_id = OLD.id; END;
CREATE TRIGGER delegates_deleted AFTER DELETE ON delegates BEGIN
  ${note('delegate-remove', 'NULL', 'OLD.identifier', "json_object('login', OLD.login)")}
END;
CREATE VIEW delegate (id, login, first_name, last_name, profession, state, credential_valid_until) AS
  SELECT identifier, login, first_name, last_name, profession, state, credential_valid_until FROM delegates;
CREATE TRIGGER delegate_insert INSTEAD OF INSERT ON delegate BEGIN
  INSERT INTO delegates (identifier, login, first_name, last_name, profession, state, credential_valid_until)
    VALUES (NEW.id, COALESCE(NEW.login, NEW.id), NEW.first_name, NEW.last_name, NEW.profession, COALESCE(NEW.state, 'active'), NEW.credential_valid_until);
END;
CREATE TRIGGER delegate_update INSTEAD OF UPDATE ON delegate BEGIN
  UPDATE delegates SET identifier = NEW.id, login = NEW.login, first_name = NEW.first_name, last_name = NEW.last_name,
    profession = NEW.profession, state = NEW.state, credential_valid_until = NEW.credential_valid_until WHERE identifier = OLD.id;
END;
CREATE TRIGGER delegate_delete INSTEAD OF DELETE ON delegate BEGIN DELETE FROM delegates WHERE identifier = OLD.id; END;
`;

const delegationTimes = [
  refuse('MANDAT_TIME', TIME_SENTENCE, badInstant('NEW.starts_at')),
  refuse('MANDAT_TIME', TIME_SENTENCE, badInstant('NEW.ends_at')),
  refuse('MANDAT_TIME', TIME_SENTENCE, badInstant('NEW.created_at')),
  refuse('MANDAT_ORDER', 'a delegation ends after it starts', 'NEW.ends_at <= NEW.starts_at'),
  refuse('MANDAT_STATE', 'suspended is 0 or 1', 'NEW.suspended IS NULL OR NEW.suspended NOT IN (0, 1)'),
];

/** What must hold where a delegation is made; later migrations know further rules. */
export const delegationChecks = (further: readonly string[]) => `
${before('delegations_insert', 'INSERT', 'delegations', [
  ...further,
  refuse(
    'MANDAT_UNKNOWN_MAILBOX',
    'no such mailbox',
    'NOT EXISTS (SELECT 1 FROM mailboxes WHERE id IS NEW.mailbox_id)',
  ),
  refuse(
    'MANDAT_UNKNOWN_DELEGATE',
    'no such delegate',
    'NOT EXISTS (SELECT 1 FROM delegates WHERE id IS NEW.delegate_id)',
  ),
  ...delegationTimes,
  refuse(
    'MANDAT_NOT_PERSONAL',
    'only a personal mailbox (PER) can be delegated',
    "(SELECT kind FROM mailboxes WHERE id = NEW.mailbox_id) <> 'PER'",
  ),
  refuse(
    'MANDAT_NOT_ELIGIBLE',
    'this mailbox is not eligible for delegation',
    '(SELECT eligible FROM mailboxes WHERE id = NEW.mailbox_id) <> 1',
  ),
  refuse(
    'MANDAT_SELF',
    'the owner of a mailbox cannot be its delegate',
    `EXISTS (SELECT 1 FROM mailboxes m, delegates d
    WHERE m.id = NEW.mailbox_id AND d.id = NEW.delegate_id AND (m.login = d.login OR m.owner = d.identifier))`,
  ),
  refuse('MANDAT_DUPLICATE', 'this id is taken', 'EXISTS (SELECT 1 FROM delegations WHERE id = NEW.id)'),
  refuse(
    'MANDAT_DUPLICATE',
    'this mailbox is delegated to this delegate already',
    'EXISTS (SELECT 1 FROM delegations WHERE mailbox_id = NEW.mailbox_id AND delegate_id = NEW.delegate_id)',
  ),
  refuse(
    'MANDAT_LIMIT',
    'this mailbox has as many delegates as are allowed: revoke one first',
    `(SELECT count(*) FROM delegations WHERE mailbox_id = NEW.mailbox_id)
    >= COALESCE((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'max_delegates'), 10)`,
  ),
])}`;

const delegations = `
${delegationChecks([])}
${before('delegations_update', 'UPDATE', 'delegations', [
  refuse(
    'MANDAT_IMMUTABLE',
    'a delegation keeps its mailbox and its delegate: delete it and insert another',
    'NEW.id IS NOT OLD.id OR NEW.mailbox_id IS NOT OLD.mailbox_id OR NEW.delegate_id IS NOT OLD.delegate_id',
  ),
  ...delegationTimes,
])}
CREATE TRIGGER delegations_inserted AFTER INSERT ON delegations BEGIN
${positiveId} ${mark('SELECT NEW.mailbox_id')}
  DELETE FROM intents WHERE mailbox_id = NEW.mailbox_id AND delegate_id = NEW.delegate_id;
  ${note('grant', addressOf('NEW.mailbox_id'), identifierOf('NEW.delegate_id'), "json_object('by', NEW.created_by, 'starts_at', NEW.starts_at, 'ends_at', NEW.ends_at)")}
END;
CREATE TRIGGER delegations_updated AFTER UPDATE ON delegations BEGIN ${mark('SELECT NEW.mailbox_id')}
  ${note('change', addressOf('NEW.mailbox_id'), identifierOf('NEW.delegate_id'), "json_object('starts_at', NEW.starts_at, 'ends_at', NEW.ends_at, 'suspended', NEW.suspended)")}
END;
CREATE TRIGGER delegations_deleted AFTER DELETE ON delegations BEGIN ${mark('SELECT OLD.mailbox_id')}
  DELETE FROM intents WHERE mailbox_id = OLD.mailbox_id AND delegate_id = OLD.delegate_id;
  INSERT INTO intents (mailbox_id, delegate_id, at) SELECT OLD.mailbox_id, OLD.delegate_id, ${NOW} FROM writer;
  ${note('revoke', addressOf('OLD.mailbox_id'), identifierOf('OLD.delegate_id'), 'NULL')}
END;
CREATE VIEW delegation (mailbox, delegate, created_at, created_by, starts_at, ends_at, note, suspended) AS
  SELECT m.address, d.identifier, g.created_at, g.created_by, g.starts_at, g.ends_at, g.note, g.suspended
  FROM delegations g JOIN mailboxes m ON m.id = g.mailbox_id JOIN delegates d ON d.id = g.delegate_id;
CREATE TRIGGER delegation_insert INSTEAD OF INSERT ON delegation BEGIN
  SELECT RAISE(ABORT, 'MANDAT_UNKNOWN_MAILBOX: no such mailbox') WHERE NOT EXISTS (SELECT 1 FROM mailboxes WHERE address IS NEW.mailbox);
  SELECT RAISE(ABORT, 'MANDAT_UNKNOWN_DELEGATE: no such delegate') WHERE NOT EXISTS (SELECT 1 FROM delegates WHERE identifier IS NEW.delegate);
  INSERT INTO delegations (mailbox_id, delegate_id, created_at, created_by, starts_at, ends_at, note, suspended)
    SELECT m.id, d.id, COALESCE(NEW.created_at, ${NOW}), COALESCE(NEW.created_by, (SELECT actor FROM writer), 'sql'), NEW.starts_at, NEW.ends_at, NEW.note, COALESCE(NEW.suspended, 0)
    FROM mailboxes m, delegates d WHERE m.address = NEW.mailbox AND d.identifier = NEW.delegate;
END;
CREATE TRIGGER delegation_update INSTEAD OF UPDATE ON delegation BEGIN
  SELECT RAISE(ABORT, 'MANDAT_IMMUTABLE: a delegation keeps its mailbox and its delegate: delete it and insert another')
    WHERE NEW.mailbox IS NOT OLD.mailbox OR NEW.delegate IS NOT OLD.delegate;
  UPDATE delegations SET created_at = NEW.created_at, created_by = NEW.created_by, starts_at = NEW.starts_at, ends_at = NEW.ends_at, note = NEW.note, suspended = NEW.suspended
    WHERE mailbox_id = (SELECT id FROM mailboxes WHERE address = OLD.mailbox) AND delegate_id = (SELECT id FROM delegates WHERE identifier = OLD.delegate);
END;
CREATE TRIGGER delegation_delete INSTEAD OF DELETE ON delegation BEGIN
  DELETE FROM delegations WHERE mailbox_id = (SELECT id FROM mailboxes WHERE address = OLD.mailbox)
    AND delegate_id = (SELECT id FROM delegates WHERE identifier = OLD.delegate);
END;
`;

export const delegation1 = [tables, mailboxes, delegates, delegations].join('\n');
