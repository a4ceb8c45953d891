/**
 * The delegation table in PostgreSQL, version 1: what it holds, which is what delegation.db holds at its version 7. Plural names are base
 * tables with immutable integer ids, ours alone; singular names are views, which other programs read and write.
 *
 * Text is compared by its octets (COLLATE "C"), whatever the database's language is, and times are text in one form, so that both are sorted
 * as in SQLite. Truth is 1 or 0. Ids are always given by the database: one that was chosen, and deleted, could be given a second time.
 */
const TEXT = 'text COLLATE "C"';
const ID = 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY';

export const tables = `
CREATE TABLE counters (id integer PRIMARY KEY CHECK (id = 1), version bigint NOT NULL);
INSERT INTO counters VALUES (1, 0);
CREATE TABLE settings (name ${TEXT} PRIMARY KEY, value ${TEXT} NOT NULL);
INSERT INTO settings VALUES ('epoch', replace(gen_random_uuid()::text, '-', '')), ('max_delegates', '10'), ('identity_scheme', 'login'), ('eligible_domains', 'all');

CREATE TABLE mailboxes (id ${ID}, address ${TEXT} NOT NULL UNIQUE, login ${TEXT} NOT NULL UNIQUE, owner ${TEXT}, kind ${TEXT} NOT NULL,
  eligible integer NOT NULL, server ${TEXT} NOT NULL, owner_listed integer CHECK (owner_listed IN (0, 1)));
CREATE INDEX mailboxes_owner ON mailboxes (owner) WHERE owner IS NOT NULL;
CREATE INDEX mailboxes_domain ON mailboxes (substr(address, strpos(address, '@') + 1));
CREATE TABLE aliases (address ${TEXT} PRIMARY KEY, mailbox_id bigint NOT NULL);
CREATE INDEX aliases_mailbox ON aliases (mailbox_id);
CREATE TABLE delegates (id ${ID}, identifier ${TEXT} NOT NULL UNIQUE, login ${TEXT} NOT NULL UNIQUE, first_name ${TEXT}, last_name ${TEXT},
  profession ${TEXT}, state ${TEXT} NOT NULL, credential_valid_until ${TEXT}, listed integer CHECK (listed IN (0, 1)), terms_version ${TEXT}, terms_at ${TEXT});
CREATE INDEX delegates_credential ON delegates (credential_valid_until, id) WHERE credential_valid_until IS NOT NULL;
CREATE INDEX delegates_pending ON delegates (id) WHERE state = 'pending';
CREATE TABLE delegate_states (id ${ID}, delegate_id bigint NOT NULL, state ${TEXT} NOT NULL, since ${TEXT} NOT NULL);
CREATE INDEX delegate_states_delegate ON delegate_states (delegate_id, id);
CREATE TABLE domains (domain ${TEXT} PRIMARY KEY, eligible integer NOT NULL);
CREATE TABLE delegations (id ${ID}, mailbox_id bigint NOT NULL, delegate_id bigint NOT NULL, created_at ${TEXT} NOT NULL, created_by ${TEXT} NOT NULL,
  starts_at ${TEXT}, ends_at ${TEXT}, note ${TEXT}, suspended integer NOT NULL, send_mode ${TEXT}, acknowledged ${TEXT}, UNIQUE (mailbox_id, delegate_id));
CREATE INDEX delegations_delegate ON delegations (delegate_id);
CREATE INDEX delegations_starts ON delegations (starts_at, id) WHERE starts_at IS NOT NULL;
CREATE INDEX delegations_ends ON delegations (ends_at, id) WHERE ends_at IS NOT NULL;
-- Since when a condition stands as it does, where it has ever turned; a delegate's state has its own table.
CREATE TABLE turns (subject ${TEXT} NOT NULL, id bigint NOT NULL, what ${TEXT} NOT NULL, at ${TEXT} NOT NULL, PRIMARY KEY (subject, id, what));

-- Which mailboxes changed and haven't been brought in line: a set, not a log. No reference: the mailbox may be gone.
CREATE TABLE pending (mailbox_id bigint PRIMARY KEY, version bigint NOT NULL);
CREATE INDEX pending_version ON pending (version, mailbox_id);
-- Revokes that somebody asked for by name at the command line: never held back by the guard.
CREATE TABLE intents (mailbox_id bigint NOT NULL, delegate_id bigint NOT NULL, at ${TEXT} NOT NULL, PRIMARY KEY (mailbox_id, delegate_id));
CREATE TABLE events (id ${ID}, at ${TEXT} NOT NULL, actor ${TEXT} NOT NULL, reason ${TEXT}, action ${TEXT} NOT NULL, mailbox ${TEXT}, delegate ${TEXT},
  detail ${TEXT}, on_behalf ${TEXT}, via ${TEXT}, mac ${TEXT});
CREATE INDEX events_mailbox ON events (mailbox, at);
`;
