/** The trace with the table in PostgreSQL: whom it knows is asked there, once each, and what comes meanwhile waits. */
import path from 'node:path';
import t, { type Test } from 'tap';
import type { Placed } from '../../bridge/configured/stores.ts';
import { NotYet } from '../../bridge/events/event-sink.ts';
import type { ServerEvent } from '../../bridge/events/server-event.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openPostgresState } from '../../bridge/store/postgres/state-db.ts';
import { openPostgresTable } from '../../bridge/store/postgres/table-db.ts';
import { openPostgresPeople } from '../../bridge/trace/postgres-people.ts';
import type { TablePeople } from '../../bridge/trace/remembered-people.ts';
import { noteToldMonths, toldMonths } from '../../bridge/trace/told-months.ts';
import { traceDirectory } from '../../bridge/trace/trace-files.ts';
import { traced } from '../../bridge/trace/trace-reading.ts';
import { openTracing } from '../../bridge/trace/tracing.ts';
import { SHIPPED_NAMING } from '../../bridge/trace/whose-folder.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { desk } from '../cli/desk.ts';
import { lab, madeDatabase, psql } from '../store/on-postgresql.ts';

const MADE = `INSERT INTO mandat.mailbox (address, login) VALUES ('alice@lab.test', 'alice@lab.test'), ('carol@lab.test', 'carol@lab.test');
  INSERT INTO mandat.delegate (id, login) VALUES ('899700245667', 'bob@lab.test'), ('dave', 'dave@lab.test');
  INSERT INTO mandat.delegation (mailbox, delegate) VALUES ('alice@lab.test', '899700245667')`;

/** As a source of events asks: again, as long as something has to be asked for first. How often it was. */
async function judged<T>(people: TablePeople, judge: () => T): Promise<{ readonly found: T; readonly asked: number }> {
  for (let asked = 0; asked < 10; asked++) {
    try {
      people.refresh('test');
      const found = judge();
      people.known('test');
      return { found, asked };
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      await error.ready;
    }
  }
  throw new Error('it asks for ever');
}

t.test('asked in few questions, and remembered until somebody writes', async (t) => {
  const settings = await madeDatabase();
  await psql(settings, MADE);
  let now = Date.now();
  const people = openPostgresPeople(
    () => openPostgresTable(settings, { readonly: true }),
    () => now,
  );
  t.teardown(() => people.close());
  const at = now + 1000;
  const who = () => {
    const alice = people.mailboxOf('ALICE@lab.test');
    return {
      owner: alice?.owner,
      bob: people.identifierOf('Bob@lab.test'),
      carol: people.identifierOf('carol@lab.test'),
      nobody: people.identifierOf('nobody\0@lab.test'),
      delegation: alice && people.delegationOf(alice, 'BOB@lab.test', at),
    };
  };
  const known = { owner: 'alice@lab.test', bob: '899700245667', carol: 'carol@lab.test', nobody: null, delegation: 1 };
  const first = await judged(people, who);
  t.same(first.found, known);
  t.ok(first.asked <= 4, `asked ${first.asked} times`);
  t.same(await judged(people, who), { found: known, asked: 1 }, 'then whether the table has changed, and nothing else');

  now += 10_000;
  await psql(settings, "DELETE FROM mandat.delegation WHERE delegate = '899700245667'");
  await people.look();
  now += 60_000;
  t.same((await judged(people, who)).found, known, 'as it was then');
  const alice = people.mailboxOf('alice@lab.test');
  if (alice === undefined) throw new Error('not known');
  t.equal((await judged(people, () => people.delegationOf(alice, 'bob@lab.test', now))).found, undefined, 'no more');
  await psql(settings, "INSERT INTO mandat.delegation (mailbox, delegate) VALUES ('alice@lab.test', '899700245667')");
  t.equal((await judged(people, () => people.delegationOf(alice, 'bob@lab.test', now))).found, 2, 'another one');
});

t.test('the files of a machine that worked on this server before are not missed on this one', async (t) => {
  const settings = await madeDatabase();
  const state = await openPostgresState(settings, { server: 'mx1' });
  t.teardown(() => state.close());
  t.same(await toldMonths(state), []);
  await noteToldMonths(state, ['2026-11.db']);
  t.same(await toldMonths(state), ['2026-11.db']);
  await psql(
    settings,
    `UPDATE mandat_private.facts SET value = '{"files":["2026-10.db"],"host":"elsewhere"}' WHERE name = 'trace-months@mx1'`,
  );
  t.same(await toldMonths(state), []);
});

const command = (user: string, mailbox: string): ServerEvent => ({
  kind: 'command',
  at: Date.now() + 60_000,
  user,
  master: '',
  session: 'AAAA',
  hostname: 'mail',
  remoteIp: '192.0.2.7',
  remotePort: 40000,
  command: 'SELECT',
  args: undefined,
  argsCut: false,
  mailbox,
  oldMailbox: undefined,
  newMailbox: undefined,
  state: 'OK',
  reply: 'OK',
  opened: '',
  bytesOut: 100,
});

async function site(t: Test) {
  const settings = await madeDatabase();
  await psql(settings, MADE);
  const dataDir = path.join((await desk(t)).directory, 'data'); // the key is there
  const database = `postgres://postgres@:${lab.port}/${settings.database}?host=${lab.socketDirectory}`;
  const placed = { dataDir, database, databasePasswordFile: '/nowhere', server: { name: 'main' } } as Placed;
  const open = () =>
    openTracing({
      placed,
      keepMonths: 6,
      looks: false,
      adminUser: 'bridge',
      naming: SHIPPED_NAMING,
      note: async () => {},
    });
  return { open, kept: () => [...traced(traceDirectory(dataFiles(dataDir)), {})] };
}

t.test('events that come over HTTP wait for it, each is kept once, and what waits at the end too', async (t) => {
  const here = await site(t);
  const tracing = here.open();
  const inbox = 'shared/alice@lab.test';
  tracing.take(command('bob@lab.test', inbox), false);
  await waitFor('the first is kept', 20_000, async () => tracing.counts.kept === 1);
  await lab.halt();
  for (const user of ['bob@lab.test', 'dave@lab.test']) tracing.take(command(user, inbox), false);
  await waitFor('it is said', 30_000, async () => tracing.counts.trouble !== null);
  t.match(tracing.counts, { kept: 1, waiting: 2, lost: 0, trouble: /can't be reached/ });
  await lab.start();
  await waitFor('they are kept', 30_000, async () => tracing.counts.kept === 3 && tracing.counts.trouble === null);
  for (let n = 0; n < 600; n++) tracing.take(command('carol@lab.test', 'INBOX'), false);
  await tracing.close();
  const kept = here.kept();
  t.same(
    kept.slice(0, 3).map(({ login, relation, identifier, delegation }) => [login, relation, identifier, delegation]),
    [
      ['bob@lab.test', 'delegate', '899700245667', 1],
      ['bob@lab.test', 'delegate', '899700245667', 1],
      ['dave@lab.test', 'other', 'dave', null],
    ],
  );
  t.equal(kept.length, 603);
});
