/** sync handed to a running sidecar says and answers what it does where none runs: notices, what the guard holds, failures. */
import t from 'tap';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entriesOf } from './wire.ts';

let site: Site;
t.before(async () => {
  site = await startSite({
    users: ['alice', 'carol', 'erin', 'bob', 'dan'],
    postfix: false,
    extraToml: '[guard]\nmax_pairs = 3\n[schedule]\nretry_min_seconds = 30\nretry_max_seconds = 30',
  });
  await site.register('alice', 'bob', 'dan');
  for (const owner of ['carol', 'erin']) await site.register(owner);
  for (const owner of ['alice', 'carol', 'erin']) await grantRow(site, owner, 'bob', 'dan');
  await site.run();
  await site.settled();
});
t.teardown(() => site?.stop());

const BY_SIDECAR = ' (the running sidecar did it)';

/** The same command with the sidecar, and without; the sidecar runs again afterwards. */
async function bothWays(...args: readonly string[]) {
  const handed = await site.mandat('sync', ...args);
  await site.stopSidecars();
  const alone = await site.mandat('sync', ...args);
  await site.run();
  return { handed, alone };
}

t.test('notices: somebody else keeps a delegate out', async (t) => {
  await does(site, 'alice', `SETACL INBOX -${at('bob')} lr`);
  const { handed, alone } = await bothWays();
  t.match(handed, {
    status: 0,
    stdout: `3 of 3 mailboxes in line${BY_SIDECAR}\n`,
    stderr: /^mandat: alice@lab\.test: blocked by foreign entry: "-bob@lab\.test" in INBOX/,
  });
  t.same({ ...handed, stdout: handed.stdout.replace(BY_SIDECAR, '') }, alone);
  t.match(JSON.parse((await site.mandat('--json', 'sync', at('alice'))).stdout), {
    mailboxes: 1,
    held: 0,
    failures: [],
    notices: [{ mailbox: at('alice'), code: 'blocked-by-foreign-entry', login: at('bob') }],
  });
  await does(site, 'alice', `DELETEACL INBOX -${at('bob')}`);
});

t.test('a mailbox that is named twice is done once', async (t) => {
  t.match(await site.mandat('sync', at('alice'), at('alice')), {
    status: 0,
    stdout: `1 of 1 mailbox in line${BY_SIDECAR}\n`,
  });
});

t.test('one that fails, and others that do not', async (t) => {
  await site.sql("INSERT INTO mailbox (address) VALUES ('gone@lab.test')");
  await grantRow(site, 'gone', 'bob');
  const { handed, alone } = await bothWays();
  t.match(handed, {
    status: 1,
    stdout: `3 of 4 mailboxes in line${BY_SIDECAR}\n`,
    stderr: /^mandat: gone@lab\.test: the IMAP server has no account gone@lab\.test\n {8}create the account/,
  });
  t.same({ ...handed, stdout: handed.stdout.replace(BY_SIDECAR, '') }, alone);
  await site.sql("DELETE FROM mailbox WHERE address = 'gone@lab.test'");
  await site.settled();
});

t.test('what the guard holds, mailboxes that have left the table among it, until --force', async (t) => {
  await site.sql(
    // At once, or the running sidecar may see two disappearances that the guard lets pass.
    `BEGIN IMMEDIATE; DELETE FROM delegation WHERE mailbox = '${at('alice')}'; DELETE FROM mailbox WHERE address = '${at('carol')}'; COMMIT`,
  );
  const { handed, alone } = await bothWays();
  t.match(handed, {
    status: 1,
    stderr: /4 delegations disappeared at once and held back, .*: "mandat sync --force" lets go\n$/,
  });
  for (const owner of ['alice', 'carol'])
    for (const delegate of ['bob', 'dan'])
      t.match(handed.stderr, `mandat: ${at(owner)}: the delegation to ${at(delegate)} has disappeared`);
  const inOrder = ({ status, stdout, stderr }: typeof handed) => ({
    status,
    stdout: stdout.replace(BY_SIDECAR, ''),
    stderr: stderr.split('\n').sort(),
  });
  t.same(inOrder(handed), inOrder(alone));
  t.not(Object.keys(await entriesOf(site, 'carol', 'bob')).length, 0);

  t.match(await site.mandat('sync', '--force'), { status: 0, stderr: '' });
  for (const owner of ['alice', 'carol']) t.same(await entriesOf(site, owner, 'bob'), {});
  t.not(Object.keys(await entriesOf(site, 'erin', 'bob')).length, 0);
  await site.settled();
});
