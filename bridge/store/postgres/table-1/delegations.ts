/** The rules of delegations, and of what mandat keeps in the table for itself: those of delegation.db. */
import { LARGEST } from './common.ts';
import { TIME_SENTENCE } from './delegates.ts';
import { addressOf, fn, identifierOf, mark, markOne, note, object, refuse, trigger } from './functions.ts';
import { changed, idRule } from './mailboxes.ts';

const times = [
  ...['starts_at', 'ends_at', 'created_at'].map((column) =>
    refuse('MANDAT_TIME', TIME_SENTENCE, `bad_instant(NEW.${column})`),
  ),
  refuse('MANDAT_ORDER', 'a delegation ends after it starts', 'NEW.ends_at <= NEW.starts_at'),
  refuse('MANDAT_STATE', 'suspended is 0 or 1', 'NEW.suspended IS NULL OR NEW.suspended NOT IN (0, 1)'),
  refuse(
    'MANDAT_SEND_MODE',
    'send_mode is on-behalf or send-as, or NULL for what the site has set',
    "NEW.send_mode NOT IN ('on-behalf', 'send-as')",
  ),
].join('');

const [mailbox, delegate] = [addressOf('NEW.mailbox_id'), identifierOf('NEW.delegate_id')];
const terms = { starts_at: 'NEW.starts_at', ends_at: 'NEW.ends_at' };
const granted = { by: 'NEW.created_by', ...terms, acknowledged: 'NEW.acknowledged' };
const changes = { ...terms, suspended: 'NEW.suspended' };
const withMode = (members: Readonly<Record<string, string>>) => object({ ...members, send_mode: 'NEW.send_mode' });

const base = [
  trigger(
    'BEFORE',
    'INSERT',
    'delegations',
    `${refuse('MANDAT_ENDED', 'the account of this delegate has ended', "(SELECT state FROM delegates WHERE id = NEW.delegate_id) = 'ended'")}
${refuse('MANDAT_NOT_ELIGIBLE', 'the domain of this mailbox is not open to delegation yet', '(SELECT eligible FROM domain_eligibility WHERE mailbox_id = NEW.mailbox_id) <> 1')}
${refuse('MANDAT_UNKNOWN_MAILBOX', 'no such mailbox', 'NOT EXISTS (SELECT 1 FROM mailboxes WHERE id = NEW.mailbox_id)')}
${refuse('MANDAT_UNKNOWN_DELEGATE', 'no such delegate', 'NOT EXISTS (SELECT 1 FROM delegates WHERE id = NEW.delegate_id)')}
${times}${refuse('MANDAT_NOT_PERSONAL', 'only a personal mailbox (PER) can be delegated', "(SELECT kind FROM mailboxes WHERE id = NEW.mailbox_id) <> 'PER'")}
${refuse('MANDAT_NOT_ELIGIBLE', 'this mailbox is not eligible for delegation', '(SELECT eligible FROM mailboxes WHERE id = NEW.mailbox_id) <> 1')}
${refuse(
  'MANDAT_SELF',
  'the owner of a mailbox cannot be its delegate',
  `EXISTS (SELECT 1 FROM mailboxes m, delegates d
    WHERE m.id = NEW.mailbox_id AND d.id = NEW.delegate_id AND (m.login = d.login OR m.owner = d.identifier))`,
)}
${idRule('delegations')}
${refuse(
  'MANDAT_DUPLICATE',
  'this mailbox is delegated to this delegate already',
  'EXISTS (SELECT 1 FROM delegations WHERE mailbox_id = NEW.mailbox_id AND delegate_id = NEW.delegate_id)',
)}
${refuse(
  'MANDAT_LIMIT',
  'this mailbox has as many delegates as are allowed: revoke one first',
  `(SELECT count(*) FROM delegations WHERE mailbox_id = NEW.mailbox_id)
    >= COALESCE((SELECT substring(value FROM '^[0-9]{1,9}')::integer FROM settings WHERE name = 'max_delegates'), 10)`,
)}`,
  ),
  trigger(
    'BEFORE',
    'UPDATE',
    'delegations',
    `${refuse(
      'MANDAT_IMMUTABLE',
      'a delegation keeps its mailbox and its delegate: delete it and insert another',
      'NEW.id IS DISTINCT FROM OLD.id OR NEW.mailbox_id IS DISTINCT FROM OLD.mailbox_id OR NEW.delegate_id IS DISTINCT FROM OLD.delegate_id',
    )}
${times}`,
  ),
  trigger(
    'AFTER',
    'INSERT',
    'delegations',
    `${markOne('NEW.mailbox_id')}DELETE FROM intents WHERE mailbox_id = NEW.mailbox_id AND delegate_id = NEW.delegate_id;
IF NEW.send_mode IS NULL THEN ${note('grant', mailbox, delegate, object(granted))} ELSE ${note('grant', mailbox, delegate, withMode(granted))} END IF;`,
  ),
  trigger(
    'AFTER',
    'UPDATE',
    'delegations',
    `${markOne('NEW.mailbox_id')}
IF NEW.send_mode IS NOT DISTINCT FROM OLD.send_mode THEN ${note('change', mailbox, delegate, object(changes))} ELSE ${note('change', mailbox, delegate, withMode(changes))} END IF;
IF NEW.suspended <> OLD.suspended THEN PERFORM turn('delegation', 'suspended', ARRAY[NEW.id]); END IF;`,
  ),
  trigger(
    'AFTER',
    'DELETE',
    'delegations',
    `${markOne('OLD.mailbox_id')}DELETE FROM intents WHERE mailbox_id = OLD.mailbox_id AND delegate_id = OLD.delegate_id;
INSERT INTO intents (mailbox_id, delegate_id, at) SELECT OLD.mailbox_id, OLD.delegate_id, now_text() FROM writer;
${note('revoke', addressOf('OLD.mailbox_id'), identifierOf('OLD.delegate_id'), 'NULL')}DELETE FROM turns WHERE subject = 'delegation' AND id = OLD.id;`,
  ),
  'CREATE OR REPLACE TRIGGER delegations_keep_id AFTER INSERT ON delegations FOR EACH ROW EXECUTE FUNCTION keep_id();\n',
].join('');

const place = `mailbox_id = (SELECT id FROM mailboxes WHERE address = OLD.mailbox)
  AND delegate_id = (SELECT id FROM delegates WHERE identifier = OLD.delegate)`;

const view = `
CREATE OR REPLACE VIEW delegation (mailbox, delegate, created_at, created_by, starts_at, ends_at, note, suspended, send_mode) AS
  SELECT m.address, d.identifier, g.created_at, g.created_by, g.starts_at, g.ends_at, g.note, g.suspended, g.send_mode
  FROM delegations g JOIN mailboxes m ON m.id = g.mailbox_id JOIN delegates d ON d.id = g.delegate_id;
${trigger(
  'INSTEAD OF',
  'INSERT',
  'delegation',
  `${refuse('MANDAT_UNKNOWN_MAILBOX', 'no such mailbox', 'NOT EXISTS (SELECT 1 FROM mailboxes WHERE address = NEW.mailbox)')}
${refuse('MANDAT_UNKNOWN_DELEGATE', 'no such delegate', 'NOT EXISTS (SELECT 1 FROM delegates WHERE identifier = NEW.delegate)')}
INSERT INTO delegations (mailbox_id, delegate_id, created_at, created_by, starts_at, ends_at, note, suspended, send_mode, acknowledged)
  SELECT m.id, d.id, COALESCE(NEW.created_at, now_text()), COALESCE(NEW.created_by, (SELECT actor FROM writer), 'sql'), NEW.starts_at, NEW.ends_at, NEW.note,
    COALESCE(NEW.suspended, 0), NEW.send_mode, (SELECT acknowledged FROM writer)
  FROM mailboxes m, delegates d WHERE m.address = NEW.mailbox AND d.identifier = NEW.delegate;
-- Gone since it was looked for: somebody else has just removed the mailbox, or the delegate.
IF NOT FOUND THEN RAISE EXCEPTION USING MESSAGE = 'MANDAT_UNKNOWN_MAILBOX: no such mailbox, or no such delegate, any more'; END IF;`,
)}${trigger(
  'INSTEAD OF',
  'UPDATE',
  'delegation',
  `${refuse(
    'MANDAT_IMMUTABLE',
    'a delegation keeps its mailbox and its delegate: delete it and insert another',
    'NEW.mailbox IS DISTINCT FROM OLD.mailbox OR NEW.delegate IS DISTINCT FROM OLD.delegate',
  )}
UPDATE delegations SET ${['created_at', 'created_by', 'starts_at', 'ends_at', 'note', 'suspended', 'send_mode'].map((column) => changed(column)).join(', ')}
  WHERE ${place};
IF NOT FOUND THEN RETURN NULL; END IF;`,
)}${trigger('INSTEAD OF', 'DELETE', 'delegation', `DELETE FROM delegations WHERE ${place};\nIF NOT FOUND THEN RETURN NULL; END IF;`)}`;

const ours = (sentence: string, when = 'true') =>
  refuse('MANDAT_OURS', sentence, `(${when}) AND NOT EXISTS (SELECT 1 FROM writer)`);

const guard = (table: string, sentence: string, events: readonly string[], before = '', when?: string) =>
  events.map((event) => trigger('BEFORE', event, table, `${before}${ours(sentence, when)}`)).join('');

const SETTINGS = "settings come from mandat's configuration file, and are copied here by mandat alone";
const VERSION = 'the version of the table grows by one with each change, and is never set by hand';
const EVENTS = 'events are taken over by the sidecar, and neither changed nor deleted before';

const kept = [
  guard('settings', SETTINGS, ['INSERT', 'UPDATE', 'DELETE']),
  fn(
    'settings_domains() RETURNS trigger',
    `BEGIN\nIF NEW.name = 'eligible_domains' AND NEW.value <> OLD.value THEN ${mark('SELECT id FROM mailboxes')} END IF;\nRETURN NULL;\nEND`,
  ),
  'CREATE OR REPLACE TRIGGER settings_domains AFTER UPDATE ON settings FOR EACH ROW EXECUTE FUNCTION settings_domains();\n',
  guard('counters', VERSION, ['INSERT', 'DELETE']),
  guard(
    'counters',
    VERSION,
    ['UPDATE'],
    '',
    'NEW.id IS DISTINCT FROM OLD.id OR NEW.version IS NULL OR NEW.version NOT IN (OLD.version, OLD.version + 1)',
  ),
  trigger(
    'BEFORE',
    'INSERT',
    'events',
    `${refuse('MANDAT_EVENT', "an event's detail is JSON, or NULL", 'not_json(NEW.detail)')}
${refuse('MANDAT_EVENT', "an event's time is written YYYY-MM-DDTHH:MM:SS.sssZ, in UTC", 'bad_instant(NEW.at)')}
${refuse('MANDAT_IMMUTABLE', 'ids are given by the database, from 1', `NEW.id NOT BETWEEN 1 AND ${LARGEST}`)}
${refuse('MANDAT_DUPLICATE', 'this event is there already', 'EXISTS (SELECT 1 FROM events WHERE id = NEW.id)')}
-- At whose keyboard somebody acts; on whose behalf an admin acts on a delegation, the owner's, and on an account, the delegate's.
IF EXISTS (SELECT 1 FROM writer) THEN
NEW.via := (SELECT via FROM writer);
NEW.on_behalf := CASE WHEN NEW.actor LIKE 'admin:%' AND NEW.action IN ('grant', 'change', 'revoke')
  THEN (SELECT 'owner:' || COALESCE(owner, login) FROM mailboxes WHERE address = NEW.mailbox)
  WHEN NEW.actor LIKE 'admin:%' AND (NEW.action LIKE 'account-%' OR NEW.action = 'terms-accepted') THEN 'delegate:' || NEW.delegate END;
END IF;`,
  ),
  guard('events', EVENTS, ['UPDATE', 'DELETE']),
  'CREATE OR REPLACE TRIGGER events_keep_id AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION keep_id();\n',
].join('');

export const delegations = [base, view, kept].join('\n');
