/** What can go wrong with the IMAP server: said with a code and a hint, tried again, and no mailbox stops another. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { type Fate, isChange, routeThrough, startProxy } from './imap-proxy.ts';
import { runInside, sync, verify } from './inside.ts';
import { failure, outcome } from './outcomes.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { entries, entriesOf, granted, seen, subscribed } from './wire.ts';

const extraToml = '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 2';

async function site(t: Test, ...users: readonly string[]): Promise<Site> {
  const started = await startSite({ users, postfix: false, extraToml, extraImap: 'timeout_seconds = 2' });
  t.teardown(() => started.stop());
  return started;
}

t.test('the server is down, and comes back', async (t) => {
  const here = await site(t, 'alice', 'bob');
  await here.register('alice', 'bob');
  const sidecar = await runInside(here);
  t.teardown(() => sidecar.stop());
  await sidecar.idle();
  await here.lab.stopDovecot();
  await grantRow(here, 'alice', 'bob');
  t.match(await failure(here, 'alice'), { code: 'retry', message: /can't be reached/, hint: /imap\.host/ });
  t.match(await here.mandat('status'), { status: 1, stdout: /retry: .*can't be reached[\s\S]*imap\.host/ });
  await here.lab.startDovecot();
  await here.settled();
  t.strictSame(await seen(here, 'alice', 'bob'), granted(), 'it goes on by itself');
  t.equal((await outcome(here, 'alice'))?.failure, undefined);

  await here.lab.stopDovecot();
  await revokeRow(here, 'alice', 'bob');
  t.match(await failure(here, 'alice'), { code: 'retry' });
  await here.lab.startDovecot();
  await here.settled();
  t.same(await entriesOf(here, 'alice', 'bob'), {});
});

t.test('connections that break and servers that fall silent', async (t) => {
  const here = await site(t, 'alice', 'bob');
  await here.register('alice', 'bob');
  let fate: Fate = 'drop';
  let after = 3;
  const proxy = await startProxy(here.lab.imap, (line) => (isChange(line) && --after === 0 ? fate : 'pass'));
  t.teardown(() => proxy.close());
  await routeThrough(here, proxy);
  const sidecar = await runInside(here);
  t.teardown(() => sidecar.stop());
  await sidecar.idle();
  for (const [next, said] of [
    ['drop', /ended the connection/],
    ['stall', /has not answered (SETACL|DELETEACL) for 2 s/],
  ] as const) {
    fate = next;
    after = 3;
    await grantRow(here, 'alice', 'bob');
    t.match(await failure(here, 'alice'), { code: 'retry', message: said }, next);
    await here.settled();
    t.strictSame(await seen(here, 'alice', 'bob'), granted());
    t.same(subscribed(here, 'alice', 'bob'), Object.keys(granted()).sort());
    after = 2;
    await revokeRow(here, 'alice', 'bob');
    t.match(await failure(here, 'alice'), { code: 'retry', message: said }, next);
    await here.settled();
    t.same(await entriesOf(here, 'alice', 'bob'), {});
  }
});

t.test('accounts that the server does not know', async (t) => {
  const here = await site(t, 'alice', 'bob', 'carol');
  await here.register('alice', 'bob', 'carol', 'nobody');
  await here.register('ghost');
  await grantRow(here, 'ghost', 'bob');
  await grantRow(here, 'alice', 'bob', 'carol', 'nobody');
  const { failures } = await sync(here);
  t.match([...failures].sort(), [/^alice.*: absent: .*no account nobody@/, /^ghost.*: absent: .*no account ghost@/]);
  for (const delegate of ['bob', 'carol'])
    t.strictSame(await seen(here, 'alice', delegate), granted(), 'the others are served');
  const differences = (await verify(here)).join('\n');
  for (const name of ['nobody', 'ghost']) t.match(differences, `no account ${at(name)}`, 'verify names them all');
  const given = Object.keys((await entries(here, 'alice')).INBOX ?? {});
  t.same(given.sort(), ['bob', 'carol'].map(at), 'nothing is written for a name that is nobody');
  t.match((await here.mandat('verify')).status, 1);

  await revokeRow(here, 'alice', 'nobody', 'carol');
  const done = await sync(here);
  t.match(done.failures, [/^ghost/]);
  t.same(done.notices, [], 'nobody had nothing');
  t.same(new Set(Object.values(await entries(here, 'alice')).flatMap(Object.keys)), new Set([at('bob')]));
});

t.test('a password that is wrong', async (t) => {
  const here = await site(t, 'alice', 'bob');
  await here.register('alice', 'bob');
  const secret = path.join(here.lab.directory, 'imap.secret');
  await writeFile(secret, 'wrong\n', { mode: 0o600 });
  await grantRow(here, 'alice', 'bob');
  const [said] = (await sync(here)).failures;
  t.match(said, `: config: the IMAP server refused to log ${here.lab.master.user} in as ${at('alice')}`);
  t.notMatch(said, /wrong/, 'and it is not repeated');
  t.same(await entries(here, 'alice').then((all) => all.INBOX), {});
  const { status, stderr } = await here.mandat('sync');
  t.match({ status, stderr }, { status: 1, stderr: /imap\.admin_user/ });
});

t.test('a server without ACLs', async (t) => {
  const extraDovecot = {
    '2.3': 'protocol imap {\n  mail_plugins = acl\n}',
    '2.4': 'protocol imap {\n  mail_plugins {\n    imap_acl = no\n  }\n}',
  };
  const here = await startSite({ users: ['alice', 'bob'], postfix: false, extraDovecot });
  t.teardown(() => here.stop());
  await here.register('alice', 'bob');
  await grantRow(here, 'alice', 'bob');
  t.match((await sync(here)).failures, [/: config: .*RFC 4314/]);
});

t.test('a server whose LIST knows nothing of what is shared', async (t) => {
  const extraDovecot = {
    '2.3': 'plugin {\n  acl_shared_dict =\n}',
    '2.4': 'acl_sharing_map {\n  dict file {\n    path = /nowhere/shared-mailboxes.db\n  }\n}',
  };
  const here = await startSite({ users: ['alice', 'bob'], postfix: false, extraDovecot });
  t.teardown(() => here.stop());
  await here.register('alice', 'bob');
  await grantRow(here, 'alice', 'bob');
  t.match(
    (await sync(here)).failures,
    [/LIST does not show it/],
    'a grant that nobody would see is not called verified',
  );
  t.match(await verify(here), [/LIST does not show it/]);
});
