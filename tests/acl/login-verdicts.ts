/** What the triggers of the delegation table say of a login, in every place where one is written. */
import Database from 'better-sqlite3';
import type { Test } from 'tap';
import { delegation1 } from '../../bridge/store/migrations/delegation-1.ts';

export interface LoginVerdict {
  readonly where: string;
  /** Throws when the refusal is for another reason than the login. */
  accepts(login: string): boolean;
}

export function loginVerdicts(t: Test): readonly LoginVerdict[] {
  const database = new Database(':memory:');
  t.teardown(() => database.close());
  database.exec(delegation1);
  database.exec(
    "INSERT INTO mailbox (address) VALUES ('there@example.org'); INSERT INTO delegate (id) VALUES ('there')",
  );
  const places = [
    ["INSERT INTO mailbox (address, login) VALUES ('new@example.org', ?)", 'MANDAT_LOGIN'],
    ["UPDATE mailbox SET login = ? WHERE address = 'there@example.org'", 'MANDAT_LOGIN'],
    ["UPDATE OR IGNORE mailboxes SET login = ? WHERE address = 'there@example.org'", 'MANDAT_LOGIN'],
    ["INSERT INTO delegate (id, login) VALUES ('new', ?)", 'MANDAT_LOGIN'],
    ["UPDATE delegate SET login = ? WHERE id = 'there'", 'MANDAT_LOGIN'],
    ['INSERT INTO delegate (id) VALUES (?)', 'MANDAT_IDENTIFIER'],
  ] as const;
  return places.map(([where, rule]) => {
    const statement = database.prepare(where);
    return {
      where,
      accepts: (login) => {
        database.exec('BEGIN');
        try {
          statement.run(login);
          return true;
        } catch (error) {
          if (error instanceof Error && error.message.startsWith(`${rule}:`)) return false;
          throw error;
        } finally {
          database.exec('ROLLBACK');
        }
      },
    };
  });
}
