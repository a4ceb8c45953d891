/** The trace at work beside the table: whom it knows, what it keeps while nothing can be written, what becomes of its files. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { Placed } from '../../bridge/configured/stores.ts';
import type { ServerEvent } from '../../bridge/events/server-event.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { existingSealKey } from '../../bridge/store/trail/sealing.ts';
import { deleteLeftMonths } from '../../bridge/trace/left-months.ts';
import { openTablePeople } from '../../bridge/trace/table-people.ts';
import { traceDirectory } from '../../bridge/trace/trace-files.ts';
import { readTraceHead, traceHeadFile } from '../../bridge/trace/trace-head.ts';
import { proveTrace } from '../../bridge/trace/trace-proof.ts';
import { traced } from '../../bridge/trace/trace-reading.ts';
import { openTraceWriter } from '../../bridge/trace/trace-writing.ts';
import { type MonthNote, openTracing } from '../../bridge/trace/tracing.ts';
import { SHIPPED_NAMING } from '../../bridge/trace/whose-folder.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { desk } from '../cli/desk.ts';
import { madeAccess } from './made-access.ts';

/** The time of the events: a delegation that was just made stands then. */
const soon = () => Date.now() + 60_000;

function command(user: string, name: string, more: Partial<ServerEvent> = {}): ServerEvent {
  return {
    kind: 'command',
    at: soon(),
    user,
    master: '',
    session: 'AAAA',
    hostname: 'mail',
    remoteIp: '192.0.2.7',
    remotePort: 40000,
    command: name,
    args: undefined,
    argsCut: false,
    mailbox: 'INBOX',
    oldMailbox: undefined,
    newMailbox: undefined,
    state: 'OK',
    reply: 'OK',
    opened: '',
    bytesOut: 100,
    ...more,
  };
}

async function site(t: Test) {
  const here = await desk(t);
  here.sql(`INSERT INTO mailbox (address, login) VALUES ('alice@lab.test', 'alice@lab.test'), ('carol@lab.test', 'carol@lab.test');
    INSERT INTO delegate (id, login) VALUES ('bob@lab.test', 'bob@lab.test'), ('dave@lab.test', 'dave@lab.test');
    INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', 'bob@lab.test');`);
  const dataDir = path.join(here.directory, 'data');
  const files = dataFiles(dataDir);
  const notes: MonthNote[] = [];
  const open = () =>
    openTracing({
      placed: { dataDir, server: { name: 'main', takeoverSeconds: 10 }, databasePasswordFile: '/nowhere' } as Placed,
      keepMonths: 6,
      looks: false,
      adminUser: 'bridge',
      naming: SHIPPED_NAMING,
      note: async (what) => void notes.push(what),
    });
  return {
    ...here,
    files,
    notes,
    open,
    dataDir,
    months: traceDirectory(files),
    key: () => existingSealKey(files.sealKey),
    prove: () => {
      const key = existingSealKey(files.sealKey);
      return proveTrace(traceDirectory(files), key, readTraceHead(traceHeadFile(files), key));
    },
  };
}

t.test(
  'events become accesses: the owner, the delegate, mandat itself and others told apart; proven to the end',
  async (t) => {
    const here = await site(t);
    const tracing = here.open();
    const theirs = { mailbox: 'shared/alice@lab.test' };
    tracing.take(command('alice@lab.test', 'SELECT'), false);
    tracing.take(command('bob@lab.test', 'SELECT', theirs), false);
    tracing.take(command('bob@lab.test', 'UID STORE', { ...theirs, args: '5 +FLAGS (\\Deleted)' }), false);
    tracing.take(command('dave@lab.test', 'SELECT', { ...theirs, state: 'NO', reply: 'NO [NOPERM] x' }), false);
    tracing.take(command('bob@lab.test', 'SELECT'), false); // their own mailbox, which isn't in the table
    tracing.take(command('alice@lab.test', 'SETACL', { session: 'BBBB', args: 'INBOX bob@lab.test lr' }), true);
    tracing.take(command('alice@lab.test', 'MYRIGHTS', { session: 'BBBB' }), true);
    await waitFor('they are kept', 5000, async () => (tracing.counts.kept === 5 ? true : undefined));
    await tracing.close();
    const kept = [...traced(here.months, {})];
    t.same(
      kept.map(({ login, relation, via, delegation, action, answer }) => [
        login,
        relation,
        via,
        delegation,
        action,
        answer,
      ]),
      [
        ['alice@lab.test', 'owner', null, null, 'open', 'OK'],
        ['bob@lab.test', 'delegate', null, 1, 'open', 'OK'],
        ['bob@lab.test', 'delegate', null, 1, 'mark-deleted', 'OK'],
        ['dave@lab.test', 'other', null, null, 'open', 'NO'],
        ['alice@lab.test', 'mandat', 'bridge', null, 'rights', 'OK'],
      ],
    );
    t.ok(kept.every(({ mailbox, owner }) => mailbox === 'alice@lab.test' && owner === 'alice@lab.test'));
    t.match(await here.prove(), { faults: [], accesses: 5 }, 'and its end is noted beside the key');
    t.match(here.notes, [{ kind: 'there', files: [/^\d{4}-\d\d\.db$/] }]);
  },
);

t.test('a delegation that has ended counts for what was done while it stood', async (t) => {
  const here = await site(t);
  let now = Date.now();
  const people = openTablePeople(here.table, () => now);
  t.teardown(() => people.close());
  const alice = people.mailboxOf('alice@lab.test');
  if (alice === undefined) throw new Error('not known');
  const before = now + 1000;
  t.equal(people.delegationOf(alice, 'BOB@lab.test', before), 1);
  t.equal(people.delegationOf(alice, 'bob@lab.test', now - 86_400_000), undefined, 'not before it was made');
  now += 10_000;
  here.sql("DELETE FROM delegation WHERE delegate = 'bob@lab.test'");
  people.refresh('test');
  now += 60_000;
  t.equal(people.delegationOf(alice, 'bob@lab.test', before), 1, 'as it was then');
  t.equal(people.delegationOf(alice, 'bob@lab.test', now), undefined, 'and is no more');
  here.sql("INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', 'bob@lab.test')");
  people.refresh('test');
  t.equal(people.delegationOf(alice, 'bob@lab.test', now), 2, 'another one');
  t.equal(people.mailboxOf('eve@lab.test'), undefined);
  here.sql("INSERT INTO mailbox (address, login) VALUES ('eve@lab.test', 'eve@lab.test')");
  people.refresh('test');
  t.equal(people.mailboxOf('eve@lab.test')?.address, 'eve@lab.test', 'who came since is known');
  t.equal(people.identifierOf('nobody@lab.test'), null);
});

t.test('while nothing can be written events wait, so many; it is said, and made good', async (t) => {
  const here = await site(t);
  const away = `${here.months}.away`;
  symlinkSync('/nonexistent/elsewhere', here.months); // stands for whatever keeps it from being written
  const tracing = here.open();
  t.match(tracing.counts, { trouble: /nothing can be written/ });
  const event = command('alice@lab.test', 'SELECT', { mailbox: 'x'.repeat(1000) });
  for (let n = 0; n < 8000; n++) tracing.take(event, false);
  const { waiting, lost } = tracing.counts;
  t.ok(waiting > 4000 && lost > 0 && waiting + lost === 8000, `${waiting} wait, ${lost} are lost`);
  renameSync(here.months, away);
  unlinkSync(away);
  await waitFor('all that waited is kept', 30_000, async () => (tracing.counts.kept === waiting ? true : undefined));
  t.equal(tracing.counts.trouble, null);
  await tracing.close();
  t.match(await here.prove(), { faults: [], accesses: waiting });
});

t.test('a full disk: it is said what is full, and what waited is kept when there is room', async (t) => {
  const here = await site(t);
  mkdirSync(here.months, { mode: 0o700 });
  const sized = (size: string, ...more: readonly string[]) =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700${more.join('')}`, 'none', here.months]).status ===
    0;
  if (!sized('300k')) {
    t.comment('skipped: nothing can be mounted here');
    return;
  }
  t.teardown(() => spawnSync('umount', [here.months]));
  const tracing = here.open();
  const events = 3000;
  for (let n = 0; n < events; n++) {
    tracing.take(
      command('alice@lab.test', 'SELECT', { session: `S${n}`, mailbox: `Folder ${n} ${'x'.repeat(40)}` }),
      false,
    );
  }
  await waitFor('it is full', 10_000, async () =>
    /disk is full/.test(tracing.counts.trouble ?? '') ? true : undefined,
  );
  t.ok(sized('20m', ',remount'), 'there is room again');
  await waitFor('all is kept', 30_000, async () => (tracing.counts.kept === events ? true : undefined));
  await tracing.close();
  t.match(await here.prove(), { faults: [], accesses: events });
});

t.test('without the key, or the table, it says so and takes events all the same', async (t) => {
  const here = await site(t);
  chmodSync(here.files.sealKey, 0o600);
  renameSync(here.files.sealKey, `${here.files.sealKey}.away`);
  const tracing = here.open();
  tracing.take(command('alice@lab.test', 'SELECT'), false);
  t.match(tracing.counts, { trouble: /seal\.key/ });
  await tracing.close();
  t.same(readdirSync(here.files.privateDirectory).includes('trace'), false, 'nothing is begun');
});

t.test('where it is off again, old months go all the same', async (t) => {
  const here = await site(t);
  let now = new Date('2026-01-10T08:00:00Z');
  const writer = openTraceWriter(here.months, here.key(), () => now);
  writer.keep([madeAccess(1, now.getTime())]);
  writer.close();
  const gone: string[] = [];
  const clear = () =>
    deleteLeftMonths(
      here.dataDir,
      6,
      async ({ file }) => void gone.push(file),
      () => now,
    );
  t.same(await clear(), []);
  now = new Date('2026-08-02T08:00:00Z');
  const steadily = openTraceWriter(here.months, here.key(), () => now);
  steadily.keep([], { clock: JSON.stringify({ seen: now.getTime() - 3_600_000 }) });
  steadily.close();
  await clear();
  t.same(gone, ['2026-01.db']);
  t.match(await here.prove(), { faults: [], accesses: 0, deleted: 1 });
});
