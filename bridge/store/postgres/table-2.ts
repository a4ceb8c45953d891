/** The delegation table in PostgreSQL, version 2: what delegation.db has since its version 8; and a version that has moved is told of, whatever moved it. */
import { CHANNEL } from './table-1/common.ts';
import { fn } from './table-1/functions.ts';

export const tables = `
CREATE INDEX intents_at ON intents (at, mailbox_id, delegate_id);
CREATE INDEX events_delegate ON events (delegate, at);
CREATE INDEX events_at ON events (at);
`;

/** Where another look at a mailbox is asked for, no row of other programs changes. */
export const rules = `${fn('counters_told() RETURNS trigger', `BEGIN\nPERFORM pg_notify('${CHANNEL}', '');\nRETURN NULL;\nEND`)}
CREATE OR REPLACE TRIGGER counters_told AFTER UPDATE ON counters FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION counters_told();
`;
