/**
 * delegation.db, version 3: a delegate's account has one state with its dates, and the terms he accepted; eligibility by domain; who acts
 * on whose behalf, and through whom; which responsibility text was acknowledged. R2, R3, R23, R26, R43, R45.
 */
import {
  addressOf,
  before,
  delegateChecks,
  delegationChecks,
  identifierOf,
  mark,
  NOW,
  note,
  refuse,
} from './delegation-1.ts';
import { sendMode } from './send-mode.ts';

const domainOf = (address: string) => `substr(${address}, instr(${address}, '@') + 1)`;

const badDomain = `(NEW.domain IS NULL OR typeof(NEW.domain) <> 'text' OR length(CAST(NEW.domain AS BLOB)) <> length(NEW.domain)
    OR length(NEW.domain) NOT BETWEEN 1 AND 253 OR NEW.domain GLOB '*[^a-z0-9.-]*' OR NEW.domain GLOB '.*' OR NEW.domain GLOB '*.'
    OR NEW.domain GLOB '*..*' OR NEW.domain GLOB '-*')`;

const domainRules = [
  refuse(
    'MANDAT_DOMAIN',
    'a domain is written in lower case, of a-z 0-9 . - (an international one as punycode, xn--...)',
    badDomain,
  ),
  refuse('MANDAT_ELIGIBLE', 'eligible is 0 or 1', 'NEW.eligible IS NULL OR NEW.eligible NOT IN (0, 1)'),
];

const mailboxesIn = (domain: string) => `SELECT id AS m FROM mailboxes WHERE ${domainOf('address')} = ${domain}`;

const domains = `
INSERT INTO settings VALUES ('eligible_domains', 'all');
CREATE TABLE domains (domain TEXT NOT NULL PRIMARY KEY, eligible INTEGER NOT NULL) STRICT, WITHOUT ROWID;
${before('domains_insert', 'INSERT', 'domains', [
  ...domainRules,
  refuse(
    'MANDAT_DUPLICATE',
    'this domain is there already',
    'EXISTS (SELECT 1 FROM domains WHERE domain = NEW.domain)',
  ),
])}
${before('domains_update', 'UPDATE', 'domains', [
  ...domainRules,
  refuse('MANDAT_IMMUTABLE', 'a domain keeps its name: delete it and insert another', 'NEW.domain IS NOT OLD.domain'),
])}
CREATE TRIGGER domains_inserted AFTER INSERT ON domains BEGIN ${mark(mailboxesIn('NEW.domain'))}
  ${note('domain-set', 'NULL', 'NULL', "json_object('domain', NEW.domain, 'eligible', NEW.eligible)")}
END;
CREATE TRIGGER domains_updated AFTER UPDATE ON domains BEGIN ${mark(mailboxesIn('NEW.domain'))}
  ${note('domain-set', 'NULL', 'NULL', "json_object('domain', NEW.domain, 'eligible', NEW.eligible)")}
END;
CREATE TRIGGER domains_deleted AFTER DELETE ON domains BEGIN ${mark(mailboxesIn('OLD.domain'))}
  ${note('domain-remove', 'NULL', 'NULL', "json_object('domain', OLD.domain)")}
END;
CREATE VIEW domain (domain, eligible) AS SELECT domain, eligible FROM domains;
CREATE TRIGGER domain_insert INSTEAD OF INSERT ON domain BEGIN
  INSERT INTO domains (domain, eligible) VALUES (NEW.domain, COALESCE(NEW.eligible, 1));
END;
CREATE TRIGGER domain_update INSTEAD OF UPDATE ON domain BEGIN
  UPDATE domains SET domain = NEW.domain, eligible = NEW.eligible WHERE domain = OLD.domain;
END;
CREATE TRIGGER domain_delete INSTEAD OF DELETE ON domain BEGIN DELETE FROM domains WHERE domain = OLD.domain; END;

-- Whether a mailbox's domain takes part: its own row says so, else the setting for domains without one.
CREATE VIEW domain_eligibility (mailbox_id, domain, eligible) AS
  SELECT m.id, ${domainOf('m.address')}, COALESCE((SELECT d.eligible FROM domains d WHERE d.domain = ${domainOf('m.address')}),
    (SELECT s.value <> 'listed' FROM settings s WHERE s.name = 'eligible_domains'), 1) FROM mailboxes m;
CREATE TRIGGER settings_domains AFTER UPDATE OF value ON settings WHEN NEW.name = 'eligible_domains' AND NEW.value IS NOT OLD.value
BEGIN ${mark('SELECT id AS m FROM mailboxes')} END;
`;

const stateRule = refuse(
  'MANDAT_STATE',
  'a delegate is pending, active, suspended or ended',
  "NEW.state IS NULL OR NEW.state NOT IN ('pending', 'active', 'suspended', 'ended')",
);

const accounts = `
DROP TRIGGER delegates_insert;
DROP TRIGGER delegates_update;
${delegateChecks(stateRule)}
-- Since when his account is in its state, and in which it was before.
CREATE TABLE delegate_states (id INTEGER PRIMARY KEY AUTOINCREMENT, delegate_id INTEGER NOT NULL, state TEXT NOT NULL, since TEXT NOT NULL) STRICT;
CREATE INDEX delegate_states_delegate ON delegate_states (delegate_id, id);
CREATE TRIGGER delegates_state_first AFTER INSERT ON delegates
BEGIN INSERT INTO delegate_states (delegate_id, state, since) VALUES (NEW.id, NEW.state, ${NOW}); END;
CREATE TRIGGER delegates_state_changed AFTER UPDATE OF state ON delegates WHEN NEW.state IS NOT OLD.state
BEGIN INSERT INTO delegate_states (delegate_id, state, since) VALUES (NEW.id, NEW.state, ${NOW}); END;
CREATE TRIGGER delegates_state_gone AFTER DELETE ON delegates BEGIN DELETE FROM delegate_states WHERE delegate_id = OLD.id; END;

-- The terms of use he accepted last: which version, and when. Null where he was never asked: his own mailbox has its terms.
ALTER TABLE delegates ADD COLUMN terms_version TEXT;
ALTER TABLE delegates ADD COLUMN terms_at TEXT;
CREATE TRIGGER delegates_terms AFTER UPDATE OF terms_version ON delegates WHEN NEW.terms_version IS NOT NULL
BEGIN ${note('terms-accepted', 'NULL', 'NEW.identifier', "json_object('version', NEW.terms_version, 'at', NEW.terms_at)")} END;
-- Closed is closed, whoever writes: what belonged to it is erased.
CREATE TRIGGER delegates_ended BEFORE UPDATE OF state ON delegates WHEN OLD.state = 'ended' AND NEW.state IS NOT 'ended'
BEGIN ${refuse('MANDAT_ENDED', 'the account of this delegate has ended: remove him, and add him anew', '1')} END;
-- Whoever has a mailbox of his own has an account: there is nothing to activate (R39). His: it names him, or nobody and has his login.
${['INSERT', 'UPDATE OF owner, login, kind']
  .map(
    (event, n) => `CREATE TRIGGER mailboxes_own_${n} AFTER ${event} ON mailboxes WHEN NEW.kind = 'PER'
BEGIN UPDATE delegates SET state = 'active' WHERE state = 'pending' AND (identifier = NEW.owner OR (NEW.owner IS NULL AND login = NEW.login)); END;`,
  )
  .join('\n')}
`;

const acting = `
-- At whose keyboard somebody acts who isn't that person; on whose behalf an admin acts on a delegation, the owner's,
-- and on an account, the delegate's.
ALTER TABLE writer ADD COLUMN via TEXT;
-- The version of the responsibility text that was acknowledged with a grant (R23).
ALTER TABLE writer ADD COLUMN acknowledged TEXT;
ALTER TABLE events ADD COLUMN on_behalf TEXT;
ALTER TABLE events ADD COLUMN via TEXT;
CREATE TRIGGER events_acting AFTER INSERT ON events WHEN EXISTS (SELECT 1 FROM writer)
BEGIN UPDATE events SET via = (SELECT via FROM writer), on_behalf = CASE WHEN NEW.actor GLOB 'admin:*' AND NEW.action IN ('grant', 'change', 'revoke')
    THEN (SELECT 'owner:' || COALESCE(owner, login) FROM mailboxes WHERE address = NEW.mailbox)
    WHEN NEW.actor GLOB 'admin:*' AND (NEW.action GLOB 'account-*' OR NEW.action = 'terms-accepted') THEN 'delegate:' || NEW.delegate END WHERE id = NEW.id;
END;

ALTER TABLE delegations ADD COLUMN acknowledged TEXT;
${sendMode}
DROP TRIGGER delegations_inserted;
CREATE TRIGGER delegations_inserted AFTER INSERT ON delegations BEGIN
  ${refuse('MANDAT_IMMUTABLE', 'ids are given by the database, from 1', 'NEW.id < 1')} ${mark('SELECT NEW.mailbox_id')}
  DELETE FROM intents WHERE mailbox_id = NEW.mailbox_id AND delegate_id = NEW.delegate_id;
  ${note('grant', addressOf('NEW.mailbox_id'), identifierOf('NEW.delegate_id'), "json_patch(json_object('by', NEW.created_by, 'starts_at', NEW.starts_at, 'ends_at', NEW.ends_at, 'acknowledged', NEW.acknowledged), CASE WHEN NEW.send_mode IS NULL THEN '{}' ELSE json_object('send_mode', NEW.send_mode) END)")}
END;
DROP TRIGGER delegations_insert;
${delegationChecks([
  refuse(
    'MANDAT_ENDED',
    'the account of this delegate has ended',
    "(SELECT state FROM delegates WHERE id = NEW.delegate_id) = 'ended'",
  ),
  refuse(
    'MANDAT_NOT_ELIGIBLE',
    'the domain of this mailbox is not open to delegation yet',
    '(SELECT eligible FROM domain_eligibility WHERE mailbox_id = NEW.mailbox_id) <> 1',
  ),
])}
`;

/** Forgets the last turn of some subjects and notes this one: no conflict clause, which an outer statement would replace. */
const turn = (subject: string, what: string, ids: string) => `
  DELETE FROM turns WHERE subject = '${subject}' AND what = '${what}' AND id IN (${ids});
  INSERT INTO turns (subject, id, what, at) SELECT '${subject}', id, '${what}', ${NOW} FROM (${ids});`;

const plural = (subject: string) => (subject === 'mailbox' ? 'mailboxes' : `${subject}s`);

const turns = (subject: string, columns: Readonly<Record<string, string>>) =>
  Object.entries(columns)
    .map(
      ([column, what]) => `
CREATE TRIGGER ${subject}_turns_${column} AFTER UPDATE OF ${column} ON ${plural(subject)} WHEN NEW.${column} IS NOT OLD.${column}
BEGIN ${turn(subject, what, 'SELECT NEW.id AS id')} END;`,
    )
    .join('') +
  `
CREATE TRIGGER ${subject}_turns_gone AFTER DELETE ON ${plural(subject)} BEGIN DELETE FROM turns WHERE subject = '${subject}' AND id = OLD.id; END;`;

const domainTurns = ['INSERT', 'UPDATE', 'DELETE'].map(
  (event) => `
CREATE TRIGGER domain_turns_${event.toLowerCase()} AFTER ${event} ON domains
BEGIN ${turn('mailbox', 'domain-not-eligible', `SELECT id FROM mailboxes WHERE ${domainOf('address')} = ${event === 'DELETE' ? 'OLD' : 'NEW'}.domain`)} END;`,
);

/** acl/policy.ts has the names of the conditions. */
const since = `
-- Since when a condition stands as it does, where it has ever turned; a delegate's state has its own table.
CREATE TABLE turns (subject TEXT NOT NULL, id INTEGER NOT NULL, what TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (subject, id, what)) STRICT, WITHOUT ROWID;
${turns('mailbox', { kind: 'mailbox-kind', eligible: 'mailbox-not-eligible', owner_listed: 'owner-not-listed' })}
${turns('delegate', { listed: 'delegate-not-listed', credential_valid_until: 'credential-unknown', terms_version: 'terms-not-accepted' })}
${turns('delegation', { suspended: 'suspended' })}
${domainTurns.join('')}
`;

/** Delegates that are there keep their state; since when is not known of them. */
const before3 = `
INSERT INTO delegate_states (delegate_id, state, since) SELECT id, state, ${NOW} FROM delegates;
`;

export const delegation3 = [domains, accounts, before3, acting, since].join('\n');
