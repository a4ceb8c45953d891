/** A session that isn't whose it should be: noticed before anything is written. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { senderSql } from '../../config/lab/sender-database.ts';
import { editConfig } from './configure.ts';
import { type Decide, routeThrough, startProxy } from './imap-proxy.ts';
import { configOf, sync, verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, password, type Site, startSite } from './site.ts';
import { does, entries, serverFiles } from './wire.ts';

/** Carol is the administrator of these tests: a user with a mailbox of her own, which nothing may be written into. */
const CAROL = at('carol');

/** A server that takes the password and drops the authorization identity without a word. */
const dropsAuthzid =
  (whose?: string): Decide =>
  (line) => {
    // On the command's own line: authzid NUL authcid NUL password.
    const [, command, response = ''] = /^(\S+ AUTHENTICATE PLAIN )(\S+)$/i.exec(line) ?? [];
    const said = Buffer.from(response, 'base64').toString().split('\0');
    if (command === undefined || said.length !== 3 || (whose !== undefined && said[0] !== at(whose))) return 'pass';
    return { line: command + Buffer.from(`\0${CAROL}\0${password('carol')}`).toString('base64') };
  };

async function siteThrough(t: Test, decide: Decide): Promise<Site> {
  const site = await startSite({ users: ['alice', 'bob', 'carol'], postfix: false });
  const proxy = await startProxy(site.lab.imap, decide);
  t.teardown(async () => {
    await proxy.close();
    await site.stop();
  });
  for (const name of ['alice', 'bob', 'carol'])
    await does(site, name, ...['Sent', 'Drafts', 'Junk', 'Trash'].map((folder) => `STATUS ${folder} (MESSAGES)`));
  await site.register('alice', 'bob');
  await routeThrough(site, proxy);
  return site;
}

/** Who may send as alice. */
async function senders(site: Site): Promise<readonly string[]> {
  const sql = `SELECT login FROM sender_login WHERE address = '${at('alice')}' ORDER BY 1;`;
  return (await senderSql(site.lab.senderDirectory, sql)).trim().split('\n');
}

t.test('the owner is asked for, and the administrator comes', async (t) => {
  const site = await siteThrough(t, dropsAuthzid());
  await grantRow(site, 'alice', 'bob');
  const files = serverFiles(site);
  t.match((await sync(site)).failures, [/^alice@lab\.test: unsafe: .*not proven to be theirs.*carol@lab\.test/]);
  t.same(serverFiles(site), files, 'nothing is written anywhere');
  t.same(await senders(site), [at('alice')], 'and nobody may send before they have an entry');
  t.match(await site.mandat('sync'), { status: 1, stderr: /imap\.impersonate/ });
  await t.rejects(verify(site), { code: 'unsafe' }, 'nor does verify take her for the owner');

  await t.test('even where the owner may administer her mailbox', async (t) => {
    await does(site, 'carol', `SETACL INBOX ${at('alice')} lrswipkxtea`);
    await editConfig(site, (toml) => toml.replace(/admin_user = ".*"/, `admin_user = "${CAROL}"`));
    const before = await entries(site, 'carol');
    t.match((await sync(site)).failures, [/: unsafe: /]);
    t.same(await entries(site, 'carol'), before);
  });
});

t.test('the delegate is asked for, and the administrator comes', async (t) => {
  let whose = 'bob';
  const site = await siteThrough(t, (...seen) => dropsAuthzid(whose)(...seen));
  const files = Object.entries(serverFiles(site)).filter(([file]) => file.includes(CAROL));
  await grantRow(site, 'alice', 'bob');
  const all = serverFiles(site);
  t.match((await sync(site)).failures, [/: unsafe: .*asked for bob@lab\.test/]);
  t.same(serverFiles(site), all, "nothing is written into the owner's mailbox either");
  t.same(await senders(site), [at('alice')], 'and they may not send');
  const proxied = configOf(site).imap.port;
  await routeThrough(site, site.lab.imap);
  t.same((await sync(site)).failures, []);
  await routeThrough(site, { port: proxied });
  await revokeRow(site, 'alice', 'bob');
  t.match((await sync(site)).failures, [/: unsafe: .*asked for bob@lab\.test/], 'a revoke is not believed either');
  t.same(await entries(site, 'alice').then((all) => all.INBOX), {}, 'though it is done');
  t.same(
    Object.entries(serverFiles(site)).filter(([file]) => file.includes(CAROL)),
    files,
    'she is subscribed to nothing',
  );
  await routeThrough(site, site.lab.imap);
  t.same((await sync(site)).failures, [], 'until it can be seen');

  await t.test('a revoke whose mailbox is out of reach: they may not send any more all the same', async (t) => {
    await grantRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, []);
    t.same(await senders(site), [at('alice'), at('bob')]);
    whose = 'alice';
    await routeThrough(site, { port: proxied });
    await revokeRow(site, 'alice', 'bob');
    t.match((await sync(site)).failures, [/: unsafe: .*not proven to be theirs/]);
    t.same(await senders(site), [at('alice')]);
  });
});

t.test('an ordinary user is no administrator', async (t) => {
  const site = await siteThrough(t, () => 'pass');
  await editConfig(site, (toml) => toml.replace(/admin_user = ".*"/, `admin_user = "${CAROL}"`));
  await writeFile(path.join(site.lab.directory, 'imap.secret'), `${password('carol')}\n`, { mode: 0o600 });
  await grantRow(site, 'alice', 'bob');
  const files = serverFiles(site);
  t.match((await sync(site)).failures, [/: config: .*refused to log carol@lab\.test in as alice@lab\.test/]);
  await editConfig(site, (toml) => toml.replace('impersonate = "authzid"', 'impersonate = "suffix"'));
  t.match((await sync(site)).failures, [/: config: .*refused to log carol@lab\.test in as alice@lab\.test/]);
  t.same(serverFiles(site), files);
});
