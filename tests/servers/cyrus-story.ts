/** A grant on a real Cyrus, its use, drift and its end: one story for each way in which a Cyrus names folders. */
import t, { type Test } from 'tap';
import { whyNoCyrus } from '../../config/lab/cyrus-packages.ts';
import { quoted } from '../../config/lab/raw-imap.ts';
import { acls, type CyrusSite, type CyrusSiteOptions, seen, startCyrusSite, subscriptions } from './cyrus-site.ts';
import { dryRun, sync, verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at } from './site.ts';
import { does, SPECIALS, withLogin } from './wire.ts';

/** What a delegate gets by default: no `x`, with which they could carry a folder off. Cyrus adds the letters that are tied to others. */
const GIVEN = 'eiklprstw';
const AS_READ = 'lrswipktecd';

export async function tell(layout: Omit<CyrusSiteOptions, 'users'>): Promise<void> {
  const skip = await whyNoCyrus();
  await t.test('grant, use, drift, revoke', { skip }, async (t) => {
    const site = await startCyrusSite({ ...layout, users: ['alice', 'bob', 'carol'] });
    t.teardown(() => site.stop());
    const { own, shared, loginOf } = site;
    await does(site, 'alice', `CREATE ${quoted(own('Work'))}`, `CREATE ${quoted(own('Work', 'Sub'))}`);
    await withLogin(site, 'alice', (alice) => alice.append(own('Work'), 'Subject: one\r\n\r\nthe first\r\n'));
    // Others' entries, some of them the delegate's own: these are put back at the end, letter by letter.
    await does(site, 'alice', `SETACL ${quoted(own('Work'))} ${loginOf('bob')} lrsn3`);
    await does(site, 'alice', `SETACL ${quoted(own('Work'))} ${loginOf('carol')} lr`);
    const before = await acls(site, 'alice');

    await site.register('alice', 'bob');
    await grantRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, [], 'granted');
    t.same(await verify(site), [], 'verified');
    const { stdout } = await site.mandat('verify');
    t.match(stdout, /^this server gives each folder an entry of its own/m);
    t.notMatch(stdout, /inherit.conf|Dovecot/, 'nothing is said of another server');
    const folders = [[], ['Work'], ['Work', 'Sub'], ...SPECIALS.map((name) => [name])];
    const all = folders.map((folder) => shared('alice', ...folder));
    t.same(await seen(site, 'bob'), Object.fromEntries(all.map((name) => [name, GIVEN])), 'seen by the delegate');
    t.same(await subscriptions(site, 'bob'), [...all].sort());
    t.same((await dryRun(site)).steps, [], 'and nothing is left to do');
    await used(t, site);
    await born(t, site);
    await mended(t, site);

    const open = await site.login('bob');
    t.equal((await open.command(`SELECT ${quoted(shared('alice', 'Sent'))}`)).status, 'OK');
    await revokeRow(site, 'alice', 'bob');
    const { failures, notices } = await sync(site);
    t.same([failures, notices], [[], []], 'revoked');
    await open.waitForBye(10_000);
    const copied = { [own('Work', 'Below')]: { [loginOf('carol')]: 'lr' } }; // by the server, from its parent
    t.same(await acls(site, 'alice'), { ...before, ...copied }, 'what stood there is as it was, to the letter');
    t.same(Object.keys(await seen(site, 'bob')), [shared('alice', 'Work')], 'and gives what it gave');
    t.same(await subscriptions(site, 'bob'), [], 'nothing dead is left among their subscriptions');
    t.same(await verify(site), []);
    t.same((await dryRun(site)).steps, []);
  });
}

async function used(t: Test, site: CyrusSite): Promise<void> {
  const { shared, own } = site;
  await withLogin(site, 'bob', async (bob) => {
    t.equal((await bob.command(`SELECT ${quoted(shared('alice', 'Work'))}`)).status, 'OK');
    t.match((await bob.command('FETCH 1 BODY[TEXT]')).lines.join('\n'), 'the first', 'reads');
    const filed = await bob.append(shared('alice', 'Work'), 'Subject: two\r\n\r\nthe second\r\n');
    t.equal(filed.status, 'OK', 'files');
    t.equal((await bob.command('STORE 1 +FLAGS (\\Deleted)')).status, 'OK');
    t.match((await bob.command('EXPUNGE')).lines.join('\n'), /EXPUNGE/, 'deletes');
    for (const line of [
      `RENAME ${quoted(shared('alice', 'Work'))} ${quoted(own('Mine now'))}`,
      `RENAME ${quoted(shared('alice', 'Sent'))} ${quoted(shared('alice', 'Old'))}`,
      `DELETE ${quoted(shared('alice', 'Sent'))}`,
      `SETACL ${quoted(shared('alice'))} ${site.loginOf('carol')} lr`,
      `GETACL ${quoted(shared('alice'))}`,
    ])
      t.equal((await bob.command(line)).status, 'NO', line);
  });
  await withLogin(site, 'alice', async (alice) => {
    await alice.command(`SELECT ${quoted(own('Work'))}`);
    t.match((await alice.command('FETCH 1:* BODY.PEEK[TEXT]')).lines.join('\n'), 'the second', 'as the owner sees');
  });
}

/** Folders made by both: a new one copies its parent's entries. */
async function born(t: Test, site: CyrusSite): Promise<void> {
  const { shared, own } = site;
  await does(site, 'bob', `CREATE ${quoted(shared('alice', 'By bob'))}`);
  await does(site, 'alice', `CREATE ${quoted(own('By alice'))}`, `CREATE ${quoted(own('Work', 'Below'))}`);
  t.same((await sync(site)).failures, [], 'folders of both');
  t.same(await verify(site), []);
  const there = await seen(site, 'bob');
  for (const name of [['By bob'], ['By alice'], ['Work', 'Below']]) t.equal(there[shared('alice', ...name)], GIVEN);
  const found = await acls(site, 'alice');
  t.equal(found[own('By alice')]?.[site.loginOf('bob')], AS_READ);
}

async function mended(t: Test, site: CyrusSite): Promise<void> {
  const { own, loginOf } = site;
  await does(
    site,
    'alice',
    `DELETEACL ${quoted(own('Work', 'Sub'))} ${loginOf('bob')}`,
    `SETACL ${quoted(own('Sent'))} ${loginOf('bob')} lr`,
    `SETACL ${quoted(own('Drafts'))} ${loginOf('bob')} lrswipkxtea`,
  );
  t.not((await verify(site)).length, 0, 'drift is found');
  t.same((await sync(site)).failures, []);
  t.same(await verify(site), [], 'and mended');
  const { stdout } = await site.mandat('explain', at('alice'), '--json');
  const [told] = JSON.parse(stdout) as readonly { readonly folders: readonly Record<string, unknown>[] }[];
  t.same(
    told?.folders.filter(({ sees, should }) => sees !== should),
    [],
    'explain says so too',
  );
}
