/** By the driver for servers of which nothing is known: a session that isn't whose it should be, noticed before anything is written. */
import t from 'tap';
import { whyNoCyrus } from '../../config/lab/cyrus-packages.ts';
import { startCyrusSite } from './cyrus-site.ts';
import { type Decide, routeThrough, startProxy } from './imap-proxy.ts';
import { sync } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, password, startSite } from './site.ts';
import { does, entries, serverFiles } from './wire.ts';

/** A server that takes the password and drops the authorization identity without a word: of all, or of one. */
const dropsAuthzid =
  (login: string, secret: string, whose?: string): Decide =>
  (line) => {
    const [, command, response = ''] = /^(\S+ AUTHENTICATE PLAIN )(\S+)$/i.exec(line) ?? [];
    const [authzid] = Buffer.from(response, 'base64').toString().split('\0');
    if (command === undefined || (whose !== undefined && authzid !== whose)) return 'pass';
    return { line: command + Buffer.from(`\0${login}\0${secret}`).toString('base64') };
  };

t.test('Dovecot: another mailbox comes, whoever is asked for', async (t) => {
  const site = await startSite({ users: ['alice', 'bob', 'carol'], postfix: false, extraImap: 'server = "rfc4314"' });
  const proxy = await startProxy(site.lab.imap, dropsAuthzid(at('carol'), password('carol')));
  t.teardown(async () => {
    await proxy.close();
    await site.stop();
  });
  await does(site, 'carol', `SETACL INBOX ${at('alice')} lrswipkxtea`);
  await site.register('alice', 'bob');
  await routeThrough(site, proxy);
  const files = serverFiles(site);
  await grantRow(site, 'alice', 'bob');
  t.match((await sync(site)).failures, [
    /^alice@lab\.test: unsafe: .*asked for alice@lab\.test.*a login that nobody has/,
  ]);
  t.same(serverFiles(site), files, 'nothing is written, although alice may administer it');
});

t.test('Dovecot: another mailbox comes in the place of one delegate', async (t) => {
  const site = await startSite({ users: ['alice', 'bob', 'carol'], postfix: false, extraImap: 'server = "rfc4314"' });
  const proxy = await startProxy(site.lab.imap, dropsAuthzid(at('carol'), password('carol'), at('bob')));
  t.teardown(async () => {
    await proxy.close();
    await site.stop();
  });
  await site.register('alice', 'bob');
  await routeThrough(site, proxy);
  await grantRow(site, 'alice', 'bob');
  t.match((await sync(site)).failures, [/: unsafe: .*asked for bob@lab\.test .*INBOX names carol/]);
  t.same((await entries(site, 'alice')).INBOX, {}, 'and nothing is written for them');
  await routeThrough(site, site.lab.imap);
  t.same((await sync(site)).failures, []);
  await routeThrough(site, proxy);
  await revokeRow(site, 'alice', 'bob');
  t.match((await sync(site)).failures, [/: unsafe: .*asked for bob@lab\.test/], 'a revoke is not believed either');
  t.same((await entries(site, 'alice')).INBOX, {}, 'though it is done');
});

t.test("Cyrus: the administrator's session, which has no INBOX", { skip: await whyNoCyrus() }, async (t) => {
  const site = await startCyrusSite({ users: ['alice', 'bob'], extraImap: 'server = "rfc4314"' });
  const { user, password: secret } = site.lab.admin;
  const proxy = await startProxy(site.lab.imap, dropsAuthzid(user, secret));
  t.teardown(async () => {
    await proxy.close();
    await site.stop();
  });
  await site.register('alice', 'bob');
  await routeThrough(site, proxy);
  await grantRow(site, 'alice', 'bob');
  t.match((await sync(site)).failures, [/^alice@lab\.test: unsafe: .*asked for alice.*gives as little/]);
});
