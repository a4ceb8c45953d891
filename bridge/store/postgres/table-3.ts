/** The delegation table in PostgreSQL, version 3: what delegation.db has since its version 9, where the whys are. */
import { fn, note, object, refuse, trigger } from './table-1/functions.ts';

const WORD = 'text COLLATE "C"';

export const tables = `
ALTER TABLE mailboxes DISABLE TRIGGER USER;
UPDATE mailboxes SET server = 'main' WHERE server <> 'main';
ALTER TABLE mailboxes ENABLE TRIGGER USER;
CREATE TEMPORARY TABLE pending_before ON COMMIT DROP AS SELECT mailbox_id, version FROM pending;
DROP TABLE pending;
CREATE TABLE pending (mailbox_id bigint NOT NULL, version bigint NOT NULL, server ${WORD} NOT NULL, PRIMARY KEY (mailbox_id, server));
INSERT INTO pending SELECT mailbox_id, version, 'main' FROM pg_temp.pending_before;
CREATE INDEX pending_version ON pending (server, version, mailbox_id);
CREATE INDEX pending_latest ON pending (version);
CREATE INDEX mailboxes_server ON mailboxes (server, id);
`;

const delegatedTo = (login: string) =>
  `SELECT g.mailbox_id FROM delegations g JOIN delegates d ON d.id = g.delegate_id WHERE d.login = ${login}`;

const SERVER_SENTENCE = 'a mail server is called by 1 to 30 of a-z 0-9 -, as [server] name has it';
const badServer = "NEW.server IS NULL OR NEW.server !~ '^[a-z0-9-]{1,30}$'";

export const rules = `CREATE OR REPLACE TRIGGER pending_truncate BEFORE TRUNCATE ON pending FOR EACH STATEMENT EXECUTE FUNCTION never_truncated();
${fn(
  'mark(ids bigint[]) RETURNS void',
  `DECLARE v bigint := next_version();
BEGIN
UPDATE pending SET version = v WHERE mailbox_id = ANY(ids) AND version <> v;
INSERT INTO pending (mailbox_id, version, server) SELECT b.id, v, b.server FROM mailboxes AS b WHERE b.id = ANY(ids)
  ON CONFLICT (mailbox_id, server) DO NOTHING;
END`,
)}
${fn(
  'mark_at(which bigint, place text) RETURNS void',
  `DECLARE v bigint := next_version();
BEGIN
INSERT INTO pending (mailbox_id, version, server) VALUES (which, v, place)
  ON CONFLICT (mailbox_id, server) DO UPDATE SET version = excluded.version WHERE pending.version <> excluded.version;
END`,
)}
${trigger('BEFORE', 'INSERT', 'mailboxes', refuse('MANDAT_SERVER', SERVER_SENTENCE, badServer), 'mailboxes_server_insert')}
${trigger('BEFORE', 'UPDATE', 'mailboxes', refuse('MANDAT_SERVER', SERVER_SENTENCE, `NEW.server IS DISTINCT FROM OLD.server AND (${badServer})`), 'mailboxes_server_update')}
${trigger('AFTER', 'INSERT', 'mailboxes', `PERFORM mark(ARRAY(${delegatedTo('NEW.login')}));`, 'mailboxes_joined')}
${trigger(
  'AFTER',
  'UPDATE',
  'mailboxes',
  `IF NEW.server <> OLD.server THEN
PERFORM mark_at(NEW.id, OLD.server);
${note('mailbox-move', 'NEW.address', 'NULL', object({ from: 'OLD.server', to: 'NEW.server' }).replace(' AS from', ' AS "from"').replace(' AS to', ' AS "to"'))}END IF;
IF NEW.server <> OLD.server OR NEW.login <> OLD.login THEN
PERFORM mark(ARRAY(${delegatedTo('NEW.login')} UNION ALL ${delegatedTo('OLD.login')}));
END IF;`,
  'mailboxes_moved',
)}
${trigger(
  'AFTER',
  'DELETE',
  'mailboxes',
  `PERFORM mark(ARRAY[OLD.id]), mark_at(OLD.id, OLD.server), mark(ARRAY(${delegatedTo('OLD.login')}));`,
  'mailboxes_left',
)}
`;
