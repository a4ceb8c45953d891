/**
 * A store in PostgreSQL that is made from files: two schemas as `mandat init` makes them, under names for which nobody looks, their triggers off while
 * they are filled. In one transaction they get their rules back, and their names.
 */
import type { Client } from 'pg';
import { Failure } from '../shared/failure.ts';
import { type PostgresSettings, postgresClient } from '../store/postgres/connection.ts';
import { explainedPostgres } from '../store/postgres/failures.ts';
import { DRAFT } from '../store/postgres/moved.ts';
import { grantRoles, type RolesReport } from '../store/postgres/roles.ts';
import { SENDER_SCHEMA, STATE_SCHEMA, TABLE_SCHEMA } from '../store/postgres/schema-names.ts';
import { migrateState, stateQuery } from '../store/postgres/state-db.ts';
import { migrateTable } from '../store/postgres/table-schema.ts';
import type { To } from './ends.ts';
import { postgresDestination, tablesThere } from './in-postgres.ts';

/** One copy at a time into a database: "copying" in hexadecimal, cut to eight octets. */
const COPYING = "x'636f7079696e6721'::bigint";

const WHAT = 'the delegation table';

export interface ToPostgres extends To {
  /** Who else gets in, once it is whole. */
  roles(): Promise<RolesReport>;
}

/** Fails `refused` where something else is in its place, or another copy is at work. */
export async function postgresTo(settings: PostgresSettings, now: () => Date): Promise<ToPostgres> {
  const client = await postgresClient(settings, { schemas: ['pg_temp'], durable: false });
  client.on('error', () => {}); // the statement in hand says so
  const explaining = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explainedPostgres(error, settings, WHAT);
    }
  };
  return explaining(async () => {
    await client.connect();
    try {
      await takeCopying(client, settings);
      await placeOf(client, settings);
      const goesOn = await isThere(client, DRAFT.state);
      // Nobody asks it: what it says is made anew from the map of each sidecar, and it has no other name meanwhile.
      if (!goesOn) await client.query(`DROP SCHEMA IF EXISTS ${SENDER_SCHEMA} CASCADE`);
      // The order in which a look tells half of one from none (moved.ts).
      await migrateState(settings, DRAFT.state);
      await migrateTable(settings, DRAFT.table);
      for (const { at } of await tablesThere(client, DRAFT))
        await client.query(`ALTER TABLE ${at} DISABLE TRIGGER USER`);
      const query = stateQuery(settings, DRAFT.state);
      return {
        shown: settings.shown,
        goesOn,
        destination: await postgresDestination(client, DRAFT),
        query,
        prepare: async () => {
          for (const { at } of await tablesThere(client, DRAFT)) await client.query(`ANALYZE ${at}`);
        },
        settle: async () => {
          // A commit that waits for the disk brings all before it there.
          await client.query('SET synchronous_commit = on');
          await client.query(`COMMENT ON SCHEMA ${DRAFT.table} IS 'of mandat: all is there'`);
        },
        install: () => explaining(() => install(client, settings, now())),
        roles: () => grantRoles(settings),
        end: async () => {
          await query.destroy();
          await client.end();
        },
      };
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
  });
}

async function takeCopying(client: Client, { shown }: PostgresSettings): Promise<void> {
  const { rows } = await client.query<{ mine: number }>(`SELECT pg_try_advisory_lock(${COPYING}) AS mine`);
  if (rows[0]?.mine === 1) return;
  throw new Failure('refused', `another copy into ${shown} is at work`, 'there can be one only', {
    rule: 'MANDAT_RUNNING',
  });
}

const isThere = async (client: Client, schema: string): Promise<boolean> =>
  (await client.query<{ there: number }>('SELECT to_regnamespace($1) IS NOT NULL AS there', [schema])).rows[0]
    ?.there === 1;

type Place = 'none' | 'empty' | 'moved';

/** What has moved away before gives up its place, and what nobody has ever written to; nothing else. */
async function placeOf(client: Client, { shown }: PostgresSettings): Promise<Place> {
  const there = [await isThere(client, TABLE_SCHEMA), await isThere(client, STATE_SCHEMA)];
  if (!there.includes(true)) return 'none';
  const ours = await client.query<{ moved: number; made: number }>(
    `SELECT to_regclass('${TABLE_SCHEMA}.moved') IS NOT NULL AS moved, to_regclass('${TABLE_SCHEMA}.schema_version') IS NOT NULL AND to_regclass('${STATE_SCHEMA}.schema_version') IS NOT NULL AS made`,
  );
  if (ours.rows[0]?.moved === 1) return 'moved';
  if (ours.rows[0]?.made === 1) {
    const written = ['mailboxes', 'delegates', 'domains', 'events'].map((name) => `${TABLE_SCHEMA}.${name}`);
    const own = ['audit', 'ledger', 'outcomes', 'submission_events', 'copies'].map((name) => `${STATE_SCHEMA}.${name}`);
    const empty = await client.query<{ empty: number }>(
      `SELECT ${[...written, ...own].map((name) => `NOT EXISTS (SELECT 1 FROM ${name})`).join(' AND ')} AS empty`,
    );
    if (empty.rows[0]?.empty === 1) return 'empty';
  }
  throw new Failure(
    'refused',
    `${shown} has a schema ${there[0] ? TABLE_SCHEMA : STATE_SCHEMA} already, with something in it`,
    'nothing was changed. Name another database, or drop what is there if it is no longer needed',
    { rule: 'MANDAT_IN_PLACE' },
  );
}

async function install(client: Client, settings: PostgresSettings, now: Date): Promise<string | undefined> {
  await client.query('BEGIN');
  try {
    const place = await placeOf(client, settings);
    const stamp = now.toISOString().replaceAll(/\D/g, '').slice(0, 14);
    const aside = [TABLE_SCHEMA, STATE_SCHEMA].map((schema) => [schema, `${schema}_before_${stamp}`] as const);
    if (place === 'moved')
      for (const [schema, name] of aside) await client.query(`ALTER SCHEMA ${schema} RENAME TO ${name}`);
    if (place === 'empty') await client.query(`DROP SCHEMA ${TABLE_SCHEMA}, ${STATE_SCHEMA} CASCADE`);
    for (const { at } of await tablesThere(client, DRAFT)) await client.query(`ALTER TABLE ${at} ENABLE TRIGGER USER`);
    await client.query(`COMMENT ON SCHEMA ${DRAFT.table} IS NULL`);
    await client.query(`ALTER SCHEMA ${DRAFT.table} RENAME TO ${TABLE_SCHEMA}`);
    await client.query(`ALTER SCHEMA ${DRAFT.state} RENAME TO ${STATE_SCHEMA}`);
    // Functions name the schema that they stand in.
    const { rows } = await client.query<{ made: string }>(
      `SELECT pg_get_functiondef(oid) AS made FROM pg_proc WHERE pronamespace = '${STATE_SCHEMA}'::regnamespace AND strpos(prosrc, $1) > 0`,
      [DRAFT.state],
    );
    for (const { made } of rows) await client.query(made.replaceAll(DRAFT.state, STATE_SCHEMA));
    await client.query('COMMIT');
    return place === 'moved' ? `schemas ${aside.map(([, name]) => name).join(' and ')}` : undefined;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
