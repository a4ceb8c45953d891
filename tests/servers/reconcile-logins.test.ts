/** Logins change (a marriage), accounts move and go: the old one keeps nothing, the new one has all of it. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { dryRun, sync, verify } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS, type Variant } from './rows.ts';
import { at, password, type Site, startSite } from './site.ts';
import { tables } from './tables.ts';
import { does, entries, entriesOf, granted, seen, subscribed } from './wire.ts';

async function site(t: Test, variant: Variant): Promise<Site> {
  const started = await startSite({ ...variant, users: ['alice', 'alice2', 'bob', 'bob2', 'carol'], postfix: false });
  t.teardown(() => started.stop());
  for (const owner of ['alice', 'alice2']) await does(started, owner, 'CREATE Projets', 'CREATE Affaires');
  await does(started, 'alice', `SETACL Affaires ${at('bob')} lrs`);
  await started.register('alice', 'bob', 'carol');
  await grantRow(started, 'alice', 'bob', 'carol');
  await sync(started);
  return started;
}

const FOLDERS = ['Projets', 'Affaires'];
const senders = (here: Site) =>
  (tables(here)['sender.sender_login'] ?? []).map((row) => (row as { login: string }).login).sort();

/** What the sync is about to do is also what a dry run says. */
async function done(t: Test, here: Site): Promise<readonly string[]> {
  const said = await dryRun(here);
  const { steps, failures, notices } = await sync(here);
  t.same(said.steps, steps, 'as the dry run said');
  t.same(failures, []);
  return notices;
}

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    await t.test('of a delegate', async (t) => {
      const here = await site(t, variant);
      const carols = await entriesOf(here, 'alice', 'carol');
      t.match((await here.mandat('delegate', 'set', at('bob'), '--login', at('bob2'))).status, 0);
      t.same(await done(t, here), []);
      t.same(await entriesOf(here, 'alice', 'bob'), { Affaires: 'lrs' }, 'only what stood before');
      t.same(subscribed(here, 'alice', 'bob'), []);
      t.strictSame(await seen(here, 'alice', 'bob2'), granted(...FOLDERS));
      t.same(senders(here), ['alice', 'bob2', 'carol'].map(at));
      t.same(await entriesOf(here, 'alice', 'carol'), carols);
      t.same(await verify(here), []);
    });

    await t.test('of an owner', async (t) => {
      const here = await site(t, variant);
      await does(here, 'alice2', `SETACL Projets ${at('bob')} lr`);
      t.match((await here.mandat('mailbox', 'set', at('alice'), '--login', at('alice2'), '--no-wait')).status, 0);
      const differs = (await verify(here)).filter((one) => one.includes(`${at('carol')}: INBOX: may`));
      t.match(differs, [/may nothing, should lrs/, /may lrs.*another login/], 'verify looks at both accounts');
      t.same(await done(t, here), []);
      t.same(await seen(here, 'alice', 'carol'), {});
      t.same(await entriesOf(here, 'alice', 'bob'), { Affaires: 'lrs' });
      for (const delegate of ['bob', 'carol']) t.strictSame(await seen(here, 'alice2', delegate), granted(...FOLDERS));
      t.same(senders(here), ['alice2', 'bob', 'carol'].map(at));
      t.same(await verify(here), []);
      await revokeRow(here, 'alice', 'bob', 'carol');
      t.same(await done(t, here), []);
      t.same(await entriesOf(here, 'alice2', 'bob'), { Projets: 'lr' }, 'what stood there before');
      t.same(await entriesOf(here, 'alice2', 'carol'), {});
    });
  });
}

const [variant = { inherit: true, impersonate: 'authzid' as const }] = VARIANTS;

t.test('an account that is renamed on the server, mail and all', async (t) => {
  const here = await site(t, variant);
  await move(here, 'alice', 'alice3');
  await here.sql(`UPDATE mailbox SET login = '${at('alice3')}'`);
  t.match(await done(t, here), [/^no-server-account: .*alice@lab\.test/, /^no-server-account: /], 'it says so');
  for (const delegate of ['bob', 'carol']) t.strictSame(await seen(here, 'alice3', delegate), granted(...FOLDERS));
  t.same(await verify(here), []);
  t.equal(await here.sql('SELECT count(*) FROM pending'), '0\n');
  t.same((await sync(here)).steps, [], 'and is done with it');

  await revokeRow(here, 'alice', 'bob', 'carol');
  t.same((await sync(here)).failures, []);
  t.same(
    await entriesOf(here, 'alice3', 'bob'),
    { Affaires: 'lrs' },
    'our own old entry does not pass for one of theirs',
  );
  t.same(await entriesOf(here, 'alice3', 'carol'), {});

  await move(here, 'alice3', 'alice');
  await does(here, 'alice', `SETACL INBOX ${at('bob')} lr`);
  t.same((await sync(here)).failures, [], 'an account that comes back is looked at again');
  t.same(await seen(here, 'alice', 'carol'), {});
});

t.test('an account that is gone', async (t) => {
  const here = await site(t, variant);
  await move(here, 'carol', 'carol3');
  await revokeRow(here, 'alice', 'carol');
  t.match(await done(t, here), [/^no-server-account: carol@lab\.test/], 'of a delegate: nobody can look as them');
  t.same(await entriesOf(here, 'alice', 'carol'), {}, 'and nothing of theirs stays');

  await move(here, 'alice', 'alice3');
  t.match((await sync(here)).failures, [/: absent: /], 'of an owner with delegates: somebody must act');
  await here.sql('DELETE FROM mailbox');
  t.match(
    await done(t, here),
    [/^no-server-account: .*alice@lab\.test/],
    'of a mailbox that was removed: nothing to do',
  );
  t.equal(await here.sql('SELECT count(*) FROM pending'), '0\n');
  await move(here, 'alice3', 'alice');
  await sync(here);
  t.same(await entriesOf(here, 'alice', 'bob'), { Affaires: 'lrs' }, 'should it come back, it is cleaned then');
  t.same(new Set(Object.values(await entries(here, 'alice')).flatMap(Object.keys)), new Set([at('bob')]));
  t.same(tables(here)['state.ledger'], []);
});

/** Renames the account and its mail on the server; the password follows the name. */
async function move(here: Site, from: string, to: string): Promise<void> {
  const users = path.join(here.lab.directory, 'dovecot/users');
  const text = await readFile(users, 'utf8');
  await writeFile(users, text.replace(`${at(from)}:{PLAIN}${password(from)}`, `${at(to)}:{PLAIN}${password(to)}`));
  const home = (name: string) => path.join(here.lab.directory, 'mail', at(name));
  await rename(home(from), home(to));
  const isKnown = (name: string) =>
    here.login(name).then(
      (imap) => {
        imap.close();
        return true;
      },
      () => false,
    );
  await waitFor(`Dovecot to know ${to}`, 20_000, () => isKnown(to));
  await waitFor(`Dovecot to have forgotten ${from}`, 20_000, async () => !(await isKnown(from)));
}
