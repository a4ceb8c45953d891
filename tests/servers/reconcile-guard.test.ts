/** Too much disappearing at once is held, loudly, until somebody says so. What was asked for by name never is. */
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { openEngine } from '../../bridge/sidecar/engine.ts';
import { everyMailbox } from '../../bridge/store/state/swept-mailboxes.ts';
import { configOf, dryRun, type Line, runInside, sync } from './inside.ts';
import { outcome } from './outcomes.ts';
import { at, type Site, startSite } from './site.ts';
import { tables } from './tables.ts';
import { entriesOf, seen } from './wire.ts';

/** So many owners, each delegated to each of so many delegates. */
async function site(t: Test, owners: number, delegates: number, extraToml = ''): Promise<Site> {
  const names = (letter: string, count: number) => Array.from({ length: count }, (_, at) => `${letter}${at + 1}`);
  const [some, others] = [names('o', owners), names('d', delegates)];
  const started = await startSite({ users: [...some, ...others], postfix: false, extraToml });
  t.teardown(() => started.stop());
  await started.register('o1', ...others);
  for (const owner of some.slice(1)) await started.register(owner);
  await grantAll(started);
  return started;
}

async function grantAll(here: Site): Promise<void> {
  await here.sql('INSERT INTO delegation (mailbox, delegate) SELECT m.address, d.id FROM mailbox m, delegate d');
  const { failures } = await sync(here);
  if (failures.length > 0) throw new Error(failures.join('\n'));
}

/** Where a few are many. */
const small = (t: Test) => site(t, 3, 2, '[guard]\nmax_pairs = 3');

/** In how many mailboxes the second delegate still has an entry. */
async function standing(here: Site, owners = 3): Promise<number> {
  const all = Array.from({ length: owners }, (_, index) => entriesOf(here, `o${index + 1}`, 'd2'));
  return (await Promise.all(all)).filter((there) => Object.keys(there).length > 0).length;
}

const pairs = (here: Site) => (tables(here)['state.ledger'] ?? []).length;

t.test('25 of 30, by mandat sync', async (t) => {
  const here = await site(t, 6, 5);
  await here.sql(`DELETE FROM delegation WHERE mailbox <> '${at('o6')}'`);
  t.match(await dryRun(here), { steps: [], held: 25 }, 'a dry run says so');
  t.match(await here.mandat('sync'), { status: 1, stderr: /25.*sync --force/ });
  t.equal(await standing(here, 6), 6, 'nothing changes on the server');
  t.equal(pairs(here), 30);
  t.match((await outcome(here, 'o1'))?.notices, [{ code: 'held' }], 'status shows it by mailbox');
  t.match(await here.mandat('status'), { stdout: /o1@lab\.test: .*held/ });

  await t.test('what else there is to do is done', async (t) => {
    await here.sql(`UPDATE delegate SET state = 'suspended' WHERE id = '${at('d5')}'`);
    const { steps, held } = await sync(here);
    t.equal(held, 25);
    t.same(new Set(steps.flatMap((step) => ('owner' in step ? step.owner : []))), new Set([at('o6')]));
    t.same(await seen(here, 'o6', 'd5'), {}, 'a suspension is never held');
    t.not(Object.keys(await seen(here, 'o1', 'd5')).length, 0);
  });

  t.equal((await dryRun(here, { force: true })).held, 0);
  const { held, failures } = await sync(here, { force: true });
  t.same({ held, failures }, { held: 0, failures: [] });
  t.equal(await standing(here, 6), 1, 'the force lets them go');
  t.same((await outcome(here, 'o1'))?.notices, []);
});

t.test('by a running sidecar', async (t) => {
  const here = await small(t);
  const sidecar = await runInside(here);
  t.teardown(() => sidecar.stop());
  await sidecar.idle();
  await here.sql(`DELETE FROM mailbox WHERE address <> '${at('o3')}'`);
  await here.mandat('sync');
  t.match(told(sidecar.log()), [{ pairs: 4, standing: 6 }], 'it says so in its log');
  t.equal(await standing(here), 3, 'mailboxes that have left the table keep what they have');
  t.match(await here.mandat('status'), { stdout: /o1@lab\.test: .*held/ });
  t.match((await here.mandat('sync', '--force')).status, 0);
  await here.settled();
  t.equal(await standing(here), 1, 'until sync --force');
});

const told = (log: readonly Line[]) =>
  log.filter(({ msg, level }) => level === 50 && String(msg).startsWith('held')).slice(0, 1);

t.test('between the look and the work', async (t) => {
  const here = await small(t);
  const engine = await openEngine(configOf(here), {}, pino({ level: 'silent' }));
  t.teardown(() => engine.close());
  const ids = await everyMailbox(engine.table, engine.state);
  await engine.changes.lookAtAll();
  await here.sql('DELETE FROM delegation');
  for (const id of ids) await engine.work(id, 1);
  t.equal(await standing(here), 3, 'a wave that comes after the look is looked at before it is obeyed');
});

t.test('what is never held', async (t) => {
  const here = await small(t);
  for (const owner of ['o1', 'o2']) await here.mandat('mailbox', 'remove', at(owner), '--yes');
  t.match(await sync(here), { held: 0, failures: [] }, 'mailboxes removed at the command line');
  t.equal(await standing(here), 1);
  await here.sql(`INSERT INTO mailbox (address) VALUES ('${at('o1')}'), ('${at('o2')}');
    INSERT INTO delegation (mailbox, delegate)
      SELECT m.address, d.id FROM mailbox m, delegate d WHERE m.address <> '${at('o3')}'`);
  await sync(here);
  t.equal(pairs(here), 6);
  await here.sql(`UPDATE delegation SET starts_at = NULL, ends_at = '2020-01-01T00:00:00.000Z'`);
  t.match(await sync(here), { held: 0, failures: [] }, 'an end');
  t.equal(pairs(here), 0);
});
