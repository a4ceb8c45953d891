/** The rules of delegates and their accounts: those of delegation.db. */
import { fn, note, object, refuse, trigger } from './functions.ts';
import { changed, idRule, LOGIN_SENTENCE, schemeRule } from './mailboxes.ts';

export const TIME_SENTENCE =
  'a time is written YYYY-MM-DDTHH:MM:SS.sssZ, in UTC with milliseconds, and exists in the calendar';

const rules = [
  refuse(
    'MANDAT_IDENTIFIER',
    "a delegate's identifier is 1 to 254 characters of a-z 0-9 . _ @ + -, in lower case",
    'bad_login(NEW.identifier)',
  ),
  refuse('MANDAT_LOGIN', LOGIN_SENTENCE, 'bad_login(NEW.login)'),
  refuse(
    'MANDAT_STATE',
    'a delegate is pending, active, suspended or ended',
    "NEW.state IS NULL OR NEW.state NOT IN ('pending', 'active', 'suspended', 'ended')",
  ),
  refuse('MANDAT_TIME', TIME_SENTENCE, 'bad_instant(NEW.credential_valid_until)'),
  refuse(
    'MANDAT_DUPLICATE',
    'this login is an alias of a mailbox that is not theirs',
    `EXISTS (SELECT 1 FROM aliases a JOIN mailboxes m ON m.id = a.mailbox_id WHERE a.address = NEW.login AND m.login <> NEW.login)`,
  ),
].join('');

const turned = (column: string, what: string) =>
  `IF NEW.${column} IS DISTINCT FROM OLD.${column} THEN PERFORM turn('delegate', '${what}', ARRAY[NEW.id]); END IF;\n`;

const noteState = 'INSERT INTO delegate_states (delegate_id, state, since) VALUES (NEW.id, NEW.state, now_text());\n';
const facts = { login: 'NEW.login', state: 'NEW.state', credential_valid_until: 'NEW.credential_valid_until' };

const base = [
  trigger(
    'BEFORE',
    'INSERT',
    'delegates',
    `${rules}${idRule('delegates')}${schemeRule('identifier', 'true')}
${refuse('MANDAT_DUPLICATE', 'this delegate exists already', 'EXISTS (SELECT 1 FROM delegates WHERE identifier = NEW.identifier)')}
${refuse('MANDAT_DUPLICATE', 'another delegate has this login', 'EXISTS (SELECT 1 FROM delegates WHERE login = NEW.login)')}`,
  ),
  trigger(
    'BEFORE',
    'UPDATE',
    'delegates',
    `${refuse('MANDAT_IMMUTABLE', "a delegate's base id never changes", 'NEW.id IS DISTINCT FROM OLD.id')}
-- Closed is closed, whoever writes: what belonged to it is erased.
${refuse('MANDAT_ENDED', 'the account of this delegate has ended: remove them, and add them anew', "OLD.state = 'ended' AND NEW.state IS DISTINCT FROM 'ended'")}
${rules}${schemeRule('identifier', 'NEW.identifier <> OLD.identifier')}
${refuse('MANDAT_DUPLICATE', 'another delegate has this identifier', 'EXISTS (SELECT 1 FROM delegates WHERE identifier = NEW.identifier AND id <> OLD.id)')}
${refuse('MANDAT_DUPLICATE', 'another delegate has this login', 'EXISTS (SELECT 1 FROM delegates WHERE login = NEW.login AND id <> OLD.id)')}
${refuse(
  'MANDAT_SELF',
  'this delegate would become the owner of a mailbox that is delegated to them: revoke it first',
  `EXISTS (SELECT 1 FROM delegations g JOIN mailboxes m ON m.id = g.mailbox_id
    WHERE g.delegate_id = NEW.id AND (m.login = NEW.login OR m.owner = NEW.identifier))`,
)}
-- What was known of one identity says nothing of another.
IF NEW.identifier <> OLD.identifier THEN NEW.listed := NULL; END IF;`,
  ),
  trigger(
    'AFTER',
    'INSERT',
    'delegates',
    `${noteState}${note('delegate-add', 'NULL', 'NEW.identifier', object(facts))}`,
  ),
  trigger(
    'AFTER',
    'UPDATE',
    'delegates',
    `PERFORM mark(ARRAY(SELECT mailbox_id FROM delegations WHERE delegate_id = NEW.id));
${note('delegate-set', 'NULL', 'NEW.identifier', object({ identifier: 'OLD.identifier', ...facts }))}
IF NEW.state <> OLD.state THEN ${noteState} END IF;
${turned('listed', 'delegate-not-listed')}${turned('credential_valid_until', 'credential-unknown')}${turned('terms_version', 'terms-not-accepted')}`,
  ),
  fn(
    'delegates_terms() RETURNS trigger',
    `BEGIN\n${note('terms-accepted', 'NULL', 'NEW.identifier', object({ version: 'NEW.terms_version', at: 'NEW.terms_at' }))}RETURN NULL;\nEND`,
  ),
  'CREATE OR REPLACE TRIGGER delegates_terms AFTER UPDATE OF terms_version ON delegates FOR EACH ROW WHEN (NEW.terms_version IS NOT NULL) EXECUTE FUNCTION delegates_terms();\n',
  trigger('BEFORE', 'DELETE', 'delegates', 'DELETE FROM delegations WHERE delegate_id = OLD.id;'),
  trigger(
    'AFTER',
    'DELETE',
    'delegates',
    `${note('delegate-remove', 'NULL', 'OLD.identifier', object({ login: 'OLD.login' }))}DELETE FROM delegate_states WHERE delegate_id = OLD.id;
DELETE FROM turns WHERE subject = 'delegate' AND id = OLD.id;`,
  ),
  'CREATE OR REPLACE TRIGGER delegates_keep_id AFTER INSERT ON delegates FOR EACH ROW EXECUTE FUNCTION keep_id();\n',
].join('');

const columns = ['login', 'first_name', 'last_name', 'profession', 'state', 'credential_valid_until'];

const view = `
CREATE OR REPLACE VIEW delegate (id, login, first_name, last_name, profession, state, credential_valid_until) AS
  SELECT identifier, login, first_name, last_name, profession, state, credential_valid_until FROM delegates;
${trigger(
  'INSTEAD OF',
  'INSERT',
  'delegate',
  `INSERT INTO delegates (identifier, login, first_name, last_name, profession, state, credential_valid_until) VALUES (NEW.id, COALESCE(NEW.login, NEW.id),
  NEW.first_name, NEW.last_name, NEW.profession, COALESCE(NEW.state, 'active'), NEW.credential_valid_until);`,
)}${trigger(
  'INSTEAD OF',
  'UPDATE',
  'delegate',
  `UPDATE delegates SET ${changed('id', 'identifier')}, ${columns.map((column) => changed(column)).join(', ')} WHERE identifier = OLD.id;
IF NOT FOUND THEN RETURN NULL; END IF;`,
)}${trigger('INSTEAD OF', 'DELETE', 'delegate', 'DELETE FROM delegates WHERE identifier = OLD.id;\nIF NOT FOUND THEN RETURN NULL; END IF;')}`;

export const delegates = [base, view].join('\n');
