/** Who shares with whom, kept by `mandat shares` for a real Dovecot: grants and revokes through it, while it is away, killed again and again. R10, R11. */
import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { sync, verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { type SharesServer, startShares } from './shares-server.ts';
import { at, type Site, startSite } from './site.ts';
import { granted, list, seen, withLogin } from './wire.ts';

const LIMIT_MS = 60_000;
const MOST_KILLS = 5;

async function place(t: Test, users: readonly string[], held = false) {
  const shares = await startShares({ held });
  t.teardown(() => shares.stop());
  const site = await startSite({ users, postfix: false, shares: shares.socket });
  t.teardown(() => site.stop());
  return { shares, site };
}

const shared = (shares: SharesServer, owner: string) =>
  shares.look((store) => store.by(at(owner), '', 100).map(({ to }) => to));
const doveadm = (site: Site, ...args: readonly string[]) =>
  promisify(execFile)('doveadm', ['-c', path.join(site.lab.directory, 'dovecot/dovecot.conf'), ...args]);
const set = (site: Site, owner: string, line: string) =>
  withLogin(site, owner, async (imap) => (await imap.command(line)).status);

t.test('grants and revokes', async (t) => {
  const { shares, site } = await place(t, ['alice', 'bob', 'carol', 'dave']);
  await site.register('alice', 'bob', 'carol');
  await grantRow(site, 'alice', 'bob', 'carol');
  t.same((await sync(site)).failures, []);
  for (const delegate of ['bob', 'carol']) t.strictSame(await seen(site, 'alice', delegate), granted());
  t.same(await seen(site, 'alice', 'dave'), {});
  t.same(await verify(site), []);
  t.same(shared(shares, 'alice'), [`user/${at('bob')}`, `user/${at('carol')}`]);
  t.notOk(existsSync(path.join(site.lab.directory, 'dovecot/shared/shared-mailboxes.db')), 'Dovecot keeps none itself');

  await revokeRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.same(await seen(site, 'alice', 'bob'), {});
  t.strictSame(await seen(site, 'alice', 'carol'), granted());
  await waitFor('the share is gone', LIMIT_MS, () => shared(shares, 'alice').length === 1);
  t.same(shared(shares, 'alice'), [`user/${at('carol')}`]);
  t.notMatch(shares.log(), /hung up|could not/);
});

t.test("the others of that owner are shown the mailbox all the time, and one's own file is taken over", async (t) => {
  const { shares, site } = await place(t, ['alice', 'bob', 'carol']);
  const file = path.join(site.lab.directory, 'old.db');
  t.equal(await set(site, 'alice', `SETACL INBOX ${at('bob')} lr`), 'OK');
  const before = `shared/shared-boxes/user/${at('carol')}/${at('bob')}\n1\n`;
  writeFileSync(file, `${before}shared/shared-boxes/user/${at('bob')}/${at('alice')}\n1\nshared/other\nx\n`);
  t.match(await shares.mandat('shares', 'import', file), { status: 0, stdout: '2 shares read, 1 of them new\n' });
  t.match(await shares.mandat('shares', 'import', file), { status: 0, stdout: '2 shares read, 0 of them new\n' });
  t.same(shared(shares, 'bob'), [`user/${at('carol')}`]);
  t.same(await withLogin(site, 'carol', (imap) => list(imap, 'shared/*')), [], 'a share without a right shows nothing');

  const missed: number[] = [];
  let writing = true;
  const writes = withLogin(site, 'alice', async (imap) => {
    for (let round = 0; round < 40; round++) {
      await imap.command(`SETACL INBOX delegate${round % 4}@lab.test lr`);
      await imap.command(`DELETEACL INBOX delegate${round % 4}@lab.test`);
    }
    writing = false;
  });
  await withLogin(site, 'bob', async (imap) => {
    while (writing) missed.push((await list(imap, 'shared/*')).length);
  });
  await writes;
  t.ok(missed.length > 5 && missed.every((count) => count === 1), `looked ${missed.length} times`);
});

t.test('while nobody answers', async (t) => {
  const { shares, site } = await place(t, ['alice', 'bob', 'carol']);
  await site.register('alice', 'bob', 'carol');
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  await shares.end();
  t.equal(await set(site, 'alice', `SETACL Sent ${at('carol')} lr`), 'OK', 'an ACL is set all the same');
  await withLogin(site, 'bob', async (imap) => {
    t.same(await list(imap, 'shared/*'), [], 'nobody is shown anything');
    t.equal((await imap.command(`SELECT "shared/${at('alice')}"`)).status, 'OK', 'who knows the name reads on');
    t.ok((await list(imap, '*')).includes('INBOX'), 'their own mailbox is as ever');
  });
  await grantRow(site, 'alice', 'carol');
  t.match((await sync(site)).failures, [/LIST does not show it/], 'and it is not called verified');

  await shares.start();
  t.strictSame(await seen(site, 'alice', 'bob'), granted());
  t.same((await sync(site)).failures, [], 'what was missed meanwhile is mended by the next pass');
  t.strictSame(await seen(site, 'alice', 'carol'), granted());

  await shares.end();
  await shares.mandat('init');
  for (const end of ['', '-wal', '-shm']) await promisify(execFile)('rm', ['-f', `${shares.database}${end}`]);
  await shares.start();
  t.same(await seen(site, 'alice', 'bob'), {}, 'its database is lost');
  await doveadm(site, 'acl', 'recalc', '-u', at('alice'));
  t.strictSame(await seen(site, 'alice', 'bob'), granted());
  t.same(await verify(site), []);
});

t.test('killed again and again in a first pass: nobody is refused, nothing is lost', async (t) => {
  const owners = ['alice', 'anna', 'anton', 'axel'];
  const delegates = ['bob', 'bea', 'ben'];
  const { shares, site } = await place(t, [...owners, ...delegates], true);
  for (const owner of owners) await site.register(owner, ...delegates);
  for (const owner of owners) await grantRow(site, owner, ...delegates);
  let working = true;
  let kills = 0;
  const answering = () => shares.log().split('answering Dovecot').length;
  const killing = (async () => {
    for (let starts = answering(); working && kills < MOST_KILLS; kills++) {
      const there = shares.look((store) => store.count());
      await waitFor('a share', LIMIT_MS, () => !working || shares.look((store) => store.count()) > there);
      process.kill(shares.pid(), 'SIGKILL');
      await waitFor('the next one', LIMIT_MS, () => answering() > starts);
      starts = answering();
    }
  })();
  const done = await sync(site);
  working = false;
  await killing;
  t.ok(kills > 1, `killed ${kills} times`);
  const after = done.failures.length === 0 ? done : await sync(site);
  t.same(after.failures, []);
  t.same(await verify(site), []);
  for (const owner of owners) t.equal(shared(shares, owner).length, delegates.length);
});
