/** A grant in a mailbox that was looked at before asks for no list of folders first; what stood there and what is a copy stays told apart. */
import t, { type Test } from 'tap';
import { editConfig } from './configure.ts';
import { commandOf, routeThrough, startProxy } from './imap-proxy.ts';
import { sync } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS, type Variant } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entriesOf, FULL, sorted } from './wire.ts';

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol'], postfix: false });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Projets');
    await site.register('alice', 'bob', 'carol');
    await order(t, site);
    await t.test('a folder that was made since the last look', (t) => madeSince(t, site));
    await t.test('a folder that is made before the tree is read', (t) => madeMeanwhile(t, site, variant));
  });
}

/** Commands of one grant's owner session, up to the first change. */
async function beforeFirstChange(site: Site, delegate: string): Promise<readonly string[]> {
  const heard: string[] = [];
  const proxy = await startProxy(site.lab.imap, (line) => {
    heard.push(commandOf(line));
    return 'pass';
  });
  try {
    await routeThrough(site, proxy);
    await grantRow(site, 'alice', delegate);
    const { failures } = await sync(site);
    if (failures.length > 0) throw new Error(failures.join('; '));
  } finally {
    await routeThrough(site, site.lab.imap);
    await proxy.close();
  }
  return heard.slice(0, heard.indexOf('SETACL'));
}

async function order(t: Test, site: Site): Promise<void> {
  t.ok((await beforeFirstChange(site, 'bob')).includes('LIST'), 'never seen: its folders are listed first');
  t.notOk((await beforeFirstChange(site, 'carol')).includes('LIST'), 'seen: nothing is listed before the first change');
  await revokeRow(site, 'alice', 'bob', 'carol');
  t.same((await sync(site)).failures, []);
  t.same(await entriesOf(site, 'alice', 'carol'), {});

  await does(site, 'alice', `SETACL INBOX ${at('bob')} lr`);
  t.ok((await beforeFirstChange(site, 'bob')).includes('LIST'), 'shared with them by hand: listed first');
  await revokeRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.same(await entriesOf(site, 'alice', 'bob'), { INBOX: 'lr' }, 'and given back as it was');
  await does(site, 'alice', `DELETEACL INBOX ${at('bob')}`);
}

/** Shared by the owner's hand in a folder that mandat has never seen. */
async function madeSince(t: Test, site: Site): Promise<void> {
  await does(site, 'alice', 'CREATE Neuf', `SETACL Neuf ${at('bob')} lrs`);
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.equal((await entriesOf(site, 'alice', 'bob')).Neuf, FULL);
  await revokeRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.same(await entriesOf(site, 'alice', 'bob'), { Neuf: sorted('lrs') }, 'what the owner had given is given back');
  await does(site, 'alice', `DELETEACL Neuf ${at('bob')}`);
}

/** The server copies the entry that has just been written to INBOX, and mandat is stopped before it has read the tree. */
async function madeMeanwhile(t: Test, site: Site, { inherit }: Variant): Promise<void> {
  let written = false;
  const proxy = await startProxy(site.lab.imap, (line) => {
    if (written) return 'drop';
    written = commandOf(line) === 'SETACL';
    return 'pass';
  });
  await routeThrough(site, proxy);
  await grantRow(site, 'alice', 'bob');
  t.not((await sync(site)).failures.length, 0, 'the connection is lost after the first change');
  await routeThrough(site, site.lab.imap);
  await proxy.close();
  t.same(await entriesOf(site, 'alice', 'bob'), { INBOX: FULL });

  await does(site, 'alice', 'CREATE INBOX/Copie', `SETACL INBOX/Copie ${at('bob')} ${FULL}`);
  // Another policy from here on: the copy is no longer what INBOX's entry will be.
  await editConfig(site, (toml) => `${toml}\n[policy]\nrights = "lrs"\n`);
  t.same((await sync(site)).failures, []);
  t.equal((await entriesOf(site, 'alice', 'bob')).INBOX, sorted('lrs'));
  await revokeRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.same(await entriesOf(site, 'alice', 'bob'), {}, `nothing is left, ${inherit ? 'inherited or copied' : 'copied'}`);
}
