/**
 * What was sent for somebody else, and what became of each copy, in a site's PostgreSQL: what submission.db is elsewhere. Several filters write at
 * the same time: each note takes its turn among them, and waits for nobody else, so that events are seen in the order of their ids. Whoever has
 * sealed them up to one of them takes away exactly those.
 */
import {
  type ColumnType,
  type Generated,
  HandleEmptyInListsPlugin,
  Kysely,
  replaceWithNoncontingentExpression,
  sql,
} from 'kysely';
import type { FailureCode } from '../../shared/failure.ts';
import { SUBMISSIONS } from '../databases.ts';
import type { OpenOptions } from '../files/open.ts';
import type { LookedFor, Note, SubmissionStore } from '../submissions/submission-db.ts';
import { ENTRY } from '../trail/sealing.ts';
import type { PostgresSettings } from './connection.ts';
import { explainingDialect } from './explaining-dialect.ts';
import { explainedPostgres } from './failures.ts';
import { refuseMovedStore } from './moved.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';
import { type Turn, written } from './transactions.ts';

type Text = ColumnType<string | null, string | null | undefined, string | null>;

interface SubmissionDatabase {
  submission_epoch: { epoch: string };
  submission_events: Readonly<Record<'at' | 'actor' | 'action', string>> &
    Readonly<Record<'reason' | 'mailbox' | 'delegate' | 'detail' | 'on_behalf' | 'via', string | null>> & {
      id: Generated<number>;
    };
  copies: Record<'nonce' | 'mailbox' | 'sent_at', string> &
    Record<'tried_at' | 'message' | 'hint' | 'content' | 'exact' | 'look' | 'look_at', Text> & {
      state: 'waiting' | 'stored' | 'failed';
      code: ColumnType<FailureCode | null, FailureCode | null | undefined, FailureCode | null>;
      attempts: Generated<number>;
      looks: Generated<number>;
    };
}

type Query = Kysely<SubmissionDatabase>;

/** Opens what migrateState has made. */
export async function openPostgresSubmissions(
  settings: PostgresSettings,
  options: OpenOptions = {},
): Promise<SubmissionStore> {
  const query: Query = new Kysely<SubmissionDatabase>({
    dialect: explainingDialect(settings, SUBMISSIONS.what, { schemas: [STATE_SCHEMA], ...options }),
    plugins: [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })],
  });
  let epoch: string;
  try {
    await refuseMovedStore(query, settings, SUBMISSIONS.what);
    ({ epoch } = await query.selectFrom('submission_epoch').select('epoch').executeTakeFirstOrThrow());
  } catch (error) {
    await query.destroy();
    throw error;
  }
  const copies = () => query.selectFrom('copies');
  let asked = 0;
  return {
    file: `${settings.shown} (schema ${STATE_SCHEMA})`,
    epoch,
    dataVersion: () => ++asked, // nobody tells of others' commits
    note: async (notes) => {
      try {
        await written(query, { settings, what: SUBMISSIONS.what, turn }, async (transaction) => {
          for (const note of notes) await noteOne(transaction, note);
        });
      } catch (error) {
        throw explainedPostgres(error, settings, SUBMISSIONS.what);
      }
    },
    events: (most) =>
      query
        .selectFrom('submission_events')
        .select(['id', ...ENTRY])
        .orderBy('id')
        .$if(most !== undefined, (select) => select.limit(most ?? 0))
        .execute(),
    lastEvents: async ({ mailbox, delegate, since, limit }) => {
      let select = query.selectFrom('submission_events').select(['id', ...ENTRY]);
      if (mailbox !== undefined) select = select.where('mailbox', '=', mailbox);
      if (delegate !== undefined) select = select.where('delegate', '=', delegate);
      if (since !== undefined) select = select.where('at', '>=', since);
      return [...(await select.orderBy('id', 'desc').limit(limit).execute())].reverse();
    },
    forget: async (lastEvent) => {
      await query.deleteFrom('submission_events').where('id', '<=', lastEvent).execute();
    },
    forgetCopies: async (before, most) => {
      // All three states, because the index begins with the state.
      const old = copies().select('nonce').where('state', 'in', STATES).where('sent_at', '<', before).limit(most);
      const gone = await query.deleteFrom('copies').where('nonce', 'in', old).executeTakeFirst();
      return Number(gone.numDeletedRows);
    },
    isStored: async (nonce) =>
      (await copies().select('nonce').where('nonce', '=', nonce).where('state', '=', 'stored').executeTakeFirst()) !==
      undefined,
    submitted: async (nonce) =>
      (await copies().select('content').where('nonce', '=', nonce).executeTakeFirst())?.content ?? null,
    isCopy: async (exact) =>
      (await copies().select('nonce').where('exact', '=', exact).limit(1).executeTakeFirst()) !== undefined,
    due: async (now, most, until, servers) => {
      const elsewhere = sql<boolean>`EXISTS (SELECT FROM ${sql.raw(TABLE_SCHEMA)}.mailboxes AS m WHERE m.address = copies.mailbox AND m.server <> ALL(${servers}))`;
      const some = copies()
        .where('look_at', '<=', now)
        .$if(servers !== undefined, (select) => select.where(({ not }) => not(elsewhere)))
        .orderBy('look_at')
        .limit(most);
      const columns = ['nonce', 'mailbox', 'sent_at as sentAt', 'content as submitted', 'looks', 'look'] as const;
      // Several filters ask: what one has just taken is passed over by the next, and waits for nobody.
      const rows =
        until === undefined
          ? await some.select(columns).execute()
          : await query
              .updateTable('copies')
              .set({ look_at: until })
              .where('nonce', 'in', some.select('nonce').forUpdate().skipLocked())
              .returning(columns)
              .execute();
      return rows.map(({ look, ...row }) => ({ ...row, ...(JSON.parse(look ?? '{}') as LookedFor) }));
    },
    missing: () =>
      copies()
        .select(['nonce', 'mailbox', 'sent_at as sentAt', 'attempts', 'tried_at as triedAt', 'code', 'message', 'hint'])
        .select(sql<'waiting' | 'failed'>`state`.as('state'))
        .where('state', '<>', 'stored')
        .orderBy('sent_at')
        .execute(),
    countMissing: async (expected, most) => {
      const of = (state: 'waiting' | 'failed') => copies().select('nonce').where('state', '=', state).limit(most);
      const waiting = await of('waiting')
        .where(({ or, eb }) => or([eb('code', 'is not', null), eb('sent_at', '<', expected)]))
        .execute();
      return { waiting: waiting.length, failed: (await of('failed').execute()).length };
    },
    close: () => void query.destroy(),
  };
}

const STATES = ['waiting', 'stored', 'failed'] as const;

/** Ours, in this database: "submit" in hexadecimal. */
const NOTING = 0x7375626d6974;

const turn: Turn = (mark) => sql`SELECT ${mark}, pg_advisory_xact_lock(${NOTING})`;

async function noteOne(query: Query, note: Note): Promise<void> {
  if (note.kind === 'event') {
    const { at, actor, reason, action, mailbox, delegate, detail, on_behalf, via } = note.entry;
    const entry = { at, actor, reason, action, mailbox, delegate, detail, on_behalf, via };
    await query.insertInto('submission_events').values(entry).execute();
    return;
  }
  if (note.kind === 'copy-looked') {
    const { nonce, next, failed } = note;
    await query
      .updateTable('copies')
      .set(({ eb }) => ({
        looks: eb('looks', '+', failed === true ? 0 : 1),
        look_at: next,
        // After the last look nothing is kept but what tells our own copies from others.
        ...(next === null ? { look: null, content: null } : {}),
      }))
      .where('nonce', '=', nonce)
      .execute();
    return;
  }
  const { nonce, mailbox, sentAt } = note.copy;
  await query
    .insertInto('copies')
    .values({ nonce, mailbox, sent_at: sentAt, state: 'waiting' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const copy = query.updateTable('copies').where('nonce', '=', nonce);
  const tried = copy.where('state', '<>', 'stored').set(({ eb }) => ({ attempts: eb('attempts', '+', 1) }));
  if (note.kind === 'copy-sent' && note.content !== undefined) await copy.set({ content: note.content }).execute();
  if (note.kind === 'copy-stored') {
    await tried.set({ state: 'stored', tried_at: note.at, code: null, message: null, hint: null }).execute();
    const { look } = note;
    if (look === undefined) return;
    await copy
      .where('state', '=', 'stored')
      .set({ exact: look.for.print.exact, look: JSON.stringify(look.for), look_at: look.at })
      .execute();
  }
  if (note.kind === 'copy-failed') {
    const { code, message, hint } = note.failure;
    const state = note.forGood ? 'failed' : 'waiting';
    await tried.set({ state, tried_at: note.at, code, message, hint }).execute();
  }
}
