/**
 * Of delegation.db, version 3: what recipients see of a message that a delegate sends for the owner, by delegation. The view
 * `delegation` shows it, so it is made anew with its triggers. R31.
 */
import { addressOf, before, identifierOf, mark, NOW, note, refuse } from './delegation-1.ts';

const rule = refuse(
  'MANDAT_SEND_MODE',
  'send_mode is on-behalf or send-as, or NULL for what the site has set',
  "NEW.send_mode NOT IN ('on-behalf', 'send-as')",
);

const changed = (how: 'IS' | 'IS NOT', further: string) =>
  `AFTER UPDATE ON delegations WHEN NEW.send_mode ${how} OLD.send_mode BEGIN ${mark('SELECT NEW.mailbox_id')}
  ${note('change', addressOf('NEW.mailbox_id'), identifierOf('NEW.delegate_id'), `json_object('starts_at', NEW.starts_at, 'ends_at', NEW.ends_at, 'suspended', NEW.suspended${further})`)}
END;`;

export const sendMode = `
ALTER TABLE delegations ADD COLUMN send_mode TEXT;
${before('delegations_send_mode_insert', 'INSERT', 'delegations', [rule])}
${before('delegations_send_mode_update', 'UPDATE', 'delegations', [rule])}
DROP TRIGGER delegations_updated;
CREATE TRIGGER delegations_updated ${changed('IS', '')}
CREATE TRIGGER delegations_send_mode_updated ${changed('IS NOT', ", 'send_mode', NEW.send_mode")}
DROP VIEW delegation;
CREATE VIEW delegation (mailbox, delegate, created_at, created_by, starts_at, ends_at, note, suspended, send_mode) AS
  SELECT m.address, d.identifier, g.created_at, g.created_by, g.starts_at, g.ends_at, g.note, g.suspended, g.send_mode
  FROM delegations g JOIN mailboxes m ON m.id = g.mailbox_id JOIN delegates d ON d.id = g.delegate_id;
CREATE TRIGGER delegation_insert INSTEAD OF INSERT ON delegation BEGIN
  SELECT RAISE(ABORT, 'MANDAT_UNKNOWN_MAILBOX: no such mailbox') WHERE NOT EXISTS (SELECT 1 FROM mailboxes WHERE address IS NEW.mailbox);
  SELECT RAISE(ABORT, 'MANDAT_UNKNOWN_DELEGATE: no such delegate') WHERE NOT EXISTS (SELECT 1 FROM delegates WHERE identifier IS NEW.delegate);
  INSERT INTO delegations (mailbox_id, delegate_id, created_at, created_by, starts_at, ends_at, note, suspended, send_mode, acknowledged)
    SELECT m.id, d.id, COALESCE(NEW.created_at, ${NOW}), COALESCE(NEW.created_by, (SELECT actor FROM writer), 'sql'), NEW.starts_at, NEW.ends_at, NEW.note,
      COALESCE(NEW.suspended, 0), NEW.send_mode, (SELECT acknowledged FROM writer)
    FROM mailboxes m, delegates d WHERE m.address = NEW.mailbox AND d.identifier = NEW.delegate;
END;
CREATE TRIGGER delegation_update INSTEAD OF UPDATE ON delegation BEGIN
  SELECT RAISE(ABORT, 'MANDAT_IMMUTABLE: a delegation keeps its mailbox and its delegate: delete it and insert another')
    WHERE NEW.mailbox IS NOT OLD.mailbox OR NEW.delegate IS NOT OLD.delegate;
  UPDATE delegations SET created_at = NEW.created_at, created_by = NEW.created_by, starts_at = NEW.starts_at, ends_at = NEW.ends_at,
    note = NEW.note, suspended = NEW.suspended, send_mode = NEW.send_mode
    WHERE mailbox_id = (SELECT id FROM mailboxes WHERE address = OLD.mailbox) AND delegate_id = (SELECT id FROM delegates WHERE identifier = OLD.delegate);
END;
CREATE TRIGGER delegation_delete INSTEAD OF DELETE ON delegation BEGIN
  DELETE FROM delegations WHERE mailbox_id = (SELECT id FROM mailboxes WHERE address = OLD.mailbox)
    AND delegate_id = (SELECT id FROM delegates WHERE identifier = OLD.delegate);
END;
`;
