/** A cut is believed when `who` no longer names what was open before it, whatever `kick` answers. R49. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { sessionCutter } from '../../bridge/configured/drivers.ts';
import type { RawImap } from '../../config/lab/raw-imap.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { routeDoveadmThrough } from './configure.ts';
import { startDoveadmProxy } from './doveadm-proxy.ts';
import { configOf, runInside, sync } from './inside.ts';
import { failure, outcome } from './outcomes.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, type SiteOptions, startSite } from './site.ts';
import { seen, sharedName } from './wire.ts';

const LIMIT_MS = 30_000;
const INBOX = `"${sharedName('alice', 'INBOX')}"`;
const extraToml = '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1';

async function siteWith(t: Test, options: Partial<SiteOptions> = {}): Promise<Site> {
  const site = await startSite({ reuse: false, users: ['alice', 'bob'], postfix: false, extraToml, ...options });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob');
  return site;
}

async function proxied(t: Test) {
  const site = await siteWith(t);
  const proxy = await startDoveadmProxy(site.lab.doveadm.url);
  t.teardown(() => proxy.close());
  await routeDoveadmThrough(site, proxy);
  return { site, proxy };
}

async function reading(site: Site): Promise<RawImap> {
  const bob = await site.login('bob');
  const { status, text } = await bob.command(`SELECT ${INBOX}`);
  if (status !== 'OK') throw new Error(`bob can't open it: ${text}`);
  return bob;
}

/** Waits until Dovecot doesn't know it any more: it looks at its file once a second at most. */
async function removeAccount(site: Site, name: string): Promise<void> {
  const file = path.join(site.lab.directory, 'dovecot/users');
  const lines = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, lines.filter((line) => !line.startsWith(`${at(name)}:`)).join('\n'));
  await waitFor(`${name} to be unknown`, LIMIT_MS, () =>
    site.login(name).then(
      (session) => session.close(),
      () => true,
    ),
  );
}

const audited = async (site: Site) => (await site.mandat('audit', 'export')).stdout;

t.test('kick answers 1, and their session goes on', async (t) => {
  const { site, proxy } = await proxied(t);
  await grantRow(site, 'alice', 'bob');
  const sidecar = await runInside(site);
  t.teardown(() => sidecar.stop());
  await site.settled();
  await sidecar.idle();
  const bob = await reading(site);

  proxy.lying = true;
  await revokeRow(site, 'alice', 'bob');
  const goesOn = /a session of bob@lab\.test that doveadm was told to end goes on \(imap, process (\d+)\)/;
  const said = await failure(site, 'alice', LIMIT_MS);
  t.match(said, { code: 'retry', message: goesOn, hint: /srv\.imap.*sessions\.conf/ });
  t.match(said.hint, `kill ${goesOn.exec(said.message)?.[1]},`);
  t.equal((await bob.command('NOOP')).status, 'OK', 'which is true');
  t.same(await seen(site, 'alice', 'bob'), {}, 'a new login sees nothing');
  t.match(await site.mandat('status'), { stdout: goesOn }, 'status says so');
  t.match(await audited(site), goesOn, 'and the trail');
  t.notMatch(await audited(site), /"ended"/, 'where it has not ended');
  const revoked = await site.mandat('revoke', at('alice'), at('bob'), '--yes', '--wait', '1');
  t.not(revoked.status, 0);
  t.notMatch(revoked.stdout, /verified/);

  proxy.lying = false;
  t.match(await bob.waitForBye(LIMIT_MS), /\S/, 'tried again, the server obeys');
  await site.settled(LIMIT_MS);
  t.equal((await outcome(site, 'alice'))?.failure, undefined);
  t.match(await audited(site), /"ended"/);
});

t.test('when the sessions of whoever leaves are ended, no new one gets in', async (t) => {
  const { site, proxy } = await proxied(t);
  await grantRow(site, 'alice', 'bob');
  await sync(site);
  (await reading(site)).close();
  await revokeRow(site, 'alice', 'bob');
  const met: string[] = [];
  proxy.beforeKick = async () => {
    proxy.beforeKick = undefined; // the first is the one that counts
    const bob = await site.login('bob');
    met.push((await bob.command(`SELECT ${INBOX}`)).status);
    bob.close();
  };
  await sync(site);
  t.same(met, ['NO'], 'the entry went before the cut (R49)');
});

t.test('one who has gone by themselves, and come back: the new session is not their old one', async (t) => {
  const { site, proxy } = await proxied(t);
  const bob = await site.login('bob');
  proxy.lying = true;
  const cutter = sessionCutter(configOf(site), {});
  const cut = await cutter?.cut(at('bob'));
  t.equal(cut?.before, 1);
  const again = await site.login('bob');
  bob.close();
  t.equal(await cut?.ended(), true);
  t.equal((await again.command('NOOP')).status, 'OK');

  t.comment('and a login with an asterisk in it is nobody else');
  proxy.lying = false;
  t.equal((await cutter?.cut(at('b*')))?.before, 0, 'of whom there is no session');
  t.equal((await again.command('NOOP')).status, 'OK', 'so that bob goes on');
  again.close();
});

t.test('who names a session for a moment after it has ended', async (t) => {
  const { site, proxy } = await proxied(t);
  await grantRow(site, 'alice', 'bob');
  await sync(site);
  const bob = await reading(site);
  await revokeRow(site, 'alice', 'bob');
  proxy.asked.splice(0);
  proxy.ghost = { pid: '2147483647', times: 4 };
  t.same((await sync(site)).failures, []);
  t.match(await bob.waitForBye(LIMIT_MS), /\S/);
  // Twice, since INBOX's entry goes in the first phase, those of the folders for sent mail and drafts in the second.
  const orders = proxy.asked.filter((commands) => commands !== 'who');
  t.strictSame(orders, ['who kick', 'who kick'], 'it orders no more than without');
  t.ok(proxy.ghost.times < 0, 'and looks until it is gone');
});

t.test('nobody is connected: there is nothing to look for', async (t) => {
  const { site, proxy } = await proxied(t);
  await grantRow(site, 'alice', 'bob');
  await sync(site);
  await revokeRow(site, 'alice', 'bob');
  proxy.asked.splice(0);
  t.same((await sync(site)).failures, []);
  t.strictSame(proxy.asked, ['who kick', 'who kick']);
});

t.test('the owner has no account any more: their delegate is cut, and that is proven too', async (t) => {
  const { site, proxy } = await proxied(t);
  await grantRow(site, 'alice', 'bob');
  await sync(site);
  const bob = await reading(site);
  await removeAccount(site, 'alice');
  await revokeRow(site, 'alice', 'bob');
  proxy.lying = true;
  for (const time of ['the first pass', 'and each until it has ended']) {
    t.match((await sync(site)).failures, [/^alice@lab\.test: retry: .*goes on/], time);
  }
  proxy.lying = false;
  t.same((await sync(site)).failures, []);
  t.match(await bob.waitForBye(LIMIT_MS), /\S/);
  proxy.asked.splice(0);
  t.same((await sync(site)).failures, []);
  t.strictSame(proxy.asked, [], 'then never again');
});

t.test('a process that serves several: all of them end, and it is seen', async (t) => {
  const shared = (endless: string) => `service imap {\n  client_limit = 5\n  process_limit = 1\n  ${endless}\n}`;
  const extraDovecot = {
    '2.3': shared('service_count = 0'),
    // As sessions.conf says for this case: without its lines, since they would crash anvil, which then forgets who is connected.
    '2.4': `${shared('restart_request_count = unlimited')}\nservice imap {\n  unix_listener "srv.imap/%{pid}" {\n    mode = 0600\n  }\n}`,
  };
  const site = await siteWith(t, { extraDovecot });
  const sessions = [await site.login('bob'), await site.login('bob')];
  const cut = await sessionCutter(configOf(site), {})?.cut(at('bob'));
  t.equal(cut?.before, 2);
  t.equal(await cut?.ended(), true);
  for (const bob of sessions) t.match(await bob.waitForBye(LIMIT_MS), /\S/);
});

t.test('the key may not ask who: cut, and not said to be proven', async (t) => {
  const site = await siteWith(t, { extraDovecot: 'doveadm_allowed_commands = kick' });
  await grantRow(site, 'alice', 'bob');
  const sidecar = await site.run();
  await site.settled();
  const bob = await reading(site);
  const revoked = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
  t.match(revoked, {
    status: 0,
    stdout: /verified for new logins only/,
    stderr: /sessions that bob@lab\.test had open have ended was not seen.*kick,who/,
  });
  t.notMatch(revoked.stdout, /verified: they see nothing/);
  t.match(await bob.waitForBye(LIMIT_MS), /\S/, 'it has ended');
  t.match(await site.mandat('status'), { stdout: /was not seen/ });
  t.match(await audited(site), /not seen to end/);
  t.equal(await sidecar.end(), 0);
});
