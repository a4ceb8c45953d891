/** A mailbox that is as it should be: nothing to do, nothing written. And a dry run writes nothing whatever there is to do. */
import t, { type Test } from 'tap';
import { dryRun, sync } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { tables } from './tables.ts';
import { does, serverFiles } from './wire.ts';

/** A second sync may note what it has seen (times, the clock); what it did about delegations must not change. */
const WORK = ['state.ledger', 'state.before_entries', 'state.subscriptions', 'sender.sender_login'];

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol'], postfix: false });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Projets', 'CREATE Projets/2024', 'STATUS Sent (MESSAGES)');
    await does(site, 'alice', ...['Drafts', 'Junk', 'Trash'].map((folder) => `STATUS ${folder} (MESSAGES)`));
    await site.register('alice', 'bob', 'carol');

    await t.test('no delegation at all', (t) => converged(t, site));
    await grantRow(site, 'alice', 'bob', 'carol');
    await t.test('a dry run of grants writes nothing', (t) => dry(t, site));
    await sync(site);
    await t.test('two delegates', (t) => converged(t, site));
    await does(site, 'alice', 'CREATE Neuf', 'CREATE Sent/2023', 'RENAME Projets Affaires');
    await sync(site);
    await t.test('after folders have come and moved', (t) => converged(t, site));
    await does(site, 'alice', `SETACL Affaires ${at('bob')} lr`, `DELETEACL INBOX ${at('carol')}`);
    await t.test('a dry run of a repair writes nothing', (t) => dry(t, site));
    await sync(site);
    await t.test('after a repair', (t) => converged(t, site));
    await revokeRow(site, 'alice', 'bob');
    await t.test('a dry run of a revoke writes nothing', (t) => dry(t, site));
    await sync(site);
    await t.test('one delegate left', (t) => converged(t, site));
    await t.test('as the command line says it', (t) => atTheCommandLine(t, site));
  });
}

async function converged(t: Test, site: Site): Promise<void> {
  await sync(site);
  const files = serverFiles(site);
  const work = worked(site);
  t.same((await dryRun(site)).steps, [], 'the dry run has nothing to say');
  const { steps, failures, notices } = await sync(site);
  t.same({ steps, failures, notices }, { steps: [], failures: [], notices: [] }, 'no step is taken');
  t.same(serverFiles(site), files, 'no file of the server has been written again');
  t.same(worked(site), work);
}

function worked(site: Site) {
  const all = tables(site);
  const once = (row: unknown) => ({ ...(row as object), verified_at: 'some time' });
  return WORK.map((name) => all[name]?.map(once));
}

async function dry(t: Test, site: Site): Promise<void> {
  const files = serverFiles(site);
  const before = tables(site);
  const { steps, failures } = await dryRun(site);
  t.not(steps.length, 0, 'there is something to do');
  t.same(failures, []);
  t.same(serverFiles(site), files, 'on the server nothing has changed');
  t.same(tables(site), before, 'nor in our databases');
}

async function atTheCommandLine(t: Test, site: Site): Promise<void> {
  t.match(await site.mandat('sync', '--dry-run'), { status: 0, stdout: 'nothing to do\n', stderr: '' });
  t.match(await site.mandat('sync'), { status: 0, stderr: '' });
}
