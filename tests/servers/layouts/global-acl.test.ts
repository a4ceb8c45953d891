/**
 * Sites with a global ACL file: its entries stand in every GETACL with `#` in front and outweigh all others. They are the site's: counted and
 * named, never written, never removed; the owner is proven by them too.
 */
import t, { type Test } from 'tap';
import { dovecotVersion } from '../../../config/lab/dovecot-version.ts';
import { dryRun, sync, verify } from '../inside.ts';
import { grantRow, revokeRow } from '../rows.ts';
import { at, type Site, type SiteOptions, startSite } from '../site.ts';
import { does, entriesOf, granted, seen, withLogin } from '../wire.ts';
import { globalAcl, group } from './site-entries.ts';
import { tell } from './story.ts';

const OWNER = '* owner lrwstipekxa\n';

// A line for owners: as if it were not there.
const FILES = { '.DEFAULT': 'owner lrwstipekxa\n', Sent: 'user=carol@lab.test lr\n' };
await Promise.all([
  tell({ site: { extraDovecot: await globalAcl(OWNER) } }),
  tell({ site: { extraDovecot: await globalAcl(OWNER), inherit: false, impersonate: 'suffix' } }),
  tell({ site: { extraDovecot: await globalAcl(`* user=bridge lr\n${OWNER}`) } }),
  // Dovecot 2.4 knows one file only.
  dovecotVersion() === '2.3' ? tell({ site: { extraDovecot: await globalAcl(FILES) } }) : undefined,
]);

interface Case {
  readonly why: string;
  readonly lines: string;
  readonly site?: Partial<SiteOptions>;
  /** What bob sees in these folders while it is delegated to them, as if all else were as granted; nothing: all of it is. */
  readonly during: Readonly<Record<string, string>>;
  /** Whether they still get in after the revoke. */
  readonly after?: boolean;
  readonly notice?: RegExp;
  /** As "verify" says who else has access. */
  readonly others?: readonly string[];
}

const nurses = { insideUserdb: group('nurses', 'bob') };
const SITES = String.raw`\(the site's, from its global ACL file\)`;
const blocked = (by: string, folders: string, what: string) =>
  new RegExp(
    `^blocked-by-foreign-entry: blocked by foreign entry: "${by}" ${SITES} in ${folders} keeps ${what} from bob@lab`,
  );

const CASES: readonly Case[] = [
  {
    why: 'for everybody',
    lines: `${OWNER}* anyone lr\n`,
    during: { INBOX: 'lr', Work: 'lr', Sent: 'lr' },
    after: true,
    notice: blocked('#anyone', 'INBOX, Work', 'swipkxte'),
    others: ['#anyone'],
  },
  {
    why: 'for the delegate, in one folder',
    lines: `*Work user=bob@lab.test lr\n`,
    during: { Work: 'lr' },
    after: true,
    notice: blocked('#bob@lab\\.test', 'Work', 'swipkxte'),
    others: ['#bob@lab.test'],
  },
  {
    why: 'for a group, of which they are one',
    lines: `${OWNER}* group=nurses lrs\n`,
    site: nurses,
    during: { INBOX: 'lrs', Work: 'lrs', Sent: 'lrs' },
    after: true,
    notice: blocked('#\\$nurses', 'INBOX, Work', 'wipkxte'),
    others: ['#$nurses'],
  },
  {
    why: 'for a group, of which they are none',
    lines: `* group=doctors lr\n`,
    site: nurses,
    during: {},
    others: ['#$doctors'],
  },
  { why: 'for somebody else', lines: `* user=dan@lab.test lr\n`, during: {}, others: ['#dan@lab.test'] },
  {
    why: 'against the delegate',
    lines: `* -user=bob@lab.test w\n`,
    during: { INBOX: 'eiklprstx', Work: 'eiklprstx', Sent: 'eiklprst' },
    notice: blocked('-#bob@lab\\.test', 'INBOX, .*', 'w'),
  },
  {
    why: 'against everybody',
    lines: `* -anyone p\n`,
    during: { INBOX: 'eiklrstwx', Work: 'eiklrstwx', Sent: 'eiklrstw' },
    notice: blocked('-#anyone', 'INBOX, .*', 'p'),
  },
  {
    why: 'against a group of theirs',
    lines: `* -group=nurses we\n`,
    site: nurses,
    during: { INBOX: 'iklprstx', Work: 'iklprstx', Sent: 'iklprst' },
    notice: blocked('-#\\$nurses', 'INBOX, .*', 'we'),
  },
  {
    why: 'more than granted',
    lines: `* user=bob@lab.test lrwstipekxa\n`,
    during: { INBOX: 'aeiklprstwx', Work: 'aeiklprstwx', Sent: 'aeiklprstwx' },
    after: true,
    notice: new RegExp(
      `foreign entry: "#bob@lab\\.test" ${SITES} in INBOX, Work gives bob@lab\\.test a more than granted`,
    ),
    others: ['#bob@lab.test'],
  },
  {
    why: 'by the name that delegates see, which shows to no owner',
    lines: `shared/* user=bob@lab.test lr\n`,
    during: { INBOX: 'lr', Work: 'lr', Sent: 'lr' },
    after: true,
    notice:
      /^blocked-by-foreign-entry: .* a line of the site's global ACL file that the owner's GETACL doesn't show, in INBOX/,
  },
];

const USERS = ['alice', 'bob', 'dan'];

for (const inherit of [true, false]) {
  t.test(`${inherit ? 'with' : 'without'} inheritance`, { jobs: 2 }, async (t) => {
    for (const one of inherit ? CASES : CASES.slice(0, 3)) t.test(one.why, (t) => told(t, inherit, one));
  });
}

async function told(t: Test, inherit: boolean, { lines, site: more, during, after, notice, others = [] }: Case) {
  const extraDovecot = await globalAcl(lines);
  const site = await startSite({ ...more, inherit, postfix: false, extraDovecot, users: USERS });
  t.teardown(() => site.stop());
  await does(site, 'alice', 'CREATE Work');
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  const { failures, notices } = await sync(site);
  t.same(failures, []);
  if (notice === undefined) t.same(notices, []);
  else
    t.match(
      notices.find((line) => notice.test(line)),
      notice,
      notices.join('\n'),
    );
  t.ok(notices.length <= 2, 'folders alike are told of at once');
  t.match(await seen(site, 'alice', 'bob'), { ...granted('Work'), ...all(during) });
  const differ = await verify(site);
  t.equal(differ.length === 0, notice === undefined, 'verify tells of it');
  if (after && others.length > 0) t.match(differ[0], `, by foreign entry: "${others[0]}`);
  const again = await sync(site);
  t.same([again.steps, again.failures], [[], []], 'nothing is written again');
  await named(t, site, others);

  await revokeRow(site, 'alice', 'bob');
  const { steps } = await dryRun(site);
  const revoked = await sync(site);
  t.same(revoked.steps, steps, 'as rehearsed');
  t.same(revoked.failures, []);
  t.same(await entriesOf(site, 'alice', 'bob'), {}, 'no entry of theirs is left');
  await withLogin(site, 'alice', async (alice) => {
    const { lines: acl } = await alice.command('GETACL Work');
    for (const other of others) t.match(acl.join(), other, "the site's stay");
  });
  if (after) t.match(revoked.notices, [/^let-in-by-foreign-entry: bob@lab\.test still sees (INBOX|Work)/]);
  else t.same([revoked.notices, await seen(site, 'alice', 'bob')], [[], {}]);
  t.same((await sync(site)).steps, [], 'and nobody is cut again and again');
  t.same(await verify(site), []);
}

/** Special folders as Sent, where all are alike. */
function all(during: Case['during']): Case['during'] {
  const { Sent } = during;
  return Sent === undefined ? during : { ...during, Drafts: Sent, Junk: Sent, Trash: Sent };
}

async function named(t: Test, site: Site, others: readonly string[]): Promise<void> {
  const found = JSON.parse((await site.mandat('--json', 'verify')).stdout);
  t.same(
    found.others.map(({ identifier }: { identifier: string }) => identifier),
    others,
  );
  const { stdout } = await site.mandat('explain', at('alice'));
  for (const other of others) t.match(stdout, `${other} may `);
  for (const _ of others) t.match(stdout, "by an entry of the site's own (its global ACL file)");
}

t.test('a line by which a delegate has less than everything in their own mailbox', async (t) => {
  const extraDovecot = await globalAcl('* user=bob@lab.test lr\n');
  const site = await startSite({ postfix: false, extraDovecot, users: USERS });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  const { failures } = await sync(site);
  t.match(failures, [/config: the session that was asked for bob@lab\.test may not administer its own INBOX/]);
  t.match(await site.mandat('status'), { status: 1, stdout: /global ACL file/ });
});
