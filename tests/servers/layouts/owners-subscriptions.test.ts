/**
 * `subscriptions = yes` in the shared namespace: a delegate's SUBSCRIBE writes the owner's list. It is found out, put back, and left alone; no owner's
 * list is left changed, by a grant, a revoke, folders that come and go, or a pass that ended early.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { waitFor } from '../../../config/lab/wait.ts';
import { examined } from '../../doctor/breakage.ts';
import { asShell } from '../../store/shell.ts';
import { dryRun, sync, verify } from '../inside.ts';
import { grantRow, revokeRow } from '../rows.ts';
import { at, type Site, startSite } from '../site.ts';
import { does, granted, SPECIALS, seen, subscribed, withLogin } from '../wire.ts';
import { tell } from './story.ts';

const SHARED_LIST = 'namespace shared {\n  subscriptions = yes\n}';
const USERS = ['alice', 'bob', 'carol', 'dan'];

await tell({ site: { extraDovecot: SHARED_LIST }, subscriptions: false });
await tell({ site: { extraDovecot: SHARED_LIST, storage: 'sdbox', inherit: false }, subscriptions: false });

/** The owner's list as it lies on the disk. */
function list(site: Site, owner: string): string {
  const file = path.join(site.lab.directory, 'mail', at(owner), 'Maildir/subscriptions');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}

const marked = async (site: Site) => JSON.parse((await site.mandat('--json', 'status')).stdout).subscriptionsKeptBy;

/** What owners may have subscribed to, and whether SUBSCRIBE alone can show whose list it is. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  nothing: [],
  something: ['SUBSCRIBE Work', 'SUBSCRIBE INBOX'],
  everything: ['SUBSCRIBE Work', 'SUBSCRIBE Plain', 'SUBSCRIBE INBOX'],
};

for (const [what, commands] of Object.entries(OWNERS)) {
  t.test(`an owner who is subscribed to ${what}`, async (t) => {
    const site = await startSite({ postfix: false, extraDovecot: SHARED_LIST, users: USERS });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Work', 'CREATE Plain', ...SPECIALS.map((name) => `SELECT ${name}`));
    await does(site, 'alice', ...commands);
    const before = list(site, 'alice');
    const as = (text: string) =>
      text
        .split('\n')
        .filter((line) => line !== '')
        .sort();
    await site.register('alice', 'bob', 'carol');
    await grantRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, []);
    t.same(as(list(site, 'alice')), as(before), 'the grant leaves it as it was');
    t.same(subscribed(site, 'alice', 'bob'), [], "and nothing in the delegate's own");
    t.same(await verify(site), []);
    t.same((await sync(site)).steps, [], 'nothing is tried again and again');
    const marks = !what.startsWith('everything'); // else nothing was left to be subscribed to
    if (marks) t.equal(await marked(site), 'owner');

    await grantRow(site, 'alice', 'carol');
    const { steps } = await dryRun(site);
    const second = await sync(site);
    t.same(second.failures, []);
    if (marks) t.same(second.steps, steps, 'as rehearsed');
    await does(site, 'alice', 'CREATE New');
    t.same((await sync(site)).failures, []);
    t.same(as(list(site, 'alice')), as(`${before}\nNew`), 'but for what is new, once');
    await revokeRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, []);
    t.same(as(list(site, 'alice')), as(`${before}\nNew`), 'a revoke takes nothing out of it');
    t.strictSame(await seen(site, 'alice', 'carol'), granted('New', 'Plain', 'Work'));
    await revokeRow(site, 'alice', 'carol');
    t.same((await sync(site)).failures, []);
    t.same(as(list(site, 'alice')), as(`${before}\nNew`));
  });
}

t.test('a pass that ended early leaves nothing behind', async (t) => {
  const site = await startSite({ postfix: false, extraDovecot: SHARED_LIST, users: USERS });
  t.teardown(() => site.stop());
  await does(site, 'alice', 'CREATE Work', 'CREATE Plain', 'SUBSCRIBE Plain');
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  const right = list(site, 'alice').split('\n').sort();
  /** In the ledger, as a pass notes it before it touches the list: 2, a SUBSCRIBE; 3, an UNSUBSCRIBE that was tried. */
  const noted = (folder: string, ours: number) =>
    asShell(site.stateFile, `INSERT INTO subscriptions SELECT id, '${folder}', ${ours} FROM ledger`);
  for (const end of [async () => {}, () => revokeRow(site, 'alice', 'bob')]) {
    noted('Work', 2);
    await does(site, 'alice', 'SUBSCRIBE Work');
    await end();
    t.same((await sync(site)).failures, []);
    t.same(list(site, 'alice').split('\n').sort(), right, 'what it had put in is out again');
    await grantRow(site, 'alice', 'bob').catch(() => {}); // there already, or again
    t.same((await sync(site)).failures, []);
    noted('Plain', 3);
    await does(site, 'alice', 'UNSUBSCRIBE Plain');
    await end();
    t.same((await sync(site)).failures, []);
    t.same(list(site, 'alice').split('\n').sort(), right, 'what it had taken out is in again');
  }
});

t.test('told once, and by the doctor', async (t) => {
  const site = await startSite({ postfix: false, extraDovecot: SHARED_LIST, users: USERS });
  t.teardown(() => site.stop());
  await does(site, 'alice', 'CREATE Work');
  await site.register('alice', 'bob');
  const given = await site.mandat('grant', at('alice'), at('bob'));
  t.match(given, { status: 0 });
  t.match((await site.mandat('status')).stdout, /subscriptions +.*the owner's list.*subscriptions = no/);
  const { stdout } = await site.mandat('explain', at('alice'));
  t.equal(stdout.match(/subscriptions = no/g)?.length, 1);
  const found = await examined(site);
  t.match(found.get('subscriptions'), { status: 'warn', remedy: /subscriptions = no/ });
});

t.test('a site that comes to it, and leaves it', async (t) => {
  const site = await startSite({ postfix: false, users: USERS });
  t.teardown(() => site.stop());
  const all = ['Work', 'INBOX', 'Sent', 'Drafts', 'Junk', 'Trash'].map((name) => `SUBSCRIBE ${name}`);
  await does(site, 'alice', 'CREATE Work', ...SPECIALS.map((name) => `SELECT ${name}`), ...all);
  await does(site, 'dan', 'CREATE Work', ...SPECIALS.map((name) => `SELECT ${name}`));
  const before = list(site, 'alice');
  const dans = list(site, 'dan');
  await site.register('alice', 'bob', 'carol');
  await site.register('dan', 'bob');
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  const own = subscribed(site, 'alice', 'bob');
  t.same(own, Object.keys(granted('Work')).sort(), 'lists of their own');

  await configured(site, SHARED_LIST);
  await revokeRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.same(list(site, 'alice').split('\n').sort(), before.split('\n').sort(), "a revoke leaves the owner's as it was");
  await grantRow(site, 'dan', 'bob');
  t.same((await sync(site)).failures, []);
  t.equal(list(site, 'dan'), dans);
  t.equal(await marked(site), 'owner');

  await configured(site, '');
  await grantRow(site, 'alice', 'carol');
  t.same((await sync(site)).failures, []);
  t.equal(await marked(site), 'delegate');
  t.same(subscribed(site, 'alice', 'carol'), Object.keys(granted('Work')).sort());
  t.same((await sync(site)).failures, []);
  t.same(subscribed(site, 'dan', 'bob'), Object.keys(granted('Work')).sort(), 'and what was left out comes');
});

/** Other lines at the end of dovecot.conf, and Dovecot started with them. */
async function configured(site: Site, extra: string): Promise<void> {
  const { readFile, writeFile } = await import('node:fs/promises');
  const file = path.join(site.lab.directory, 'dovecot/dovecot.conf');
  const text = (await readFile(file, 'utf8')).replaceAll(SHARED_LIST, '');
  await site.lab.stopDovecot();
  await writeFile(file, `${text}\n${extra}\n`);
  await site.lab.startDovecot();
  await waitFor('Dovecot', 5000, async () => withLogin(site, 'bob', async () => true));
}
