/** A revoke: nothing of ours stays anywhere, what stood before comes back, other people's entries are never touched. R49. */
import t, { type Test } from 'tap';
import { openState } from '../../bridge/configured/stores.ts';
import { deliver } from '../../config/lab/deliver.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { commandOf, routeThrough, startProxy } from './imap-proxy.ts';
import { configOf, runInside, sync, verify } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS, type Variant } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entriesOf, SPECIALS, seen, serverFiles, sharedName, sorted, subscribed, withLogin } from './wire.ts';

const LIMIT_MS = 60_000;
const letter = { from: 'patient@example.org', to: at('alice'), subject: 'Bilan', body: 'Bonjour' };

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({
      ...variant,
      reuse: false,
      users: ['alice', 'bob', 'carol', 'dave'],
      postfix: false,
    });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Projets', 'CREATE Projets/2024', 'CREATE Affaires', 'CREATE Divers');
    await does(site, 'alice', ...SPECIALS.map((folder) => `STATUS ${folder} (MESSAGES)`));
    await deliver(site.lab, at('alice'), 'INBOX', letter);
    await site.register('alice', 'bob', 'carol');
    await t.test('what stood before comes back', (t) => before(t, site, variant));
    await t.test('open sessions end', (t) => sessions(t, site));
    await t.test('in force when every folder is closed', (t) => closedFirst(t, site));
  });
}

/** Set by the owner's own hand: for others, against others, for a group, on themselves. */
const FOREIGN = [
  `SETACL INBOX ${at('dave')} lrs`,
  `SETACL Projets ${at('dave')} lrwstipek`,
  `SETACL Projets "-${at('carol')}" wt`,
  'SETACL Projets $secretariat lr',
  `SETACL Divers ${at('alice')} lrwsa`,
];
/** Bob's own, from before the delegation. */
const HIS = [`SETACL INBOX ${at('bob')} lr`, `SETACL Affaires ${at('bob')} lrs`];

async function before(t: Test, site: Site, { inherit }: Variant): Promise<void> {
  await does(site, 'alice', ...FOREIGN, ...HIS);
  const foreign = others(site);
  const saw = await seen(site, 'alice', 'bob');
  await grantRow(site, 'alice', 'bob', 'carol');
  t.same((await sync(site)).failures, []);
  t.same(others(site), foreign, 'a grant touches no other entry');

  await does(
    site,
    'alice',
    'RENAME Affaires Classement',
    'CREATE Neuf',
    'CREATE Projets/2025',
    'CREATE Classement/Sous',
  );
  await does(site, 'bob', `CREATE "${sharedName('alice', 'Projets/De Bob')}"`);
  await sync(site);
  t.same(Object.keys(await entriesOf(site, 'alice', 'bob')).includes('Classement/Sous'), true, 'copies are there');
  const meanwhile = others(site);

  await revokeRow(site, 'alice', 'bob', 'carol');
  t.same((await sync(site)).failures, []);
  t.same(
    await entriesOf(site, 'alice', 'bob'),
    { INBOX: sorted('lr'), Classement: sorted('lrs') },
    'their two entries as they were, one of them in a folder that has another name now; none in any other folder',
  );
  t.same(await entriesOf(site, 'alice', 'carol'), {}, 'she had none and has none');
  t.same(others(site), meanwhile, 'every other entry stands as it stood');
  const sees = await seen(site, 'alice', 'bob');
  t.same(sees.Classement, saw.Affaires);
  t.same(sees['Projets/2024'], inherit ? sorted('lr') : undefined, 'by inheritance alone, where there is one');
  t.same(sees.Neuf, inherit ? sorted('lr') : undefined, 'as in folders that were born meanwhile');
  t.same(await seen(site, 'alice', 'carol'), {});
  t.same(await verify(site), []);
  await does(site, 'alice', `DELETEACL INBOX ${at('bob')}`, `DELETEACL Classement ${at('bob')}`);
  t.same(await seen(site, 'alice', 'bob'), {}, 'and without what was their own they see nothing');
}

/** The ACL files line by line, without what concerns our two delegates and folders that have come or moved meanwhile. */
function others(site: Site): Record<string, readonly string[]> {
  const ours = [`user=${at('bob')} `, `user=${at('carol')} `];
  const found = Object.entries(serverFiles(site)).filter(([file]) =>
    /alice.*(Maildir|Projets|Divers)\/dovecot-acl$/.test(file),
  );
  return Object.fromEntries(
    found.map(([file, text]) => [
      file,
      text
        .split('\n')
        .slice(1)
        .filter((line) => line !== '' && !ours.some((start) => line.startsWith(start)))
        .sort(),
    ]),
  );
}

/** Special-use folders have entries of their own, and those that were made since the grant. */
async function closedFirst(t: Test, site: Site): Promise<void> {
  const state = await openState(configOf(site), { readonly: true });
  t.teardown(() => state.close());
  const withdrawn = async () =>
    (await state.query.selectFrom('audit').select('id').where('action', '=', 'withdrawn').execute()).length;
  const found: number[] = [];
  let leaving: Promise<number | null> | undefined;
  let leave = () => {};
  let refusals = 0;
  let born = '';
  const closed = new Set<string>();
  const proxy = await startProxy(site.lab.imap, async (line) => {
    if (commandOf(line) === 'DELETEACL') {
      found.push(await withdrawn());
      const [, folder = ''] = line.split('"');
      if (born === '' && SPECIALS.includes(folder)) {
        born = `${folder}/Entretemps`; // with a copy of the entry that is about to go
        await does(site, 'alice', `CREATE ${born}`);
      }
      closed.add(folder);
    }
    if (found.length > 1) leave();
    if (refusals === 0 || commandOf(line) !== 'DELETEACL' || !line.includes('Trash')) return 'pass';
    refusals--;
    return { reply: 'NO [SERVERBUG] a disk error' };
  });
  t.teardown(() => proxy.close());
  await site.stopSidecars();
  await routeThrough(site, proxy);
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  const before = await withdrawn();
  await revokeRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.equal(await withdrawn(), before + 1);
  t.ok(found.length > SPECIALS.length, `${found.length} entries`);
  t.ok(closed.has(born), 'that of a folder made meanwhile too');
  t.same(new Set(found), new Set([before]), 'none of them goes after the revoke is said to be in force');

  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  await revokeRow(site, 'alice', 'bob');
  refusals = 1;
  t.match(JSON.stringify((await sync(site)).failures), /disk error/);
  t.equal(await withdrawn(), before + 1, 'a folder that could not be closed: not in force');
  t.same((await sync(site)).failures, []);
  t.equal(await withdrawn(), before + 2, 'and in force when it is');
  t.same(await entriesOf(site, 'alice', 'bob'), {});

  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  const sidecar = await site.run();
  found.length = 0;
  leave = () => {
    leaving ??= sidecar.end();
  };
  await revokeRow(site, 'alice', 'bob');
  await waitFor('it is asked to leave in the midst of that', LIMIT_MS, () => leaving !== undefined);
  t.equal(await leaving, 0, 'it leaves: no session of its own keeps it');
  t.same((await sync(site)).failures, []);
}

async function sessions(t: Test, site: Site): Promise<void> {
  const sidecar = await runInside(site);
  t.teardown(() => sidecar.stop());
  await grantRow(site, 'alice', 'bob', 'carol');
  await site.settled();
  const bob = await site.login('bob');
  const idle = await site.login('bob');
  const carol = await site.login('carol');
  const inbox = `"${sharedName('alice', 'INBOX')}"`;
  for (const session of [bob, carol]) t.equal((await session.command(`SELECT ${inbox}`)).status, 'OK');
  t.equal((await bob.command('FETCH 1 (BODY[])')).status, 'OK');

  await revokeRow(site, 'alice', 'bob');
  t.match(await bob.waitForBye(LIMIT_MS), /\S/, 'the session that has the mailbox open');
  t.match(await idle.waitForBye(LIMIT_MS), /\S/, 'one that does something else too');
  await site.settled();
  t.equal((await carol.command('FETCH 1 (BODY[])')).status, 'OK', "a co-delegate's goes on");
  await withLogin(site, 'bob', async (again) => {
    t.same((await again.command('LIST "" "shared/*"')).lines, [], 'a fresh login sees nothing, not even the name');
    t.equal((await again.command(`SELECT ${inbox}`)).status, 'NO', 'and does not get in');
    t.equal((await again.command(`STATUS ${inbox} (MESSAGES)`)).status, 'NO');
  });
  t.same(subscribed(site, 'alice', 'bob'), []);
  t.same(
    sidecar.log().filter(({ level }) => Number(level) >= 50),
    [],
    'without an error in the log',
  );
  for (const session of [bob, idle, carol]) session.close();
}
