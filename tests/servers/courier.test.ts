/** A real Courier, by the driver for servers of which nothing is known: whatever a server can do otherwise than Dovecot, it does. */
import { chown, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { type CourierLab, startCourier, whyNoCourier } from '../../config/lab/courier.ts';
import { quoted } from '../../config/lab/raw-imap.ts';
import { systemUser } from '../../config/lab/system-ids.ts';
import { dryRun, sync, verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, password, type Site, siteOn } from './site.ts';
import { does, list, withLogin, words } from './wire.ts';

const skip = await whyNoCourier();

async function courierSite(t: Test, imap = ''): Promise<Site<CourierLab>> {
  const loginOf = (name: string) => name;
  const users = ['alice', 'bob', 'carol'].map((name) => ({ login: name, password: password(name) }));
  const lab = await startCourier(users);
  t.teardown(() => lab.stop());
  const site = await siteOn(lab, { sharedPrefix: '#shared.', loginOf, imap });
  await does(site, 'alice', 'CREATE INBOX.Work', 'CREATE INBOX.Work.Sub', 'CREATE INBOX.Sent');
  await site.register('alice', 'bob');
  return site;
}

/** What the delegate sees in the shared namespace, with MYRIGHTS. */
async function seen(site: Site<CourierLab>): Promise<Record<string, string>> {
  return withLogin(site, 'bob', async (bob) => {
    const found: Record<string, string> = {};
    for (const name of await list(bob, '#shared.*')) {
      const { lines } = await bob.command(`MYRIGHTS ${quoted(name)}`);
      found[name] = lines.map(words).find(([, kind]) => kind === 'MYRIGHTS')?.[3] ?? '';
    }
    return found;
  });
}

/** A message, as a delivery program leaves one. */
async function deliver(site: Site<CourierLab>, owner: string, folder: string): Promise<void> {
  const file = path.join(site.lab.directory, owner, 'Maildir', folder, 'new', '1.2.lab');
  await writeFile(file, 'Subject: one\r\n\r\none\r\n');
  const { uid, gid } = systemUser('mail');
  await chown(file, uid, gid);
}

async function acls(site: Site<CourierLab>, owner: string): Promise<readonly string[]> {
  return withLogin(site, owner, async (imap) => {
    const answers: string[] = [];
    for (const name of await list(imap, '*')) answers.push(...(await imap.command(`GETACL ${quoted(name)}`)).lines);
    return answers;
  });
}

const ALL = { '#shared.alice': '', '#shared.alice.Work': '', '#shared.alice.Work.Sub': '', '#shared.alice.Sent': '' };
const each = (rights: string, others: Record<string, string> = {}) => ({
  ...Object.fromEntries(Object.keys(ALL).map((name) => [name, rights])),
  ...others,
});

t.test('grant, use, revoke: nothing that is tied to x', { skip }, async (t) => {
  const site = await courierSite(t);
  await does(site, 'alice', 'SETACL INBOX.Work carol lr', 'SETACL INBOX.Sent bob lr');
  const before = await acls(site, 'alice');
  await grantRow(site, 'alice', 'bob');
  const granted = await sync(site);
  t.same(granted.failures, []);
  t.match(granted.notices, [/tied-rights: te of lrswipkxte is not given to bob/], 'what is not given is said');
  t.same(await verify(site), []);
  t.same(await seen(site), each('cilprsw'), 'neither deletes nor expunges');
  const subscribed = await withLogin(
    site,
    'bob',
    async (bob) => (await bob.command('LSUB "" "#shared.*"')).lines.length,
  );
  t.ok(subscribed >= 4, 'subscribed');
  await does(site, 'bob', 'CREATE #shared.alice.Work.ByBob');
  await does(site, 'alice', 'CREATE INBOX.ByAlice');
  t.same((await sync(site)).failures, []);
  t.same(await verify(site), []);
  t.same((await dryRun(site)).steps, []);
  t.match(await seen(site), { '#shared.alice.Work.ByBob': 'cilprsw', '#shared.alice.ByAlice': 'cilprsw' });
  await does(site, 'alice', 'DELETE INBOX.Work.ByBob', 'DELETE INBOX.ByAlice');
  const { stdout } = await site.mandat('--json', 'doctor');
  for (const [check, status, said] of [
    ['identity', 'ok', /proven to be that of alice/],
    ['shared namespace', 'ok', /#shared\./],
    ['session cutting', 'warn', /outlive the revoke/],
  ] as const) {
    const all = JSON.parse(stdout) as readonly { check: string }[] | { checks: readonly { check: string }[] };
    const lines = 'checks' in all ? all.checks : all;
    t.match(
      lines.find((line) => line.check === check),
      { status, seen: said },
      `doctor: ${check}`,
    );
  }

  await revokeRow(site, 'alice', 'bob');
  const revoked = await sync(site);
  t.same(revoked.failures, []);
  t.match(revoked.notices.join('\n'), /no-session-cutting: sessions that bob has open outlive the revoke/);
  t.same(await acls(site, 'alice'), before, 'what stood there is put back');
  t.same(Object.keys(await seen(site)), ['#shared.alice.Sent'].sort());
  t.same(await verify(site), []);
});

t.test('for whoever trusts it with x: in the old letters, and Sent protected', { skip }, async (t) => {
  const site = await courierSite(t, 'server = "rfc4314"\nallow_carrying_off = true');
  await deliver(site, 'alice', '.Work');
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.same(await verify(site), []);
  t.same(await seen(site), each('cdilprsw', { '#shared.alice.Sent': 'cilprsw' }));
  await withLogin(site, 'bob', async (bob) => {
    t.equal((await bob.command('DELETE #shared.alice.Sent')).status, 'NO');
    t.equal((await bob.command('RENAME #shared.alice.Sent #shared.alice.Old')).status, 'NO');
    t.equal((await bob.command('SELECT #shared.alice.Work')).status, 'OK');
    t.equal((await bob.command('STORE 1 +FLAGS (\\Deleted)')).status, 'OK');
    t.match((await bob.command('EXPUNGE')).lines.join(), /EXPUNGE/);
  });
  await revokeRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.same(await seen(site), {});
  t.same(await verify(site), []);
});

t.test('an authorization identity that is ignored, and answered OK: nothing is written', { skip }, async (t) => {
  const site = await courierSite(t);
  site.lab.authzid = 'ignored';
  await grantRow(site, 'alice', 'bob');
  const all = async () => [await acls(site, 'alice'), await acls(site, 'bob')];
  const before = await all();
  t.match((await sync(site)).failures, [
    /^alice@lab\.test: unsafe: .*asked for alice is not proven.*a login that nobody has/,
  ]);
  t.same(await all(), before);
  await t.rejects(verify(site), { code: 'unsafe' });
  const bridge = await acls(Object.assign({}, site, { login: () => site.login('bridge') }), 'bridge').catch(() => []);
  t.notMatch(bridge.join('\n'), /bob/, "nor into the administrator's own mailbox");
  site.lab.authzid = 'honoured';
  t.same((await sync(site)).failures, [], 'mended, it is believed');
  site.lab.authzid = 'ignored';
  await revokeRow(site, 'alice', 'bob');
  t.match((await sync(site)).failures, [/unsafe/], 'a revoke is not said to be done either');
  t.match(await site.mandat('status'), { status: 1, stdout: /not proven/ });
  t.ok(at('alice'));
});

t.test('an account that is not there, and a password that is refused', { skip }, async (t) => {
  const site = await courierSite(t);
  await site.sql(`INSERT INTO mailbox (address, login) VALUES ('${at('nobody')}', 'nobody')`);
  await grantRow(site, 'nobody', 'bob');
  t.match((await sync(site)).failures, [/^nobody@lab\.test: config: .*refused to log bridge in as nobody/]);
});
