/**
 * A backup on a site that goes on living, put back later: what was revoked meanwhile doesn't come back before somebody accepts it, what was granted
 * meanwhile goes, what stood there before the first grant is still known.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { runInside, sync } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { entriesOf, granted, seen } from './wire.ts';

async function site(t: Test): Promise<{ here: Site; backup: string }> {
  const here = await startSite({ users: ['alice', 'bob', 'carol', 'dave'], postfix: false });
  t.teardown(() => here.stop());
  await here.register('alice', 'bob', 'carol', 'dave');
  await grantRow(here, 'alice', 'bob', 'carol');
  const sidecar = await runInside(here);
  await here.settled();
  await sidecar.idle();
  const backup = path.join(here.lab.directory, 'backup');
  const made = await here.mandat('backup', backup); // beside the sidecar
  t.match(made, { status: 0, stdout: /the audit trail was proven/ }, made.stderr);
  await here.settled();
  await sidecar.stop();
  return { here, backup };
}

const running = async (t: Test, here: Site) => {
  const sidecar = await runInside(here);
  t.teardown(() => sidecar.stop());
  await here.settled();
  await sidecar.idle();
  return sidecar;
};

t.test('what changed since is not forgotten, and not given again', async (t) => {
  const { here, backup } = await site(t);
  await revokeRow(here, 'alice', 'carol');
  await grantRow(here, 'alice', 'dave');
  t.same((await sync(here)).failures, []);
  t.same(await seen(here, 'alice', 'carol'), {});
  t.strictSame(await seen(here, 'alice', 'dave'), granted());

  const restored = await here.mandat('restore', backup, '--yes');
  t.match(restored, { status: 0, stdout: /1 delegation of it had been ended since/ }, restored.stderr);
  await running(t, here);
  t.same(await seen(here, 'alice', 'carol'), {}, 'revoked since: not given again');
  t.same(await entriesOf(here, 'alice', 'carol'), {});
  t.same(await seen(here, 'alice', 'dave'), {}, 'granted since: nobody has a row for it, so it goes');
  t.same(await entriesOf(here, 'alice', 'dave'), {});
  t.strictSame(await seen(here, 'alice', 'bob'), granted(), 'what both have stays');
  t.match(await here.mandat('status'), { status: 1, stdout: /restore accept/ });
  t.match(await here.mandat('audit', 'verify'), { status: 0 });

  t.match(await here.mandat('restore', 'accept', '--yes'), { status: 0 });
  await here.settled();
  t.strictSame(await seen(here, 'alice', 'carol'), granted(), 'until it is accepted: its row is in the table');
  await revokeRow(here, 'alice', 'bob');
  await here.settled();
  t.same(await entriesOf(here, 'alice', 'bob'), {}, 'and from then on all is as ever');
  t.notMatch((await here.mandat('status')).stdout, /restore accept|has taken the place/);
});

t.test('on a machine where nothing is left but the mail', async (t) => {
  const { here, backup } = await site(t);
  for (const name of ['table/delegation.db', 'private/state.db', 'private/seal.key', 'private/seal.head']) {
    for (const end of ['', '-wal', '-shm']) await rm(path.join(here.lab.directory, name + end), { force: true });
  }
  const restored = await here.mandat('restore', backup, '--yes');
  t.match(restored, { status: 0 }, restored.stderr);
  await running(t, here);
  for (const name of ['bob', 'carol']) t.strictSame(await seen(here, 'alice', name), granted(), name);
  t.match(await here.mandat('audit', 'verify'), { status: 0 });
  await here.sql(`DELETE FROM delegation WHERE delegate = '${at('bob')}'`);
  await here.settled();
  t.same(await entriesOf(here, 'alice', 'bob'), {}, 'a revoke works before it is accepted');
});

t.test('refused while a sidecar runs', async (t) => {
  const { here, backup } = await site(t);
  await running(t, here);
  t.match(await here.mandat('restore', backup, '--yes'), { status: 3, stderr: /a sidecar is running/ });
});
