/** A dump from before a revoke that was put back in PostgreSQL, table and state together: it takes access away, and gives none until it is accepted. */
import t from 'tap';
import { last, postgresql } from '../on-postgresql.ts';
import { grantRow, revokeRow } from '../rows.ts';
import { at, startSite } from '../site.ts';
import { seen } from '../wire.ts';

const site = await startSite({ users: ['alice', 'bob', 'carol'], postfix: false });
t.teardown(() => site.stop());
const access = async (name: string) => Object.keys(await seen(site, 'alice', name)).length > 0;

t.test('a dump from before a revoke', async (t) => {
  await site.register('alice', 'bob', 'carol');
  await grantRow(site, 'alice', 'bob', 'carol');
  await site.mandat('sync');
  await revokeRow(site, 'alice', 'carol');
  await site.mandat('sync');
  const copy = `${last.database}_dump`;
  await postgresql.sql('postgres', `CREATE DATABASE ${copy} TEMPLATE ${last.database}`);
  await revokeRow(site, 'alice', 'bob');
  await site.mandat('sync');
  t.notOk((await access('bob')) || (await access('carol')));
  await postgresql.sql('postgres', `DROP DATABASE ${last.database}`);
  await postgresql.sql('postgres', `ALTER DATABASE ${copy} RENAME TO ${last.database}`);

  await site.mandat('sync');
  t.notOk(await access('bob'), 'the revoke since then holds');
  t.match((await site.mandat('status')).stdout, /older than the one last seen/);
  t.match(await site.mandat('restore', 'accept', '--yes'), { status: 0, stdout: /obeyed in full/ });
  await site.mandat('sync');
  t.ok(await access('bob'), 'and comes back when somebody accepts it');
  t.notOk(await access('carol'));
  t.equal((await site.mandat('audit', 'verify')).status, 0, 'the trail ends where it does now');
  t.match((await site.mandat('audit')).stdout, /restore/, at('alice'));
});
