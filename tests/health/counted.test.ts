/** What is counted in the databases: right, and in portions, so that nothing else waits for a large table. */
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { type Counted, countAll } from '../../bridge/health/counted.ts';
import type { Sight } from '../../bridge/health/sight.ts';
import { setPaused } from '../../bridge/safeguards/pause.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openStateDb } from '../../bridge/store/state/state-db.ts';
import { openDelegationDb } from '../../bridge/store/table/delegation-db.ts';
import { loadConfig } from '../../config/load.ts';
import { desk } from '../cli/desk.ts';

const NOW = new Date().toISOString();
const DAY_MS = 86_400_000;
const inDays = (days: number) => new Date(Date.parse(NOW) + days * DAY_MS).toISOString();

async function site(t: Test) {
  const here = await desk(t);
  const config = loadConfig({ path: here.configFile, env: {}, cwd: '/' });
  const files = dataFiles(config.dataDir);
  const table = openDelegationDb(files.delegations);
  const state = openStateDb(files.state, { writes: true });
  t.teardown(async () => {
    await table.close();
    await state.close();
  });
  const sight: Sight = {
    table,
    state,
    config: () => config,
    sizes: () => ({
      queued: { revoke: 0, change: 0, rest: 0, sweep: 0 },
      inHand: 0,
      retrying: { retry: 0, stuck: 0, soon: 0 },
    }),
    loop: () => ({ minuteMs: 0, hourMs: 0, longestMs: 0, longestAt: null }),
  };
  const stateSql = (query: string) => {
    const database = new Database(files.state);
    database.exec(query);
    database.close();
  };
  return { here, sight, stateSql };
}

/** By name and the only label's value. */
const valuesOf = ({ figures }: Counted) =>
  new Map(figures.map(({ name, labels = {}, value }) => [[name, ...Object.values(labels)].join(' '), value]));

t.test('each state, and why', async (t) => {
  const { here, sight, stateSql } = await site(t);
  const people = ['verified', 'in-force', 'granting', 'new', 'soon', 'over', 'paused', 'lapsed', 'lapsing', 'unused'];
  const until: Readonly<Record<string, string>> = {
    lapsed: inDays(-1),
    lapsing: inDays(13),
    unused: inDays(3),
    new: inDays(15),
  };
  const terms: Readonly<Record<string, string>> = {
    soon: `'${inDays(1)}', NULL, 0`,
    over: `NULL, '${inDays(-1)}', 0`,
    paused: 'NULL, NULL, 1',
  };
  here.sql(`INSERT INTO mailbox (address) VALUES ('alice@x.test');
    ${people.map((who) => `INSERT INTO delegate (id, login, credential_valid_until) VALUES ('${who}', '${who}', ${until[who] ? `'${until[who]}'` : 'NULL'});`).join('\n')}
    ${people
      .filter((who) => who !== 'unused')
      .map(
        (who) =>
          `INSERT INTO delegation (mailbox, delegate, starts_at, ends_at, suspended) VALUES ('alice@x.test', '${who}', ${terms[who] ?? 'NULL, NULL, 0'});`,
      )
      .join('\n')}`);
  stateSql(`${['verified', 'in-force', 'granting']
    .map(
      (phase, n) => `INSERT INTO ledger (mailbox_id, delegate_id, address, server, owner_login, login, phase, since)
      VALUES (1, ${n + 1}, 'alice@x.test', 'main', 'alice@x.test', '${phase}', '${phase}', '${NOW}');`,
    )
    .join('\n')}
    INSERT INTO outcomes (mailbox_id, address, code, notices) VALUES (1, 'alice@x.test', 'config', '[{"code":"held","login":"x","message":"x"}]');`);
  const counted = await countAll(sight, NOW);
  const values = valuesOf(counted);
  const states = { 'in force': 1, 'being verified': 1, waiting: 3, 'not started': 1, ended: 1, suspended: 2 };
  for (const [name, value] of Object.entries(states)) t.equal(values.get(`mandat_delegations ${name}`), value, name);
  t.equal(values.get('mandat_delegations_withheld suspended'), 1);
  t.equal(values.get('mandat_delegations_withheld credential-lapsed'), 1);
  t.equal(values.get('mandat_delegations_withheld self'), 0, 'what is not there is 0');
  t.equal(values.get('mandat_credentials_ending_soon'), 1, 'of those who are a delegate of somebody');
  t.equal(values.get('mandat_failing_mailboxes config'), 1);
  t.equal(values.get('mandat_restrained guard'), 1);
  t.equal(values.get('mandat_restrained withdrawn'), 0);
  t.equal(values.get('mandat_restrained paused'), 0);
  t.equal(values.get('mandat_pending_mailboxes'), 1);
  t.equal(values.get('mandat_directory_imported_timestamp_seconds directory'), undefined, 'never imported: absent');
  await setPaused(sight.state, { since: NOW, by: 'admin:root', reason: null, all: false });
  t.equal(valuesOf(await countAll(sight, NOW)).get('mandat_restrained paused'), 1);
  t.ok((counted.oldestChange ?? 0) >= Date.parse(NOW) - DAY_MS);
});

t.test('a large table: others have their turn again and again', async (t) => {
  const { here, sight } = await site(t);
  const many = 5000;
  here.sql(`BEGIN;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${many})
    INSERT INTO mailboxes (address, login, kind, eligible, server) SELECT 'm' || i || '@x.test', 'm' || i || '@x.test', 'PER', 1, 'main' FROM n;
    INSERT INTO delegate (id, login) VALUES ('bob', 'bob'), ('carol', 'carol');
    INSERT INTO delegations (mailbox_id, delegate_id, created_at, created_by, suspended)
      SELECT m.id, d.id, '${NOW}', 'sql', 0 FROM mailboxes AS m, delegates AS d;
    COMMIT`);
  let rows = 0;
  const most: number[] = [];
  let turns = 0;
  const turn = setInterval(() => {
    turns++;
  }, 1);
  t.teardown(() => clearInterval(turn));
  const { query } = sight.table;
  const watching = {
    ...sight.table,
    query: query.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: async ({ result }) => {
        most.push(result.rows.length);
        rows += result.rows.length;
        return result;
      },
    }),
  };
  const values = valuesOf(await countAll({ ...sight, table: watching }, NOW));
  t.equal(values.get('mandat_delegations waiting'), 2 * many);
  t.equal(values.get('mandat_mailboxes'), many);
  t.ok(rows >= 2 * many);
  t.ok(Math.max(...most) <= 500, 'no statement reads more than a portion');
  t.ok(turns > 5, `${turns} turns`);
});
