/** Cyrus' answers prove nothing: an entry is read again after each change. What a real one does seldom enough is put before it here. */
import t, { type Test } from 'tap';
import { whyNoCyrus } from '../../config/lab/cyrus-packages.ts';
import { acls, type CyrusSite, seen, startCyrusSite } from './cyrus-site.ts';
import { type Decide, routeThrough, startProxy } from './imap-proxy.ts';
import { sync, verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at } from './site.ts';
import { does } from './wire.ts';

const skip = await whyNoCyrus();

/** A site whose every IMAP command goes by somebody who can be told what to do. */
async function siteBehind(t: Test, options: Partial<Parameters<typeof startCyrusSite>[0]> = {}) {
  const site = await startCyrusSite({ users: ['alice', 'bob'], ...options });
  t.teardown(() => site.stop());
  let decide: Decide = () => 'pass';
  const proxy = await startProxy(site.lab.imap, (line) => decide(line));
  t.teardown(() => proxy.close());
  await routeThrough(site, proxy);
  const other = (next: Decide) => {
    decide = next;
  };
  return { site, let: other };
}

const asksFor = (line: string, command: string, folder: string) =>
  line.includes(` ${command} `) && line.includes(folder);

t.test('OK, and nothing was done', { skip }, async (t) => {
  const { site, let: decide } = await siteBehind(t);
  await does(site, 'alice', 'CREATE Work');
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  decide((line) => (asksFor(line, 'SETACL', 'Work') ? { reply: 'OK Completed' } : 'pass'));
  t.match((await sync(site)).failures, [/answered OK to SETACL for bob in Work of alice, and there is no entry/]);
  decide(() => 'pass');
  t.same((await sync(site)).failures, [], 'and it is mended');
  t.same(await verify(site), []);

  await revokeRow(site, 'alice', 'bob');
  decide((line) => (asksFor(line, 'DELETEACL', 'Work') ? { reply: 'OK Completed' } : 'pass'));
  t.match(
    (await sync(site)).failures[0],
    /answered OK to DELETEACL for bob in Work of alice, and the entry is lrswipkte/,
  );
  decide(() => 'pass');
  t.same((await sync(site)).failures, []);
  t.same(await seen(site, 'bob'), {});
});

t.test('NO, and it was done all the same', { skip }, async (t) => {
  const { site, let: decide } = await siteBehind(t);
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  const refusing = (command: string) => async (line: string) => {
    if (!asksFor(line, command, 'Sent')) return 'pass' as const;
    await does(site, 'alice', line.slice(line.indexOf(command)));
    return { reply: 'NO System I/O error' };
  };
  decide(refusing('SETACL'));
  t.same((await sync(site)).failures, [], 'what stands there counts');
  t.same(await verify(site), []);
  await revokeRow(site, 'alice', 'bob');
  decide(refusing('DELETEACL'));
  t.same((await sync(site)).failures, []);
  t.same(await acls(site, 'alice'), {});
});

t.test('NO, and it was not done', { skip }, async (t) => {
  const { site, let: decide } = await siteBehind(t);
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  decide((line) => (asksFor(line, 'SETACL', 'Sent') ? { reply: 'NO System I/O error' } : 'pass'));
  t.match((await sync(site)).failures, [/refused to SETACL in the mailbox of alice: NO +System I\/O error/]);
});

t.test('a login that LIST shows nothing', { skip }, async (t) => {
  const site: CyrusSite = await startCyrusSite({ namespace: 'dots', users: ['jean.dupont', 'bob'], specials: [] });
  t.teardown(() => site.stop());
  await site.register('jean.dupont', 'bob');
  await grantRow(site, 'jean.dupont', 'bob');
  t.match((await sync(site)).failures, [/lists no folder at all to jean\.dupont/]);
  const { stdout, status } = await site.mandat('verify', at('jean.dupont'));
  t.not(status, 0, `never said to be in order: ${stdout}`);
});

t.test('the authorization identity is lost on the way: nobody counts as gone', { skip }, async (t) => {
  const { site, let: decide } = await siteBehind(t);
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  const own = Buffer.from(`\0${site.lab.master.user}\0${site.lab.master.password}`).toString('base64');
  decide((line) => ({ line: line.replace(/AUTHENTICATE PLAIN \S+/, `AUTHENTICATE PLAIN ${own}`) }));
  const { stderr } = await site.mandat('sync'); // a process of its own, which has seen nobody
  t.match(stderr, /the session that was asked for alice has no INBOX.*or it is bridge's own/);
  t.notMatch(stderr, /no mailbox of alice/);
  decide(() => 'pass');
  t.same((await sync(site)).failures, []);
  t.same(await verify(site), []);
  await site.sql(`INSERT INTO mailbox (address, login) VALUES ('${at('gone')}', 'gone')`);
  await grantRow(site, 'gone', 'bob');
  const { failures } = await sync(site);
  t.match(failures, [/absent: the IMAP server has no mailbox of gone/], 'once it got through, who has none is absent');
});
