/**
 * delegation.db, version 9: several mail servers on one table. What is pending is pending at a server: a mailbox that moves is worked off by both,
 * the old one, which takes all away, and the new one. What changes at all marks every server's row of a mailbox, and the one of its present server.
 * A mailbox that comes, goes or moves is marked with those of whom its login is a delegate: whether they can be reached depends on it.
 */
import { before, delegation1, mark, note, refuse } from './delegation-1.ts';
import { delegation2 } from './delegation-2.ts';
import { delegation3 } from './delegation-3.ts';
import { delegation7 } from './delegation-7.ts';

/** As {@link mark} has written it since version 1. */
const MARKS =
  /INSERT INTO pending \(mailbox_id, version\) SELECT DISTINCT m, \(SELECT version FROM counters\)\s+FROM \(SELECT NULL AS m WHERE 0 UNION ALL ([\s\S]*?)\) WHERE m NOT IN \(SELECT mailbox_id FROM pending\);/g;

/** The same, at the mailbox's server. One that has left the table has none. */
const atItsServer = (text: string) =>
  text.replace(
    MARKS,
    (
      _,
      which: string,
    ) => `INSERT INTO pending (mailbox_id, version, server) SELECT DISTINCT b.id, (SELECT version FROM counters), b.server
    FROM (SELECT NULL AS m WHERE 0 UNION ALL ${which}) AS w JOIN mailboxes AS b ON b.id = w.m
    WHERE NOT EXISTS (SELECT 1 FROM pending AS p WHERE p.mailbox_id = b.id AND p.server = b.server);`,
  );

/** Of each trigger that marks, what its last version says. */
const marking = new Map(
  [delegation1, delegation2, delegation3, delegation7]
    .flatMap((script) => [...script.matchAll(/^CREATE TRIGGER (\w+) [\s\S]*?END;$/gm)])
    .map(([text, name = '']) => [name, text] as const),
);
/** `delegates_terms` marks nothing, but is made after `delegates_updated`: SQLite lets the younger one speak first. */
const anew = [...marking].filter(
  ([name, text]) => text.includes('INTO pending') || name === 'mailboxes_update' || name === 'delegates_terms',
);

/** The mailboxes that are delegated to whoever has this login. */
const delegatedTo = (login: string) =>
  `SELECT g.mailbox_id AS m FROM delegations g JOIN delegates d ON d.id = g.delegate_id WHERE d.login = ${login}`;

const atServer = (id: string, server: string) => `
  INSERT INTO pending (mailbox_id, version, server) SELECT ${id}, (SELECT version FROM counters), ${server}
    WHERE NOT EXISTS (SELECT 1 FROM pending WHERE mailbox_id = ${id} AND server = ${server});`;

const SERVER_SENTENCE = 'a mail server is called by 1 to 30 of a-z 0-9 -, as [server] name has it';
const badServer =
  "typeof(NEW.server) <> 'text' OR length(CAST(NEW.server AS BLOB)) NOT BETWEEN 1 AND 30 OR NEW.server GLOB '*[^a-z0-9-]*'";

export const delegation9 = `
${anew.map(([name]) => `DROP TRIGGER ${name};`).join('\n')}
-- Nobody has read it so far, whatever stands there; from now on it says who works on the mailbox.
UPDATE mailboxes SET server = 'main' WHERE server <> 'main';
CREATE TABLE pending_before AS SELECT mailbox_id, version FROM pending;
DROP TABLE pending;
-- Which mailboxes changed and haven't been brought in line by which server: a set, not a log. No reference: the mailbox may be gone.
CREATE TABLE pending (mailbox_id INTEGER NOT NULL, version INTEGER NOT NULL, server TEXT NOT NULL, PRIMARY KEY (mailbox_id, server)) STRICT, WITHOUT ROWID;
INSERT INTO pending SELECT mailbox_id, version, 'main' FROM pending_before;
DROP TABLE pending_before;
CREATE INDEX pending_version ON pending (server, version, mailbox_id);
CREATE INDEX pending_latest ON pending (version);
CREATE INDEX mailboxes_server ON mailboxes (server, id);
${anew.map(([, text]) => atItsServer(text)).join('\n')}
${before('mailboxes_server_insert', 'INSERT', 'mailboxes', [refuse('MANDAT_SERVER', SERVER_SENTENCE, badServer)])}
${before('mailboxes_server_update', 'UPDATE', 'mailboxes', [
  refuse('MANDAT_SERVER', SERVER_SENTENCE, `NEW.server IS NOT OLD.server AND (${badServer})`),
])}
CREATE TRIGGER mailboxes_joined AFTER INSERT ON mailboxes WHEN EXISTS (SELECT 1 FROM delegates WHERE login = NEW.login) BEGIN
${atItsServer(mark(delegatedTo('NEW.login')))}
END;
CREATE TRIGGER mailboxes_moved AFTER UPDATE ON mailboxes WHEN NEW.server IS NOT OLD.server BEGIN
${atItsServer(mark('SELECT NEW.id'))} ${atServer('NEW.id', 'OLD.server')}
  ${note('mailbox-move', 'NEW.address', 'NULL', "json_object('from', OLD.server, 'to', NEW.server)")}
END;
CREATE TRIGGER mailboxes_elsewhere AFTER UPDATE ON mailboxes WHEN (NEW.server IS NOT OLD.server OR NEW.login <> OLD.login)
  AND EXISTS (SELECT 1 FROM delegates WHERE login IN (NEW.login, OLD.login)) BEGIN
${atItsServer(mark(`${delegatedTo('NEW.login')} UNION ALL ${delegatedTo('OLD.login')}`))}
END;
CREATE TRIGGER mailboxes_left AFTER DELETE ON mailboxes BEGIN
${atItsServer(mark(`SELECT OLD.id UNION ALL ${delegatedTo('OLD.login')}`))} ${atServer('OLD.id', 'OLD.server')}
END;
`;
