/**
 * The published sender rules in a site's PostgreSQL, as one mail server writes its own and every Postfix reads them all (sender-rules-schema.ts).
 * Written through what is mandat's own, so that whoever may no longer write there doesn't write here either.
 */
import { type RawBuilder, sql } from 'kysely';
import { hasRule, type SenderRule } from '../../../acl/desired.ts';
import { Failure } from '../../shared/failure.ts';
import type { StateDb } from '../state/state-db.ts';
import { SENDER_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';

export interface MailboxRules {
  readonly mailboxId: number;
  readonly rules: readonly SenderRule[];
}

export interface SharedRules {
  /** Of which map this server's rules are a copy (Copied.id); undefined where it has none there. */
  copyOf(): Promise<string | undefined>;
  setCopyOf(map: string): Promise<void>;
  /**
   * Makes the rules of these mailboxes exactly these, in one transaction, and has seen it when it resolves. What another server has left of a
   * mailbox that the table gives to this one goes too.
   */
  make(mailboxes: readonly MailboxRules[]): Promise<void>;
  /** Mailboxes that have rules of this server's: so many at most, above that id, in ascending order. */
  mailboxIds(after: number, most: number): Promise<readonly number[]>;
  /** This server's rules of those. */
  of(mailboxIds: readonly number[]): Promise<readonly MailboxRules[]>;
  /** All of this server's, and that it has any. */
  withdraw(): Promise<void>;
}

export const SENDER_VIEW = `${SENDER_SCHEMA}.sender_login`;

const RULES = sql.raw(`${SENDER_SCHEMA}.rules`);
const PUBLISHED = sql.raw(`${SENDER_SCHEMA}.published`);

export function sharedRules({ query, write }: Pick<StateDb, 'query' | 'write'>, server: string): SharedRules {
  const of = async (mailboxIds: readonly number[]): Promise<readonly MailboxRules[]> => {
    const { rows } = await sql<
      SenderRule & { readonly mailboxId: number }
    >`SELECT address, login, mailbox_id AS "mailboxId" FROM ${RULES}
      WHERE mailbox_id = ANY(${[...mailboxIds]}::bigint[]) AND server = ${server} ORDER BY address, login`.execute(
      query,
    );
    return mailboxIds.map((mailboxId) => ({
      mailboxId,
      rules: rows.filter((row) => row.mailboxId === mailboxId).map(({ address, login }) => ({ address, login })),
    }));
  };
  return {
    of,
    copyOf: async () => {
      const { rows } = await sql<{
        readonly map: string;
      }>`SELECT map FROM ${PUBLISHED} WHERE server = ${server}`.execute(query);
      return rows[0]?.map;
    },
    setCopyOf: (map) =>
      write(async (within) => {
        await sql`INSERT INTO ${PUBLISHED} (server, map) VALUES (${server}, ${map})
          ON CONFLICT (server) DO UPDATE SET map = excluded.map`.execute(within);
      }),
    make: async (mailboxes) => {
      const ids = mailboxes.map(({ mailboxId }) => mailboxId);
      const wanted = wantedOf(mailboxes);
      await write(async (within) => {
        await sql`DELETE FROM ${RULES} AS r WHERE r.mailbox_id = ANY(${ids}::bigint[])
          AND NOT EXISTS (SELECT 1 FROM ${wanted} WHERE w.address = r.address AND w.login = r.login AND w.mailbox_id = r.mailbox_id)
          AND (r.server = ${server} OR ${server} = (SELECT m.server FROM ${sql.raw(TABLE_SCHEMA)}.mailboxes AS m WHERE m.id = r.mailbox_id))`.execute(
          within,
        );
        await sql`INSERT INTO ${RULES} AS r (address, login, mailbox_id, server) SELECT w.address, w.login, w.mailbox_id, ${server} FROM ${wanted}
          ON CONFLICT (address, login) DO UPDATE SET mailbox_id = excluded.mailbox_id, server = excluded.server
          WHERE r.mailbox_id <> excluded.mailbox_id OR r.server <> excluded.server`.execute(within);
      });
      for (const [at, { rules }] of (await of(ids)).entries()) {
        const meant = mailboxes[at]?.rules ?? [];
        if (rules.length !== meant.length || !meant.every((rule) => hasRule(rules, rule))) throw changedMeanwhile();
      }
    },
    mailboxIds: async (after, most) => {
      const { rows } = await sql<{ readonly id: number }>`SELECT DISTINCT mailbox_id AS id FROM ${RULES}
        WHERE server = ${server} AND mailbox_id > ${after} ORDER BY mailbox_id LIMIT ${most}`.execute(query);
      return rows.map(({ id }) => id);
    },
    withdraw: () =>
      write(async (within) => {
        await sql`DELETE FROM ${RULES} WHERE server = ${server}`.execute(within);
        await sql`DELETE FROM ${PUBLISHED} WHERE server = ${server}`.execute(within);
      }),
  };
}

/** The rules as rows, called `w`. */
function wantedOf(mailboxes: readonly MailboxRules[]): RawBuilder<unknown> {
  const rows = mailboxes.flatMap(({ mailboxId, rules }) => rules.map((rule) => ({ ...rule, mailboxId })));
  const column = (of: (row: (typeof rows)[number]) => string | number) => rows.map(of);
  return sql`unnest(${column(({ address }) => address)}::text[], ${column(({ login }) => login)}::text[],
    ${column(({ mailboxId }) => mailboxId)}::bigint[]) AS w (address, login, mailbox_id)`;
}

const changedMeanwhile = () =>
  new Failure(
    'retry',
    'what stands there is not what was written just now',
    'another program or server writes the same rules: look who does, then try again',
  );
