/**
 * Groups from the userdb (acl_groups), and entries for them in a mailbox. A group's entry by `group-override` outweighs the delegate's own: it
 * takes from them, and lets them in after a revoke. Which people are in a group only the server knows; what a delegate really has is seen.
 */
import t, { type Test } from 'tap';
import { dryRun, sync, verify } from '../inside.ts';
import { grantRow, revokeRow } from '../rows.ts';
import { at, type Site, startSite } from '../site.ts';
import { does, entries, entriesOf, granted, seen } from '../wire.ts';
import { group } from './site-entries.ts';
import { tell } from './story.ts';

await tell({
  site: { insideUserdb: group('nurses', 'alice', 'bob') },
  before: (site) => does(site, 'alice', 'SETACL INBOX "!$doctors" lr', 'SETACL Work $doctors lrwstipekxa'),
});

interface Case {
  readonly entry: string;
  /** The folder that has it; with INBOX, and inheritance, all have it. */
  readonly folder: 'INBOX' | 'Work';
  /** What bob sees there while it is delegated to them, if not what was granted. */
  readonly during?: string;
  /** And after the revoke, if anything. */
  readonly after?: string;
}

const CASES: readonly Case[] = [
  { entry: '"!$nurses" lr', folder: 'Work', during: 'lr', after: 'lr' },
  { entry: '"!$nurses" lr', folder: 'INBOX', during: 'lr', after: 'lr' },
  { entry: '"!$nurses" i', folder: 'Work', during: 'i' },
  { entry: '"!$nurses" lrwstipekxa', folder: 'Work', during: 'aeiklprstwx', after: 'aeiklprstwx' },
  { entry: '"!$doctors" lr', folder: 'Work' },
  { entry: '"$nurses" lr', folder: 'Work', after: 'lr' },
  { entry: '"-$nurses" w', folder: 'Work', during: 'eiklprstx' },
  { entry: '"-!$nurses" r', folder: 'Work', during: 'eiklpstwx' },
];

for (const inherit of [true, false]) {
  t.test(`${inherit ? 'with' : 'without'} inheritance`, { jobs: 2 }, async (t) => {
    for (const one of inherit ? CASES : CASES.slice(0, 3))
      t.test(`${one.folder} ${one.entry}`, (t) => told(t, inherit, one));
  });
}

async function told(t: Test, inherit: boolean, { entry, folder, during, after }: Case): Promise<void> {
  const site = await startSite({
    inherit,
    insideUserdb: group('nurses', 'bob'),
    postfix: false,
    users: ['alice', 'bob'],
  });
  t.teardown(() => site.stop());
  await does(site, 'alice', 'CREATE Work', `SETACL ${folder} ${entry}`);
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  const name = /"(\S+)"/.exec(entry)?.[1] ?? '';
  const { failures, notices } = await sync(site);
  t.same(failures, []);
  const stood = await others(site);
  const has = await seen(site, 'alice', 'bob');
  if (during === undefined) t.same([notices, has], [[], granted('Work')]);
  else {
    t.ok(notices.length > 0);
    for (const one of notices) t.ok(one.includes(`foreign entry: "${name}" in `), one);
    if (during.includes('l')) t.match(has, { [folder]: during });
    t.match(await verify(site), [`by foreign entry: "${name}"`]);
    const { stdout } = await site.mandat('explain', at('alice'), at('bob'));
    t.ok(stdout.includes(name), 'explain names it');
  }
  const again = await sync(site);
  t.same([again.steps, again.failures], [[], []], 'nothing is written again');

  await revokeRow(site, 'alice', 'bob');
  const rehearsed = await dryRun(site);
  const revoked = await sync(site);
  t.same([revoked.failures, revoked.steps], [[], rehearsed.steps], 'as rehearsed');
  t.same(revoked.notices.length, after === undefined ? 0 : 1);
  for (const one of revoked.notices) t.ok(one.includes(`(${name})`), one);
  if (after === undefined) t.same(await seen(site, 'alice', 'bob'), {});
  t.same(await entriesOf(site, 'alice', 'bob'), {});
  t.same(await others(site), stood, "other people's entries stay as they were");
  t.same((await sync(site)).steps, [], 'nobody is cut again and again');
}

/** All but the delegate's. */
async function others(site: Site) {
  const all = Object.entries(await entries(site, 'alice'));
  return all.map(([folder, there]) => [folder, { ...there, [at('bob')]: undefined }]);
}

t.test('the command that revokes says who still gets in', async (t) => {
  const site = await startSite({ insideUserdb: group('nurses', 'bob'), postfix: false, users: ['alice', 'bob'] });
  t.teardown(() => site.stop());
  await does(site, 'alice', 'CREATE Work', 'SETACL Work "!$nurses" lr');
  await site.register('alice', 'bob');
  const given = await site.mandat('grant', at('alice'), at('bob'));
  t.match(given, { status: 0, stderr: /blocked by foreign entry: "!\$nurses" in Work keeps swipkxte from bob/ });
  const taken = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
  t.match(taken, { status: 0, stdout: /still get in by somebody else's entry/, stderr: /still sees Work .*!\$nurses/ });
  t.notMatch(taken.stdout, /see nothing any more/);
  t.match(taken.stdout, /who still has access:\n {4}!\$nurses may lr in 1 folder/);
});
