/**
 * delegation.db, version 4: what mandat keeps in this file for itself is guarded against what plain SQL does to it by mistake: settings, the
 * version, events, and ids that nothing could follow. Whoever writes the file can still do it on purpose (he can drop a trigger): the sidecar
 * mends such values and says so (bridge/values.ts).
 */
import { badInstant, before, refuse } from './delegation-1.ts';

/** Ids and versions above it are not reckoned with exactly everywhere: 2^52. */
export const LARGEST = 4_503_599_627_370_496;

const ours = (sentence: string, when = '1') =>
  refuse('MANDAT_OURS', sentence, `(${when}) AND NOT EXISTS (SELECT 1 FROM writer)`);

const guardDelete = (table: string, sentence: string) =>
  `CREATE TRIGGER ${table}_guard_delete BEFORE DELETE ON ${table} BEGIN\n${ours(sentence)}\nEND;`;

const SETTINGS = "settings come from mandat's configuration file, and are copied here by mandat alone";
const VERSION = 'the version of the table grows by one with each change, and is never set by hand';
const EVENTS = 'events are taken over by the sidecar, and neither changed nor deleted before';

const idRules = ['mailboxes', 'delegates', 'delegations'].map((table) =>
  before(`${table}_id_guard`, 'INSERT', table, [
    refuse('MANDAT_IMMUTABLE', 'ids are given by the database, from 1', `NEW.id > ${LARGEST}`),
  ]),
);

export const delegation4 = `
-- What mandat's own commands vouch for (bridge/store/vouched.ts); without it an event is what somebody says of himself.
ALTER TABLE events ADD COLUMN mac TEXT;
${before('settings_guard_insert', 'INSERT', 'settings', [ours(SETTINGS)])}
${before('settings_guard_update', 'UPDATE', 'settings', [ours(SETTINGS)])}
${guardDelete('settings', SETTINGS)}
${before('counters_guard_insert', 'INSERT', 'counters', [ours(VERSION)])}
${before('counters_guard_update', 'UPDATE', 'counters', [ours(VERSION, 'NEW.id IS NOT OLD.id OR NEW.version NOT IN (OLD.version, OLD.version + 1)')])}
${guardDelete('counters', VERSION)}
${before('events_guard_insert', 'INSERT', 'events', [
  refuse('MANDAT_EVENT', "an event's detail is JSON, or NULL", 'NEW.detail IS NOT NULL AND NOT json_valid(NEW.detail)'),
  refuse('MANDAT_EVENT', "an event's time is written YYYY-MM-DDTHH:MM:SS.sssZ, in UTC", badInstant('NEW.at')),
  refuse('MANDAT_IMMUTABLE', 'ids are given by the database, from 1', `NEW.id > ${LARGEST}`),
  refuse('MANDAT_DUPLICATE', 'this event is there already', 'EXISTS (SELECT 1 FROM events WHERE id = NEW.id)'),
])}
${before('events_guard_update', 'UPDATE', 'events', [ours(EVENTS)])}
${guardDelete('events', EVENTS)}
${before('writer_guard_insert', 'INSERT', 'writer', [
  refuse('MANDAT_OURS', 'a writer has a name', 'length(NEW.actor) NOT BETWEEN 1 AND 300'),
])}
${idRules.join('\n')}
`;
