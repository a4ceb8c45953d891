/**
 * `mail_max_userip_connections = 10`, Dovecot's default, and a webmail on the same machine that holds ten sessions: a revoke gets through
 * all the same, or says what keeps it and is tried again at short intervals. R49.
 */
import path from 'node:path';
import t, { type Test } from 'tap';
import { examine } from '../../bridge/doctor/examine.ts';
import type { RawImap } from '../../config/lab/raw-imap.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { configOf, runInside, sync } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, type SiteOptions, startSite } from './site.ts';
import { FULL, SPECIAL, seen } from './wire.ts';

const LIMIT_MS = 60_000;
const ALL = { INBOX: FULL, Drafts: SPECIAL, Junk: SPECIAL, Sent: SPECIAL, Trash: SPECIAL };

async function granted(t: Test, options: Partial<SiteOptions>): Promise<Site> {
  const site = await startSite({ postfix: false, senderRules: false, ...options, users: ['alice', 'bob'] });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  return site;
}

/** As many as Dovecot takes, by a webmail at 127.0.0.1. */
async function webmail(t: Test, site: Site, name: string): Promise<readonly RawImap[]> {
  const sessions: RawImap[] = [];
  for (let n = 0; n < 10; n++) sessions.push(await site.login(name));
  t.teardown(() => {
    for (const session of sessions) session.close();
  });
  await t.rejects(site.login(name), /\[LIMIT\]/, 'there is no eleventh');
  return sessions;
}

const lives = async (sessions: readonly RawImap[]) =>
  (await Promise.all(sessions.map((one) => one.command('NOOP').catch(() => ({ status: 'BYE' }))))).filter(
    ({ status }) => status === 'OK',
  ).length;

t.test('an address of our own', async (t) => {
  const site = await granted(t, { extraImap: 'local_address = "127.0.0.2"' });
  const sessions = await webmail(t, site, 'alice');
  await revokeRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.equal(await lives(sessions), 10, 'the owner keeps theirs');
  t.same(await seen(site, 'alice', 'bob'), {});
  t.match(await finding(site), { status: 'ok', seen: /127\.0\.0\.2/ });
});

t.test('the same address: the owner makes room', async (t) => {
  const site = await granted(t, {});
  const sessions = await webmail(t, site, 'alice');
  await revokeRow(site, 'alice', 'bob');
  const { failures, steps } = await sync(site);
  t.same(failures, []);
  t.ok(
    steps.some((step) => step.kind === 'cut' && step.login === at('alice')),
    'which is told',
  );
  t.equal(await lives(sessions), 0);
  t.same(await seen(site, 'alice', 'bob'), {});
  await grantRow(site, 'alice', 'bob');
  const again = await webmail(t, site, 'alice');
  t.match((await sync(site)).failures, [/no login now.*mail_max_userip_connections/], 'for a grant nobody is cut off');
  t.equal(await lives(again), 10);
  t.match(await finding(site), { status: 'ok', seen: /mail_max_userip_connections = 10.*ends the owner's sessions/ });
});

t.test('nothing to end sessions with: tried again at short intervals', async (t) => {
  const site = await granted(t, {
    sessions: false,
    extraToml: '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 300\n',
  });
  t.match(await finding(site), { status: 'warn', remedy: /imap\.local_address/ });
  const sessions = await webmail(t, site, 'alice');
  const one = await runInside(site);
  t.teardown(() => one.stop());
  await revokeRow(site, 'alice', 'bob');
  await waitFor('seven attempts', LIMIT_MS, () => one.log().some(({ attempt }) => attempt === 7)); // doubling takes a minute
  const { stdout } = await site.mandat('status');
  t.match(stdout, /mail_max_userip_connections.*imap\.local_address/s);
  t.strictSame(await seen(site, 'alice', 'bob'), ALL, 'the delegate still sees everything');
  sessions[0]?.close();
  await waitFor('the revoke', LIMIT_MS, async () => Object.keys(await seen(site, 'alice', 'bob')).length === 0);
  await site.settled();
});

t.test("the delegate's ten sessions", async (t) => {
  await t.test('at a grant that cuts them anyway', async (t) => {
    const site = await startSite({ users: ['alice', 'bob'], postfix: false });
    t.teardown(() => site.stop());
    await site.register('alice', 'bob');
    const sessions = await webmail(t, site, 'bob');
    await grantRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, []);
    t.equal(await lives(sessions), 0);
    t.strictSame(await seen(site, 'alice', 'bob'), ALL);
  });
  await t.test('at one that leaves them', async (t) => {
    const site = await startSite({ users: ['alice', 'bob'], postfix: false, extraSessions: 'on_grant = "leave"' });
    t.teardown(() => site.stop());
    await site.register('alice', 'bob');
    const sessions = await webmail(t, site, 'bob');
    await grantRow(site, 'alice', 'bob');
    t.match((await sync(site)).failures, [/mail_max_userip_connections/]);
    t.equal(await lives(sessions), 10);
    sessions[0]?.close();
    await waitFor('the place', LIMIT_MS, async () => (await sync(site)).failures.length === 0);
    for (let n = 0; n < 2; n++) await site.login('bob').catch(() => {});
    await revokeRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, [], 'at a revoke they are ended in any case');
    t.equal(await lives(sessions.slice(1)), 0);
  });
});

t.test('an address that this machine has not', async (t) => {
  for (const [address, tls] of [
    ['192.0.2.1', 'none'],
    ['::1', 'none'],
  ] as const) {
    const site = await startSite({
      users: ['alice', 'bob'],
      postfix: false,
      extraImap: `local_address = "${address}"`,
    });
    t.teardown(() => site.stop());
    await site.register('alice', 'bob');
    await grantRow(site, 'alice', 'bob');
    t.match((await sync(site)).failures, [/: config: .*imap\.local_address/], `${address}, tls ${tls}`);
  }
});

async function finding(site: Site) {
  const config = path.join(site.lab.directory, 'dovecot/dovecot.conf');
  const lines = await examine(configOf(site), {}, { dovecotConfig: config });
  return lines.find(({ check }) => check === 'session limit');
}
