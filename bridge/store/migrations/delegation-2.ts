/**
 * delegation.db, version 2: identifiers go by a scheme. Under `rpps` a delegate's and an owner's are IdNat_PS, 12 digits starting with 8,
 * whoever writes them; what was there before a change of scheme stays. Keys and ranges are the command line's affair.
 */
const RPPS = `'8${'[0-9]'.repeat(11)}'`;

const scheme = (name: string, event: string, table: string, column: string) => `
CREATE TRIGGER ${name} BEFORE ${event} ON ${table}
  WHEN (SELECT value FROM settings WHERE name = 'identity_scheme') = 'rpps' AND NEW.${column} IS NOT NULL AND NEW.${column} NOT GLOB ${RPPS}
BEGIN SELECT RAISE(ABORT, 'MANDAT_IDENTIFIER: an identifier is 12 digits starting with 8 (RPPS)'); END;`;

export const delegation2 = `
INSERT INTO settings VALUES ('identity_scheme', 'login');
-- Whether the directory lists this identity: 1, 0, or null where it was never asked. Noted after each import.
ALTER TABLE delegates ADD COLUMN listed INTEGER CHECK (listed IN (0, 1));
ALTER TABLE mailboxes ADD COLUMN owner_listed INTEGER CHECK (owner_listed IN (0, 1));
${scheme('delegates_scheme_inserting', 'INSERT', 'delegates', 'identifier')}
${scheme('delegates_scheme_updating', 'UPDATE OF identifier', 'delegates', 'identifier')}
${scheme('mailboxes_scheme_inserting', 'INSERT', 'mailboxes', 'owner')}
${scheme('mailboxes_scheme_updating', 'UPDATE OF owner', 'mailboxes', 'owner')}
-- What was known of one identity says nothing of another.
CREATE TRIGGER delegates_identified AFTER UPDATE OF identifier ON delegates WHEN NEW.identifier <> OLD.identifier AND NEW.listed IS NOT NULL
BEGIN UPDATE delegates SET listed = NULL WHERE id = NEW.id; END;
CREATE TRIGGER mailboxes_identified AFTER UPDATE OF owner ON mailboxes WHEN NEW.owner IS NOT OLD.owner AND NEW.owner_listed IS NOT NULL
BEGIN UPDATE mailboxes SET owner_listed = NULL WHERE id = NEW.id; END;
`;
