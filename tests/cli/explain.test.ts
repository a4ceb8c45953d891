/** explain: why in force or not, and whose what stands on the server is. */
import Database from 'better-sqlite3';
import t from 'tap';
import { routeThrough, startProxy } from '../servers/imap-proxy.ts';
import { sync } from '../servers/inside.ts';
import { grantRow, revokeRow } from '../servers/rows.ts';
import { at, type Site, startSite } from '../servers/site.ts';
import { does } from '../servers/wire.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob', 'carol', 'dan', 'erin'], postfix: false });
  await site.register('alice', 'bob', 'carol', 'dan', 'erin');
});
t.teardown(() => site?.stop());

interface Explained {
  readonly login: string;
  readonly inForce: boolean;
  readonly why: string;
  readonly phase: string | null;
  readonly conditions: readonly { readonly holds: boolean; readonly sentence: string; readonly remedy: string }[];
  readonly folders: readonly { readonly folder: string }[];
}
const explained = async (...delegate: string[]) =>
  JSON.parse((await site.mandat('--json', 'explain', at('alice'), ...delegate)).stdout) as Explained[];
const folder = ([one]: readonly Explained[], name: string) => one?.folders.find((found) => found.folder === name);

t.test('nobody yet', async (t) => {
  t.match(await site.mandat('explain', at('alice')), {
    status: 0,
    stdout: 'alice@lab.test is delegated to nobody\n',
    stderr: /^mandat: no sidecar is running: what the table says takes effect when one does/,
  });
});

t.test('what stood there before, what is ours, and what is theirs', async (t) => {
  // bob had something of their own before, erin has something and is no delegate.
  await does(
    site,
    'alice',
    'CREATE Projets',
    `SETACL INBOX ${at('bob')} lr`,
    `SETACL Projets ${at('bob')} l`,
    `SETACL Projets ${at('erin')} lr`,
  );
  await grantRow(site, 'alice', 'bob');
  t.match(await explained(at('bob')), [{ inForce: true, phase: null, trouble: null }], 'before the sidecar came');
  t.match(folder(await explained(at('bob')), 'INBOX'), { entry: 'lr', whose: 'theirs', before: null, sees: 'lr' });
  await sync(site);
  const found = await explained(at('bob'));
  t.match(found, [
    {
      login: at('bob'),
      identifier: at('bob'),
      inForce: true,
      why: 'the row is there and every condition holds',
      phase: 'verified',
      trouble: null,
    },
  ]);
  t.match(folder(found, 'INBOX'), { whose: 'ours', before: 'lr', against: [] });
  t.match(folder(found, 'Projets'), { whose: 'ours', before: 'l' });
  t.match(folder(found, 'Sent'), { before: null, against: [] });
  for (const one of found[0]?.folders ?? []) t.match(one, { sees: (one as unknown as { should: string }).should });
  t.match(await site.mandat('explain', at('alice'), at('bob')), {
    status: 0,
    stdout:
      /^alice@lab\.test to bob@lab\.test: in force: .*\non the server: verified as the delegate sees it\n(?: {2}ok {2}.*\n){19}FOLDER +SHOULD +SEES +OWN ENTRY +WHOSE +BEFORE +AGAINST THEM\n(.*\n)*INBOX +\w+ +\w+ +\w+ +ours +lr +-\n/,
  });

  await grantRow(site, 'alice', 'erin');
  t.match(folder(await explained(at('erin')), 'Projets'), { entry: 'lr', whose: 'theirs', sees: 'lr' });
  await revokeRow(site, 'alice', 'erin');
});

t.test('each reason why not', async (t) => {
  await grantRow(site, 'alice', 'carol');
  const set = (columns: string) => `UPDATE delegation SET ${columns} WHERE delegate = '${at('carol')}'`;
  const person = (columns: string) => `UPDATE delegate SET ${columns} WHERE id = '${at('carol')}'`;
  const mailbox = (columns: string) => `UPDATE mailbox SET ${columns} WHERE address = '${at('alice')}'`;
  const cases: readonly (readonly [change: string, back: string, why: string])[] = [
    [set('suspended = 1'), set('suspended = 0'), 'this delegation is suspended'],
    [person("state = 'suspended'"), person("state = 'active'"), 'the delegate is suspended'],
    [
      person("credential_valid_until = '2020-01-01T00:00:00.000Z'"),
      person('credential_valid_until = NULL'),
      "the delegate's credential has lapsed",
    ],
    [set("ends_at = '2020-01-01T00:00:00.000Z'"), set('ends_at = NULL'), 'it has ended'],
    [set("starts_at = '2999-01-01T00:00:00.000Z'"), set('starts_at = NULL'), 'it has not started yet'],
    [mailbox('eligible = 0'), mailbox('eligible = 1'), 'the mailbox is not eligible for delegation'],
    [mailbox("kind = 'ORG'"), mailbox("kind = 'PER'"), 'only a personal mailbox (PER) can be delegated'],
  ];
  for (const [change, back, why] of cases) {
    await site.sql(change);
    const found = await explained(at('carol'));
    t.match(found, [{ inForce: false, why, phase: null }], why);
    const failing = (found[0]?.conditions ?? []).filter(({ holds }) => !holds);
    t.match(failing, [{ sentence: why, remedy: /./ }], 'the one condition that fails, and what would change it');
    const { stdout } = await site.mandat('explain', at('alice'));
    t.match(stdout, `  NO  ${why}`);
    await site.sql(back);
  }
  t.match(
    folder(await explained(at('carol')), 'INBOX'),
    { should: /l/, sees: '', entry: null, whose: null },
    'waiting',
  );
});

t.test('somebody else keeps them out', async (t) => {
  await does(site, 'alice', `SETACL INBOX -${at('carol')} lr`);
  await sync(site);
  const found = await explained(at('carol'));
  t.match(found, [{ inForce: true }]);
  t.match(folder(found, 'INBOX'), { whose: 'ours', against: [`-${at('carol')}`] });
  t.notMatch((folder(found, 'INBOX') as unknown as { sees: string }).sees, /[lr]/);
  t.match(await site.mandat('explain', at('alice'), at('carol')), { stdout: /^INBOX .* ours +- +-carol@lab\.test$/m });
  await does(site, 'alice', `DELETEACL INBOX -${at('carol')}`);
});

t.test('revoked and not yet worked off: the ledger still knows them', async (t) => {
  await sync(site);
  await revokeRow(site, 'alice', 'carol');
  t.match(await explained(at('carol')), [
    { identifier: null, inForce: false, why: /it has been revoked/, phase: 'verified' },
  ]);
  t.equal((await explained()).length, 2, 'all of them without a name');
  await sync(site);
  t.equal((await explained()).length, 1);
});

t.test('what keeps it from being worked off: the last failure, and what the guard holds', async (t) => {
  const database = new Database(site.stateFile);
  database.exec(`UPDATE outcomes SET code = 'retry', message = 'the server was away', hint = 'wait', failed_version = 1, attempts = 3,
    failed_at = '2026-01-01T08:00:00.000Z', retry_at = '2026-01-01T08:00:08.000Z',
    notices = '[{"code": "held", "login": "${at('bob')}", "message": "held back, as many others"}]' WHERE address = '${at('alice')}'`);
  database.close();
  t.match(await explained(at('bob')), [
    { failure: { code: 'retry', attempts: 3, retryAt: '2026-01-01T08:00:08.000Z' }, held: /^held back/ },
  ]);
  const { stdout } = await site.mandat('explain', at('alice'), at('bob'));
  t.match(stdout, /^held: held back, as many others$/m);
  t.match(
    stdout,
    /^the last pass failed: retry: the server was away\n {4}wait\n {4}attempt 3, again at 2026-01-01T09:00:08\+01:00$/m,
  );
  await sync(site);
  t.match(await explained(at('bob')), [{ failure: null, held: null }]);
});

t.test('nobody there: 4', async (t) => {
  t.match(await site.mandat('explain', at('nobody')), {
    status: 4,
    stdout: '',
    stderr: /no such mailbox: nobody@lab\.test/,
  });
  t.match(await site.mandat('explain', at('alice'), at('dan')), {
    status: 4,
    stderr: /alice@lab\.test is not delegated to dan@lab\.test/,
  });
});

t.test(
  'a server that answers otherwise: what the table says, why it can not be asked, and the status of that',
  async (t) => {
    await site.sql(
      `INSERT INTO delegate (id) VALUES ('ghost@lab.test'); INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', 'ghost@lab.test')`,
    );
    t.match(await site.mandat('explain', at('alice'), 'ghost@lab.test'), {
      status: 4,
      stdout: /ghost@lab\.test: in force: .*\nnothing on the server is mandat's\n(.*\n)*INBOX +\w+ +\? +none/,
      stderr: /has no account ghost@lab\.test\n.*create the account/,
    });
    const wrong = await startProxy(site.lab.imap, () => 'drop');
    await routeThrough(site, wrong);
    await wrong.close();
    const down = await site.mandat('explain', at('alice'), at('bob'));
    t.match(down, {
      status: 5,
      stdout: /alice@lab\.test to bob@lab\.test: in force/,
      stderr: /can't be reached: ECONNREFUSED/,
    });
    t.match(await explained(at('bob')), [{ inForce: true, folders: [], trouble: { code: 'retry' } }]);
  },
);
