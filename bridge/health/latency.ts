/** When the change was committed that a pass has brought to the servers. */
import { sql } from 'kysely';
import type { Instant } from '../../acl/delegation-facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';

/** Events that name their mailbox, and those that name a delegate only. */
const OF_A_MAILBOX = [
  'mailbox-add',
  'mailbox-set',
  'mailbox-move',
  'mailbox-remove',
  'alias-add',
  'alias-remove',
  'grant',
  'change',
  'revoke',
];
const OF_A_DELEGATE = ['delegate-set', 'terms-accepted'];

/** In portions of its own: whoever asks for many gives way between them. */
export interface Changed {
  readonly mailboxId: number;
  readonly address: string;
  /** What was committed later is looked for; undefined: from the beginning on. */
  readonly after: Instant | null;
}

/** The first event, sealed or not, that changed this mailbox or one of its delegates; undefined where none tells, as of a change by time alone. */
export async function committedAt(
  table: Pick<DelegationDb, 'query'>,
  state: Pick<StateDb, 'query'>,
  { mailboxId, address, after }: Changed,
): Promise<Instant | undefined> {
  const from = after ?? '';
  // The events first: they are sealed before they are taken away.
  const named = await firstOf([
    sql<Row>`SELECT at FROM events WHERE mailbox = ${address} AND at > ${from} AND action IN (${sql.join(OF_A_MAILBOX)}) ORDER BY at LIMIT 1`.execute(
      table.query,
    ),
    sql<Row>`SELECT at FROM audit WHERE mailbox = ${address} AND at > ${from} AND action IN (${sql.join(OF_A_MAILBOX)}) ORDER BY at LIMIT 1`.execute(
      state.query,
    ),
  ]);
  if (named !== undefined || after === null) return named; // what was before the mailbox was ever looked at says nothing of it
  const { rows } = await sql<{ readonly identifier: string }>`SELECT d.identifier FROM delegations AS g
    JOIN delegates AS d ON d.id = g.delegate_id WHERE g.mailbox_id = ${mailboxId} LIMIT ${MOST_DELEGATES}`.execute(
    table.query,
  );
  if (rows.length === 0) return undefined;
  const who = sql.join(rows.map(({ identifier }) => identifier));
  return firstOf([
    sql<Row>`SELECT min(at) AS at FROM events WHERE mailbox IS NULL AND at > ${from} AND delegate IN (${who})
      AND action IN (${sql.join(OF_A_DELEGATE)})`.execute(table.query),
    sql<Row>`SELECT min(at) AS at FROM audit WHERE delegate IN (${who}) AND at > ${from} AND mailbox IS NULL
      AND action IN (${sql.join(OF_A_DELEGATE)})`.execute(state.query),
  ]);
}

const MOST_DELEGATES = 100;

interface Row {
  readonly at: Instant | null;
}

async function firstOf(asked: readonly Promise<{ readonly rows: readonly Row[] }>[]): Promise<Instant | undefined> {
  const found = (await Promise.all(asked)).flatMap(({ rows }) => rows.flatMap(({ at }) => at ?? []));
  return found.sort()[0];
}
