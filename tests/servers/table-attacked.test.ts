/** What a program that may write the table can do to its rules, tried on the running product. */
import Database from 'better-sqlite3';
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { asMandat } from '../store/shell.ts';
import { grantRow } from './rows.ts';
import { at, startSite } from './site.ts';
import { entriesOf, granted, seen } from './wire.ts';

const names = Array.from({ length: 14 }, (_, n) => `d${n}`);
const REINSERT = `CREATE TRIGGER mine AFTER DELETE ON delegations BEGIN
  INSERT INTO delegations (mailbox_id, delegate_id, created_at, created_by, suspended) VALUES (OLD.mailbox_id, OLD.delegate_id, OLD.created_at, 'mine', 0); END`;
const ENDLESS = `ALTER TABLE mailboxes RENAME TO kept; CREATE VIEW mailboxes AS
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, i AS address, i AS login FROM n`;

t.test('rules changed under a running sidecar', async (t) => {
  const site = await startSite({ users: ['alice', 'bob', 'carol', ...names], postfix: false });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob', 'carol', ...names);
  const sidecar = await site.run();
  const said = (text: RegExp) => sidecar.log().some(({ msg }) => text.test(String(msg)));
  t.equal((await site.mandat('grant', at('alice'), at('bob'))).status, 0);
  const holders = async () => {
    const { access: rows } = JSON.parse((await site.mandat('--json', 'who', at('alice'))).stdout) as {
      access: readonly { readonly access: unknown }[];
    };
    return {
      senders: rows.filter(({ access }) => access !== null).length,
      withheld: rows.filter(({ access }) => access === null).length,
    };
  };

  await t.test('a trigger that puts back what is deleted', async (t) => {
    await site.sql(REINSERT);
    const revoked = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
    t.match(revoked, { status: 3, stderr: /undoes this at once.*MANDAT_UNDONE[\s\S]*--repair-rules/ });
    t.notMatch(revoked.stdout, /verified/);
    await waitFor('the sidecar says so', 10_000, () => said(/rules of the delegation table.*trigger mine is not ours/));
    t.match(await site.mandat('status'), { status: 1, stdout: /trigger mine is not ours/ });
    t.match((await site.mandat('doctor')).stdout, /trigger mine is not ours/);
    t.match(await site.mandat('init'), { status: 1, stderr: /trigger mine is not ours[\s\S]*--repair-rules/ });

    await grantRow(site, 'alice', 'carol');
    await site.settled();
    t.same(await entriesOf(site, 'alice', 'carol'), {}, 'such a table gives nothing');
    const foretold = await site.mandat('sync', '--dry-run');
    t.match(foretold, { status: 0, stdout: 'nothing to do' }, 'nor does a dry run foretell that it would');
    t.strictSame(await seen(site, 'alice', 'bob'), granted(), 'and what stands, stays');

    t.match(await site.mandat('init', '--repair-rules'), { status: 0, stdout: /put back: trigger mine/ });
    t.match(await site.mandat('revoke', at('alice'), at('bob'), '--yes'), { status: 0, stdout: /verified/ });
    t.same(await entriesOf(site, 'alice', 'bob'), {});
    await waitFor('carol is in force', 10_000, async () => 'INBOX' in (await entriesOf(site, 'alice', 'carol')));
    t.match((await site.mandat('audit')).stdout, /rules-changed[\s\S]*rules-repaired/);
  });

  await t.test('a program that puts it back a moment later', async (t) => {
    const other = new Database(site.table, { timeout: 20_000 });
    const again = other.prepare(
      "INSERT INTO delegation (mailbox, delegate, created_by) SELECT ?, ?, 'mine' WHERE NOT EXISTS (SELECT 1 FROM delegation WHERE delegate = ?)",
    );
    const back = setInterval(() => again.run(at('alice'), at('carol'), at('carol')), 5);
    const revoked = await site.mandat('revoke', at('alice'), at('carol'), '--yes');
    clearInterval(back);
    other.close();
    t.match(revoked, { status: 1, stderr: /in the table again.*put back/ });
    t.notMatch(revoked.stdout, /verified/);
  });

  await t.test(
    'a limit that is raised in the table, a version that nothing follows, an event without JSON',
    async (t) => {
      await site.sql("DELETE FROM delegation WHERE mailbox LIKE 'alice%'");
      await site.settled();
      await site.sql(
        asMandat(`UPDATE settings SET value = '20' WHERE name = 'max_delegates';
      INSERT INTO delegation (mailbox, delegate) VALUES ${names.map((name) => `('${at('alice')}', '${at(name)}')`).join(', ')}`),
      );
      await site.settled();
      const { senders, withheld } = await holders();
      t.same([senders, withheld], [10, 4], 'ten of fourteen are in force');
      t.match((await site.mandat('explain', at('alice'), at('d13'))).stdout, /more delegates than are allowed/);
      await waitFor('the limit is put back', 10_000, () => said(/have been put right/));

      await site.sql(asMandat('UPDATE counters SET version = 9223372036854775807'));
      t.match(await site.mandat('revoke', at('alice'), at('d0'), '--yes'), { status: 0, stdout: /verified/ });
      t.same(await entriesOf(site, 'alice', 'd0'), {});
      await waitFor(
        'whoever was beyond the limit takes the place',
        10_000,
        async () => (await holders()).senders === 10,
      );

      await site.sql(`DROP TRIGGER events_guard_insert; INSERT INTO events (at, actor, action, mailbox, delegate, detail)
      VALUES ('2026-11-23T08:00:00.000Z', 'admin:root', 'grant', '${at('alice')}', '${at('carol')}', 'no JSON {')`);
      t.equal((await site.mandat('init', '--repair-rules')).status, 0);
      await waitFor(
        'it is taken over',
        10_000,
        async () => (await site.sql('SELECT count(*) FROM events')).trim() === '0',
      );
      t.match(await site.mandat('audit'), { status: 0, stdout: /no JSON/ });
      t.equal((await site.mandat('history', at('alice'))).status, 0);
    },
  );

  await t.test('a base table that has become a view without end', async (t) => {
    await site.sql(`BEGIN; ${ENDLESS}; COMMIT`);
    await waitFor('the sidecar refuses to read it', 10_000, () => said(/nothing was read.*mailboxes/));
    t.match(await site.mandat('status'), { status: 2, stderr: /view mailboxes is altered/ });
    t.match(await site.mandat('list'), { status: 2, stderr: /view mailboxes is altered/ });
    t.equal(await sidecar.end(), 0, 'and it ends when it is asked to');
    t.match(await site.mandat('sync'), { status: 2, stderr: /view mailboxes is altered/ });
    await site.sql('BEGIN; DROP VIEW mailboxes; ALTER TABLE kept RENAME TO mailboxes; COMMIT');
    t.match(await site.mandat('init', '--repair-rules'), { status: 0 });
    t.match(await site.mandat('sync'), { status: 0 });
  });
});
