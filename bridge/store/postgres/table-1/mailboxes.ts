/** The rules of mailboxes and their aliases, and the views through which other programs write them: those of delegation.db. */
import { LARGEST } from './common.ts';
import { addressOf, markOne, note, object, refuse, trigger } from './functions.ts';

export const ADDRESS_SENTENCE =
  'an address is local@domain in lower case, of a-z 0-9 . _ + -, at most 254 characters (an international domain as punycode, xn--...)';
export const LOGIN_SENTENCE =
  'a login is 1 to 254 characters of a-z 0-9 . _ @ + -, in lower case, not starting with -, and not a word that mail servers read as a group (anyone, owner, ...)';

export const idRule = (table: string): string =>
  refuse('MANDAT_IMMUTABLE', 'ids are given by the database, from 1', `NEW.id NOT BETWEEN 1 AND ${LARGEST}`) +
  refuse('MANDAT_DUPLICATE', 'this id is taken', `EXISTS (SELECT 1 FROM ${table} WHERE id = NEW.id)`);

/** Under `rpps` an identifier is an IdNat_PS. What was there before a change of scheme stays. */
export const schemeRule = (column: string, changed: string): string =>
  refuse(
    'MANDAT_IDENTIFIER',
    'an identifier is 12 digits starting with 8 (RPPS)',
    `${changed} AND NEW.${column} !~ '^8[0-9]{11}$' AND (SELECT value FROM settings WHERE name = 'identity_scheme') = 'rpps'`,
  );

const rules = [
  refuse('MANDAT_ADDRESS', ADDRESS_SENTENCE, 'bad_address(NEW.address)'),
  refuse('MANDAT_LOGIN', LOGIN_SENTENCE, 'bad_login(NEW.login)'),
  refuse(
    'MANDAT_KIND',
    'a mailbox is PER, ORG, APP or CAB',
    "NEW.kind IS NULL OR NEW.kind NOT IN ('PER', 'ORG', 'APP', 'CAB')",
  ),
  refuse('MANDAT_ELIGIBLE', 'eligible is 0 or 1', 'NEW.eligible IS NULL OR NEW.eligible NOT IN (0, 1)'),
].join('');

const taken = (address: string, mailbox: string) =>
  `EXISTS (SELECT 1 FROM mailboxes WHERE address = ${address} AND id IS DISTINCT FROM ${mailbox})
    OR EXISTS (SELECT 1 FROM mailboxes WHERE login = ${address} AND id IS DISTINCT FROM ${mailbox})
    OR EXISTS (SELECT 1 FROM aliases WHERE address = ${address} AND mailbox_id IS DISTINCT FROM ${mailbox})`;

const takenRules = (mailbox: string) =>
  refuse('MANDAT_DUPLICATE', 'this address is taken by another mailbox', taken('NEW.address', mailbox)) +
  refuse('MANDAT_DUPLICATE', 'this login is an address of another mailbox', taken('NEW.login', mailbox));

/** Whoever has a mailbox of their own has an account: there is nothing to activate (R39). Theirs: it names them, or nobody and has their login. */
const activate = `IF NEW.kind = 'PER' THEN
UPDATE delegates SET state = 'active' WHERE state = 'pending' AND (identifier = NEW.owner OR (NEW.owner IS NULL AND login = NEW.login));
END IF;
`;

const turned = (column: string, what: string) =>
  `IF NEW.${column} IS DISTINCT FROM OLD.${column} THEN PERFORM turn('mailbox', '${what}', ARRAY[NEW.id]); END IF;\n`;

/** As it was read when the statement began may be older than what stands there now: only what was really changed is written. */
export const changed = (view: string, column = view): string =>
  `${column} = CASE WHEN NEW.${view} IS DISTINCT FROM OLD.${view} THEN NEW.${view} ELSE ${column} END`;

const base = [
  trigger(
    'BEFORE',
    'INSERT',
    'mailboxes',
    `${rules}${idRule('mailboxes')}${schemeRule('owner', 'true')}
${refuse('MANDAT_DUPLICATE', 'this mailbox exists already', 'EXISTS (SELECT 1 FROM mailboxes WHERE address = NEW.address)')}
${refuse('MANDAT_DUPLICATE', 'another mailbox has this login', 'EXISTS (SELECT 1 FROM mailboxes WHERE login = NEW.login)')}
${takenRules('NULL')}`,
  ),
  trigger(
    'BEFORE',
    'UPDATE',
    'mailboxes',
    `${refuse('MANDAT_IMMUTABLE', "a mailbox's id never changes", 'NEW.id IS DISTINCT FROM OLD.id')}
${rules}${schemeRule('owner', 'NEW.owner IS DISTINCT FROM OLD.owner')}
${refuse('MANDAT_DUPLICATE', 'another mailbox has this login', 'EXISTS (SELECT 1 FROM mailboxes WHERE login = NEW.login AND id <> OLD.id)')}
${takenRules('OLD.id')}
${refuse('MANDAT_DUPLICATE', 'this address is an alias already', 'EXISTS (SELECT 1 FROM aliases WHERE address = NEW.address)')}
${refuse(
  'MANDAT_SELF',
  'a delegate of this mailbox would become its owner: revoke their access first',
  `EXISTS (SELECT 1 FROM delegations g JOIN delegates d ON d.id = g.delegate_id
    WHERE g.mailbox_id = NEW.id AND (d.login = NEW.login OR d.identifier = NEW.owner))`,
)}
-- What was known of one owner says nothing of another.
IF NEW.owner IS DISTINCT FROM OLD.owner THEN NEW.owner_listed := NULL; END IF;`,
  ),
  trigger(
    'AFTER',
    'INSERT',
    'mailboxes',
    `${markOne('NEW.id')}${note('mailbox-add', 'NEW.address', 'NULL', object({ login: 'NEW.login', kind: 'NEW.kind', eligible: 'NEW.eligible' }))}${activate}`,
  ),
  trigger(
    'AFTER',
    'UPDATE',
    'mailboxes',
    `${markOne('NEW.id')}${note('mailbox-set', 'NEW.address', 'NULL', object({ address: 'OLD.address', login: 'NEW.login', owner: 'NEW.owner', kind: 'NEW.kind', eligible: 'NEW.eligible' }))}
${turned('kind', 'mailbox-kind')}${turned('eligible', 'mailbox-not-eligible')}${turned('owner_listed', 'owner-not-listed')}${activate}`,
  ),
  trigger(
    'BEFORE',
    'DELETE',
    'mailboxes',
    'DELETE FROM delegations WHERE mailbox_id = OLD.id;\nDELETE FROM aliases WHERE mailbox_id = OLD.id;',
  ),
  trigger(
    'AFTER',
    'DELETE',
    'mailboxes',
    `${markOne('OLD.id')}${note('mailbox-remove', 'OLD.address', 'NULL', object({ login: 'OLD.login' }))}DELETE FROM turns WHERE subject = 'mailbox' AND id = OLD.id;`,
  ),
  'CREATE OR REPLACE TRIGGER mailboxes_keep_id AFTER INSERT ON mailboxes FOR EACH ROW EXECUTE FUNCTION keep_id();\n',
].join('');

const view = `
CREATE OR REPLACE VIEW mailbox (address, login, owner, kind, eligible, server) AS
  SELECT address, login, owner, kind, eligible, server FROM mailboxes;
${trigger(
  'INSTEAD OF',
  'INSERT',
  'mailbox',
  `INSERT INTO mailboxes (address, login, owner, kind, eligible, server) VALUES (NEW.address, COALESCE(NEW.login, NEW.address),
  NEW.owner, COALESCE(NEW.kind, 'PER'), COALESCE(NEW.eligible, 1), COALESCE(NEW.server, 'main'));`,
)}${trigger(
  'INSTEAD OF',
  'UPDATE',
  'mailbox',
  `UPDATE mailboxes SET ${['address', 'login', 'owner', 'kind', 'eligible', 'server'].map((column) => changed(column)).join(', ')} WHERE address = OLD.address;
IF NOT FOUND THEN RETURN NULL; END IF;`,
)}${trigger('INSTEAD OF', 'DELETE', 'mailbox', 'DELETE FROM mailboxes WHERE address = OLD.address;\nIF NOT FOUND THEN RETURN NULL; END IF;')}`;

const othersLogin = `EXISTS (SELECT 1 FROM mailboxes WHERE login = NEW.address AND id IS DISTINCT FROM NEW.mailbox_id)
  OR EXISTS (SELECT 1 FROM delegates WHERE login = NEW.address AND login IS DISTINCT FROM (SELECT login FROM mailboxes WHERE id = NEW.mailbox_id))`;

const aliases = [
  trigger(
    'BEFORE',
    'INSERT',
    'aliases',
    `${refuse('MANDAT_ADDRESS', ADDRESS_SENTENCE, 'bad_address(NEW.address)')}
${refuse('MANDAT_UNKNOWN_MAILBOX', 'no such mailbox', 'NOT EXISTS (SELECT 1 FROM mailboxes WHERE id = NEW.mailbox_id)')}
${refuse('MANDAT_DUPLICATE', 'this alias exists already', 'EXISTS (SELECT 1 FROM aliases WHERE address = NEW.address)')}
${refuse('MANDAT_DUPLICATE', "this address is a mailbox's own", 'EXISTS (SELECT 1 FROM mailboxes WHERE address = NEW.address)')}
${refuse('MANDAT_DUPLICATE', 'this address is the login of somebody else', othersLogin)}`,
  ),
  trigger(
    'BEFORE',
    'UPDATE',
    'aliases',
    refuse('MANDAT_IMMUTABLE', 'an alias never changes: remove it and add another', 'true'),
  ),
  trigger(
    'AFTER',
    'INSERT',
    'aliases',
    `${markOne('NEW.mailbox_id')}${note('alias-add', addressOf('NEW.mailbox_id'), 'NULL', object({ alias: 'NEW.address' }))}`,
  ),
  trigger(
    'AFTER',
    'DELETE',
    'aliases',
    `${markOne('OLD.mailbox_id')}${note('alias-remove', addressOf('OLD.mailbox_id'), 'NULL', object({ alias: 'OLD.address' }))}`,
  ),
  `CREATE OR REPLACE VIEW alias (address, mailbox) AS SELECT a.address, m.address FROM aliases a JOIN mailboxes m ON m.id = a.mailbox_id;\n`,
  trigger(
    'INSTEAD OF',
    'INSERT',
    'alias',
    `${refuse('MANDAT_UNKNOWN_MAILBOX', 'no such mailbox', 'NOT EXISTS (SELECT 1 FROM mailboxes WHERE address = NEW.mailbox)')}
INSERT INTO aliases (address, mailbox_id) SELECT NEW.address, id FROM mailboxes WHERE address = NEW.mailbox;
IF NOT FOUND THEN RETURN NULL; END IF;`,
  ),
  trigger(
    'INSTEAD OF',
    'UPDATE',
    'alias',
    refuse('MANDAT_IMMUTABLE', 'an alias never changes: remove it and add another', 'true'),
  ),
  trigger(
    'INSTEAD OF',
    'DELETE',
    'alias',
    'DELETE FROM aliases WHERE address = OLD.address;\nIF NOT FOUND THEN RETURN NULL; END IF;',
  ),
].join('');

export const mailboxes = [base, view, aliases].join('\n');
