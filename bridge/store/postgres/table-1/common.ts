/**
 * What the rules of the delegation table in PostgreSQL share.
 *
 * One writer at a time, as in SQLite: whoever changes anything holds the row of `counters` until they commit, taken before any other row
 * (take_turn). So no rule is judged by what somebody else is just changing, versions and events become visible in the order of their numbers, and
 * two writers can't stop one another half-way. A transaction of an older snapshot (REPEATABLE READ) ends with a serialization failure.
 */
import { LONGEST_LOGIN, RESERVED } from '../../../../acl/identifier.ts';
import { fn, refuse } from './functions.ts';

/** Ids and versions above it are not reckoned with exactly everywhere: 2^52. */
export const LARGEST = '4503599627370496';

/** The channel on which commits are heard of. */
export const CHANNEL = 'mandat_table';

const INSTANT =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9][.][0-9]{3}Z$';

const taken = ['mailboxes', 'aliases', 'delegates', 'delegations', 'domains', 'settings', 'events', 'intents'];

export const common = `
${fn('now_text() RETURNS text', `BEGIN RETURN to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'); END`)}
${fn(
  'bad_login(login text) RETURNS boolean',
  `BEGIN RETURN login IS NULL OR octet_length(login) > ${LONGEST_LOGIN} OR login !~ '^[a-z0-9._@+][a-z0-9._@+-]*$'
  OR login IN (${RESERVED.map((word) => `'${word}'`).join(', ')}); END`,
  { kind: 'IMMUTABLE' },
)}
${fn(
  'bad_address(address text) RETURNS boolean',
  `BEGIN RETURN bad_login(address) OR address !~ '^[^@]+@[^@]+$' OR address ~ '[.][.]|^[.]|[.]@|@[.]|[.]$'; END`,
  { kind: 'IMMUTABLE' },
)}
${fn(
  'bad_domain(domain text) RETURNS boolean',
  `BEGIN RETURN domain IS NULL OR octet_length(domain) > 253 OR domain !~ '^[a-z0-9][a-z0-9.-]*$' OR domain ~ '[.][.]|[.]$'; END`,
  { kind: 'IMMUTABLE' },
)}
-- Not null, and not an instant of the calendar in exactly our form.
${fn(
  'bad_instant(at text) RETURNS boolean',
  `DECLARE y integer; m integer; d integer;
BEGIN
IF at IS NULL THEN RETURN false; END IF;
IF at !~ '${INSTANT}' THEN RETURN true; END IF;
y := substr(at, 1, 4)::integer; m := substr(at, 6, 2)::integer; d := substr(at, 9, 2)::integer;
RETURN d > CASE WHEN m IN (4, 6, 9, 11) THEN 30 WHEN m <> 2 THEN 31 WHEN y % 4 = 0 AND (y % 100 <> 0 OR y % 400 = 0) THEN 29 ELSE 28 END;
END`,
  { kind: 'IMMUTABLE' },
)}
${fn(
  'not_json(given text) RETURNS boolean',
  `BEGIN
IF given IS NULL THEN RETURN false; END IF;
PERFORM given::json;
RETURN false;
EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN RETURN true;
END`,
)}
-- Who writes and why, for the time of one transaction: mandat's own commands say it, and nobody else sees it.
CREATE OR REPLACE VIEW writer (id, actor, reason, via, acknowledged) AS
  SELECT 1, current_setting('mandat.actor', true), nullif(current_setting('mandat.reason', true), ''),
    nullif(current_setting('mandat.via', true), ''), nullif(current_setting('mandat.acknowledged', true), '')
  WHERE current_setting('mandat.actor', true) <> '';
${fn(
  'say_writer(actor text, reason text, via text, acknowledged text) RETURNS void',
  `BEGIN
PERFORM set_config('mandat.actor', COALESCE(actor, ''), true), set_config('mandat.reason', COALESCE(reason, ''), true),
  set_config('mandat.via', COALESCE(via, ''), true), set_config('mandat.acknowledged', COALESCE(acknowledged, ''), true);
END`,
)}
${fn(
  'writer_insert() RETURNS trigger',
  `BEGIN
${refuse('MANDAT_OURS', 'a writer has a name', 'NEW.actor IS NULL OR length(NEW.actor) NOT BETWEEN 1 AND 300')}PERFORM say_writer(NEW.actor, NEW.reason, NEW.via, NEW.acknowledged);
RETURN NEW;
END`,
)}
CREATE OR REPLACE TRIGGER writer_insert INSTEAD OF INSERT ON writer FOR EACH ROW EXECUTE FUNCTION writer_insert();
${fn('writer_delete() RETURNS trigger', `BEGIN PERFORM say_writer('', '', '', ''); RETURN OLD; END`)}
CREATE OR REPLACE TRIGGER writer_delete INSTEAD OF DELETE ON writer FOR EACH ROW EXECUTE FUNCTION writer_delete();

${fn(
  'take_turn() RETURNS trigger',
  `BEGIN
-- Once in a transaction: each further look would pass all that it has written to that row.
IF current_setting('mandat.turn', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
PERFORM 1 FROM counters WHERE id = 1 FOR UPDATE;
PERFORM set_config('mandat.turn', pg_current_xact_id()::text, true), pg_notify('${CHANNEL}', '');
END IF;
RETURN NULL;
END`,
  { definer: true },
)}
${taken.map((table) => `CREATE OR REPLACE TRIGGER ${table}_turn BEFORE INSERT OR DELETE OR UPDATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION take_turn();`).join('\n')}
-- It would empty a table without a word in the trail.
${fn('never_truncated() RETURNS trigger', `BEGIN RAISE EXCEPTION USING MESSAGE = 'MANDAT_OURS: rows are deleted one by one, never with TRUNCATE'; END`)}
${[...taken, 'counters', 'pending', 'delegate_states', 'turns'].map((table) => `CREATE OR REPLACE TRIGGER ${table}_truncate BEFORE TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION never_truncated();`).join('\n')}

-- The version grows once in a transaction: all that it changes becomes visible in one moment. Which one it has got is remembered for its time.
${fn(
  'next_version() RETURNS bigint',
  `DECLARE v bigint;
BEGIN
SELECT version INTO v FROM counters WHERE id = 1;
IF current_setting('mandat.version', true) = concat_ws(' ', pg_current_xact_id(), v) THEN RETURN v; END IF;
UPDATE counters SET version = version + 1 WHERE id = 1 RETURNING version INTO v;
PERFORM set_config('mandat.version', concat_ws(' ', pg_current_xact_id(), v), true);
RETURN v;
END`,
)}
-- Marks mailboxes as changed: each of them is pending at the version of this transaction.
${fn(
  'mark(ids bigint[]) RETURNS void',
  `DECLARE v bigint := next_version();
BEGIN
INSERT INTO pending (mailbox_id, version) SELECT DISTINCT m, v FROM unnest(ids) AS m
  ON CONFLICT (mailbox_id) DO UPDATE SET version = excluded.version WHERE pending.version <> excluded.version;
END`,
)}
-- A plain event for the audit trail; the sidecar takes it over and seals it.
${fn(
  'note(action text, mailbox text, delegate text, detail text) RETURNS void',
  `BEGIN
INSERT INTO events (at, actor, reason, action, mailbox, delegate, detail)
  VALUES (now_text(), COALESCE((SELECT w.actor FROM writer w), 'sql'), (SELECT w.reason FROM writer w), note.action, note.mailbox, note.delegate, note.detail);
END`,
)}
${fn(
  'turn(about text, which text, ids bigint[]) RETURNS void',
  `BEGIN
INSERT INTO turns (subject, id, what, at) SELECT DISTINCT about, i, which, now_text() FROM unnest(ids) AS i
  ON CONFLICT (subject, id, what) DO UPDATE SET at = excluded.at;
END`,
)}
-- An id that a copy brings along is given to nobody else later.
${fn(
  'keep_id() RETURNS trigger',
  `DECLARE s text := pg_get_serial_sequence('mandat.' || TG_TABLE_NAME, 'id'); last bigint;
BEGIN
EXECUTE format('SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM %s', s) INTO last;
IF NEW.id > last THEN PERFORM setval(s, NEW.id); END IF;
RETURN NULL;
END`,
  { definer: true },
)}
`;
