/** A small site, and one question a test asks of it: does the shell accept this statement, and if not, which rule refuses? */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import tap, { type Test } from 'tap';
import { freshFiles } from './fresh.ts';
import { asMandat, prepare, row, rows, sqlite3 } from './shell.ts';

/**
 * alice may be delegated; erin isn't eligible; the organisation, the application and the practice aren't personal.
 * bob, carol, and d1 to d12 are delegates; alice is known as delegate rpps-alice under another login.
 */
export const WORLD = `
INSERT INTO mailbox (address, login, owner) VALUES ('alice@example.org', 'alice', 'rpps-alice');
INSERT INTO mailbox (address, eligible) VALUES ('erin@example.org', 0);
INSERT INTO mailbox (address, kind) VALUES ('org@example.org', 'ORG'), ('app@example.org', 'APP'), ('cab@example.org', 'CAB');
INSERT INTO mailbox (address) VALUES ('other@example.org');
INSERT INTO delegate (id, login) VALUES ('bob', 'bob@example.net'), ('carol', 'carol@example.net'), ('rpps-alice', 'alice@work');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12) INSERT INTO delegate (id) SELECT 'd' || i FROM n;
`;

let template: string | undefined;

/** The file of a fresh delegation table with {@link WORLD} in it, and nothing pending or noted yet. */
export function freshWorld(t: Test, more = ''): string {
  if (template === undefined) {
    const { delegations } = freshFiles(tap);
    prepare(delegations, `${WORLD} DELETE FROM pending; ${asMandat('DELETE FROM events')};`);
    template = delegations;
  }
  const file = join(t.testdir({}), 'delegation.db');
  copyFileSync(template, file); // whole: nobody has it open
  if (more !== '') prepare(file, `${more}; DELETE FROM pending; ${asMandat('DELETE FROM events')};`);
  return file;
}

/** statement, the rule that refuses it or undefined, why. */
export type Row = readonly [string, string | undefined, string];

/** The same with other statements first. */
export type RowAfter = readonly [string, string, string | undefined, string];

/** Everything that must be as before when a statement is refused. */
const EVERYTHING = `SELECT * FROM mailboxes; SELECT * FROM aliases; SELECT * FROM delegates; SELECT * FROM delegations;
  SELECT * FROM pending; SELECT * FROM counters; SELECT count(*) FROM events;`;

/** Runs each statement on a world of its own; a refusal must leave everything as it was, with the rule and a status that says so. */
export async function decide(t: Test, table: readonly (Row | RowAfter)[]): Promise<void> {
  for (const [index, given] of table.entries()) {
    const [first, statement, rule, why] = given.length === 3 ? ['', ...given] : given;
    await t.test(`${index + 1}`, async (t) => {
      const file = freshWorld(t, first);
      const before = rows(file, EVERYTHING);
      const said = sqlite3(file, statement);
      t.equal(said.rule, rule, `${statement}: ${why}`);
      if (rule === undefined) {
        t.equal(said.status, 0, said.stderr);
        t.equal(row(file, 'PRAGMA integrity_check'), 'ok');
      } else {
        t.not(said.status, 0, 'the exit status says so');
        t.same(rows(file, EVERYTHING), before, 'and nothing has changed');
      }
    });
  }
}
