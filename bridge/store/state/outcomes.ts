/**
 * What became of each mailbox, for status and for whoever waits for a change: up to which version of the table it is in
 * force and verified, the last failure with its hint, when it is tried again. Each server's sidecar notes its own: one mailbox may be leaving
 * one server while it comes to another.
 */

import type { Selectable } from 'kysely';
import type { Instant } from '../../../acl/delegation-facts.ts';
import type { Failure, FailureCode } from '../../shared/failure.ts';
import { PORTION_ROWS, portions } from '../../shared/portions.ts';
import { keptQuery } from '../kept-queries.ts';
import type { ServerFacts } from './facts.ts';
import type { StateDatabase, StateDb } from './state-db.ts';

/** Something an administrator should know although the pass went well. */
export interface Notice {
  readonly code:
    | 'blocked-by-foreign-entry'
    | 'let-in-by-foreign-entry' // after a revoke
    | 'no-session-cutting'
    | 'cut-not-proven'
    | 'held'
    | 'out-of-reach'
    | 'drift-reported' // [reconcile] on_drift = "report"
    | 'repaired-too-often'
    | 'no-server-account'
    | 'tied-rights' // the server gives them only together with what is withheld
    | 'carried-off' // a folder has left the mailbox
    | 'inheritance-unknown'; // of a dry run
  readonly login: string;
  readonly message: string;
}

export interface Outcome {
  readonly mailboxId: number;
  readonly address: string;
  readonly inForceVersion: number;
  readonly inForceAt: Instant | null;
  readonly verifiedVersion: number;
  readonly verifiedAt: Instant | null;
  readonly failure:
    | {
        readonly code: FailureCode;
        readonly message: string;
        readonly hint: string;
        readonly version: number;
        readonly attempts: number;
        readonly at: Instant;
        readonly retryAt: Instant | null;
      }
    | undefined;
  readonly notices: readonly Notice[];
}

interface Subject {
  readonly mailboxId: number;
  readonly address: string;
  readonly version: number;
}

/** The first phase is done: what decides stands as the table says. That it still does is no news, and nothing is written. */
export async function recordInForce(db: ServerFacts, subject: Subject, now: Instant): Promise<void> {
  const { mailboxId, address, version } = subject;
  const values = { address, in_force_version: version, in_force_at: now };
  await db.query
    .insertInto('outcomes')
    .values({ server: db.server, mailbox_id: mailboxId, ...values })
    .onConflict((conflict) =>
      conflict
        .columns(['server', 'mailbox_id'])
        .doUpdateSet(values)
        .where(({ or, eb }) =>
          or([eb('outcomes.in_force_version', '<>', version), eb('outcomes.address', '<>', address)]),
        ),
    )
    .execute();
}

/** Whether that is what stands there already. */
export async function isInForce(db: ServerFacts, { mailboxId, address, version }: Subject): Promise<boolean> {
  const [row] = await inForce(db.query, { server: db.server, mailboxId });
  return row?.in_force_version === version && row.address === address;
}

const inForce = keptQuery((query: StateDb['query'], { server, mailboxId }: { server: string; mailboxId: number }) =>
  query
    .selectFrom('outcomes')
    .select(['in_force_version', 'address'])
    .where('server', '=', server)
    .where('mailbox_id', '=', mailboxId),
);

/** The whole tree stands as the table says, seen as the delegates see it. Ends a row of failures. */
export async function recordVerified(
  db: ServerFacts,
  subject: Subject,
  notices: readonly Notice[],
  now: Instant,
): Promise<void> {
  const { mailboxId, address, version } = subject;
  await verified(db.query, { server: db.server, mailboxId, address, version, now, notices: JSON.stringify(notices) });
}

interface Verified {
  readonly [name: string]: string | number;
  readonly server: string;
  readonly mailboxId: number;
  readonly address: string;
  readonly version: number;
  readonly notices: string;
  readonly now: Instant;
}

const verified = keptQuery(
  (query: StateDb['query'], { server, mailboxId, address, version, notices, now }: Verified) => {
    const values = {
      address,
      verified_version: version,
      verified_at: now,
      notices,
      code: null,
      message: null,
      hint: null,
      attempts: 0,
      failed_at: null,
      retry_at: null,
    };
    return query
      .insertInto('outcomes')
      .values({ server, mailbox_id: mailboxId, ...values })
      .onConflict((conflict) => conflict.columns(['server', 'mailbox_id']).doUpdateSet(values));
  },
);

export async function recordFailure(
  db: StateDb,
  subject: Subject,
  failure: Failure,
  retry: { readonly attempts: number; readonly at: Instant | null },
  now: Instant,
): Promise<void> {
  await upsert(db, subject, {
    code: failure.code,
    message: failure.message,
    hint: failure.hint,
    failed_version: subject.version,
    attempts: retry.attempts,
    failed_at: now,
    retry_at: retry.at,
  });
}

/** What this server's sidecar has made of it; that of another `server`, where one is named. */
export async function outcomeOf(db: StateDb, mailboxId: number, server = db.server): Promise<Outcome | undefined> {
  const row = await db.query
    .selectFrom('outcomes')
    .selectAll()
    .where('server', '=', server)
    .where('mailbox_id', '=', mailboxId)
    .executeTakeFirst();
  return row === undefined ? undefined : shaped(row);
}

/** Of these mailboxes, as far as anything is known of them; in portions. */
export async function outcomesOf(
  db: StateDb,
  mailboxIds: readonly number[],
  server = db.server,
): Promise<readonly Outcome[]> {
  const found: Outcome[] = [];
  for (const some of portions(mailboxIds, PORTION_ROWS)) {
    const rows = await db.query
      .selectFrom('outcomes')
      .selectAll()
      .where('server', '=', server)
      .where('mailbox_id', 'in', some)
      .execute();
    found.push(...rows.map(shaped));
  }
  return found;
}

export async function listOutcomes(db: StateDb): Promise<readonly Outcome[]> {
  const rows = await db.query
    .selectFrom('outcomes')
    .selectAll()
    .where('server', '=', db.server)
    .orderBy('address')
    .execute();
  return rows.map(shaped);
}

/** A mailbox that has left the table and the ledger needs no outcome; its version is kept for whoever waits. */
async function upsert(
  db: ServerFacts,
  subject: Subject,
  values: Partial<Omit<Selectable<StateDatabase['outcomes']>, 'server' | 'mailbox_id' | 'address'>>,
): Promise<void> {
  const { mailboxId: mailbox_id, address } = subject;
  await db.query
    .insertInto('outcomes')
    .values({ server: db.server, mailbox_id, address, ...values })
    .onConflict((conflict) => conflict.columns(['server', 'mailbox_id']).doUpdateSet({ address, ...values }))
    .execute();
}

export function shaped(row: Selectable<StateDatabase['outcomes']>): Outcome {
  return {
    mailboxId: row.mailbox_id,
    address: row.address,
    inForceVersion: row.in_force_version,
    inForceAt: row.in_force_at,
    verifiedVersion: row.verified_version,
    verifiedAt: row.verified_at,
    failure:
      row.code === null
        ? undefined
        : {
            code: row.code as FailureCode,
            message: row.message ?? '',
            hint: row.hint ?? '',
            version: row.failed_version,
            attempts: row.attempts,
            at: row.failed_at ?? '',
            retryAt: row.retry_at,
          },
    notices: JSON.parse(row.notices) as Notice[],
  };
}
