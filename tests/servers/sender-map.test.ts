/** The map after mailboxes and logins change, and what a sweep makes of rows that aren't ours to be there. */
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { withdrawStale } from '../../bridge/reconcile/first-phase.ts';
import { openSenderMap, prepareSenderMap, SENDER_FILE } from '../../bridge/store/published/sender-map.ts';
import { senderSql } from '../../config/lab/sender-database.ts';
import { systemGroup } from '../../config/lab/system-ids.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { must } from '../cli/desk.ts';
import { at, type Site, startSite } from './site.ts';
import { senderAnswer } from './submission.ts';

let site: Site;

t.before(async () => {
  site = await startSite({ users: ['alice', 'bob', 'carol', 'dave', 'eve'] });
});
t.teardown(() => site?.stop());

/** `address login` of every row, without the domain. */
async function rows(): Promise<readonly string[]> {
  const text = await senderSql(
    site.lab.senderDirectory,
    "SELECT address || ' ' || login FROM sender_login ORDER BY 1;",
  );
  return text
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((row) => row.replaceAll('@lab.test', ''));
}

const allowed = async (name: string, from: string) => (await senderAnswer(site, name, at(from))).code === 250;

t.test('what changes in the table changes in the map, and no more', async (t) => {
  await site.register('alice', 'bob', 'carol');
  await must(site.mandat('mailbox', 'alias', 'add', at('alice'), at('doc')));
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
  await site.register('dave');
  await site.run();
  await site.settled();
  t.same(await rows(), ['alice alice', 'alice bob', 'dave dave', 'doc alice', 'doc bob']);

  const cases: readonly (readonly [sql: string, then: readonly string[], why: string])[] = [
    [
      `UPDATE delegate SET login = '${at('carol2')}' WHERE id = '${at('carol')}'`,
      ['alice alice', 'alice bob', 'dave dave', 'doc alice', 'doc bob'],
      'a delegate without delegation',
    ],
    [
      `UPDATE delegate SET login = '${at('carol')}' WHERE id = '${at('carol')}'; INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('carol')}')`,
      ['alice alice', 'alice bob', 'alice carol', 'dave dave', 'doc alice', 'doc bob', 'doc carol'],
      'another delegate',
    ],
    [
      `DELETE FROM delegation WHERE delegate = '${at('bob')}'`,
      ['alice alice', 'alice carol', 'dave dave', 'doc alice', 'doc carol'],
      'one less',
    ],
    [
      `UPDATE mailbox SET address = '${at('alicia')}' WHERE address = '${at('alice')}'`,
      ['alicia alice', 'alicia carol', 'dave dave', 'doc alice', 'doc carol'],
      'a marriage: the address is another, the login the same',
    ],
    [
      `UPDATE mailbox SET address = '${at('alice')}' WHERE address = '${at('alicia')}'; DELETE FROM alias`,
      ['alice alice', 'alice carol', 'dave dave'],
      'the alias goes',
    ],
    [
      `INSERT INTO alias (address, mailbox) VALUES ('${at('doc')}', '${at('dave')}')`,
      ['alice alice', 'alice carol', 'dave dave', 'doc dave'],
      'and comes back as somebody else’s',
    ],
    [
      `DELETE FROM delegate WHERE id = '${at('carol')}'`,
      ['alice alice', 'dave dave', 'doc dave'],
      'a delegate is removed',
    ],
  ];
  for (const [sql, then, why] of cases) {
    await site.sql(sql);
    await site.settled();
    t.same(await rows(), then, why);
  }
  t.ok(await allowed('dave', 'doc'));
  t.notOk(await allowed('alice', 'doc'));
});

t.test('another login of the same person: the old one may nothing any more', async (t) => {
  await site.sql(
    `INSERT INTO delegate (id, login) VALUES ('bb', '${at('carol')}'); INSERT INTO delegation (mailbox, delegate) VALUES ('${at('dave')}', 'bb')`,
  );
  await site.settled();
  t.ok(await allowed('carol', 'dave'));
  await must(site.mandat('delegate', 'set', 'bb', '--login', at('eve')));
  await site.settled();
  t.notOk(await allowed('carol', 'dave'), 'the old login');
  t.ok(await allowed('eve', 'dave'), 'the new one');
  await must(site.mandat('delegate', 'remove', 'bb', '--yes'));
  await site.settled();
  t.notOk(await allowed('eve', 'dave'));
});

t.test('the owner’s login is another: the old one keeps nothing', async (t) => {
  await must(site.mandat('mailbox', 'set', at('dave'), '--login', at('carol')));
  await site.settled();
  t.same(await rows(), ['alice alice', 'dave carol', 'doc carol']);
  await must(site.mandat('mailbox', 'set', at('dave'), '--login', at('dave')));
  await site.settled();
});

t.test('a mailbox that is removed takes its rules along, and a new one of that name starts afresh', async (t) => {
  await must(site.mandat('grant', at('alice'), at('bob')));
  t.ok(await allowed('bob', 'alice'));
  await must(site.mandat('mailbox', 'remove', at('alice'), '--yes'));
  await site.settled();
  t.same(await rows(), ['dave dave', 'doc dave']);
  t.notOk(await allowed('bob', 'alice'));
  t.ok(await allowed('alice', 'alice'), 'her own address is hers without mandat');
  await site.sql(`INSERT INTO mailbox (address) VALUES ('${at('alice')}')`);
  await site.settled();
  t.same(await rows(), ['alice alice', 'dave dave', 'doc dave']);
  t.notOk(await allowed('bob', 'alice'));
});

t.test('rows that nobody granted: verify names them, a sweep takes them away', async (t) => {
  const insert = `INSERT INTO sender_login SELECT '${at('alice')}', '${at('bob')}', mailbox FROM sender_login WHERE login = '${at('alice')}';
    INSERT INTO sender_login VALUES ('${at('ceo')}', '${at('bob')}', 4711); DELETE FROM sender_login WHERE address = '${at('doc')}';`;
  await senderSql(site.lab.senderDirectory, insert);
  t.ok((await allowed('bob', 'ceo')) && (await allowed('bob', 'alice')), 'somebody has written into our map');
  const { status, stdout } = await site.mandat('verify');
  t.equal(status, 1);
  t.match(stdout, /^alice@lab\.test: bob@lab\.test: may send as alice@lab\.test, should not$/m);
  t.match(stdout, /^dave@lab\.test: dave@lab\.test: may not send as doc@lab\.test, should$/m);
  t.match(
    stdout,
    /^ceo@lab\.test: bob@lab\.test: may send as ceo@lab\.test, should not: the rule belongs to no mailbox$/m,
  );
  t.match(stdout, /\b3 differences\n$/);
  const next = await site.run().catch((error: Error) => error.message);
  t.match(next, /MANDAT_RUNNING/, 'a second sidecar is refused');
  await site.stopSidecars();
  const { stdout: rehearsed } = await site.mandat('sync', '--dry-run');
  t.match(rehearsed, /^no longer let bob@lab\.test send as ceo@lab\.test$/m, 'a dry run tells of the stale one too');
  await site.run(); // which sweeps as it starts
  await waitFor(
    'the map to be as it should',
    15_000,
    async () => (await rows()).join() === 'alice alice,dave dave,doc dave',
  );
  t.notOk(await allowed('bob', 'ceo'));
  t.match(await site.mandat('verify'), { status: 0 });

  await site.stopSidecars();
  await senderSql(site.lab.senderDirectory, insert);
  await must(site.mandat('sync'));
  t.same(await rows(), ['alice alice', 'dave dave', 'doc dave'], 'sync does the same');
  const trail = JSON.parse((await must(site.mandat('--json', 'audit'))).stdout) as Record<
    'action' | 'detail',
    string
  >[];
  const taken = trail.filter(({ action, detail }) => action === 'withdraw' && detail.includes(at('ceo')));
  t.equal(taken.length, 2, 'each is on record, though it belongs to no mailbox');
});

t.test('a publisher: only what differs, each mailbox by itself', async (t) => {
  const directory = path.join(t.testdir({}), 'sender');
  prepareSenderMap(directory, systemGroup('postfix'));
  const map = openSenderMap(directory);
  t.teardown(() => map.close());
  const rule = (address: string, login: string) => ({ address, login });
  const [own, bob, carol] = [rule('a@x.y', 'a@x.y'), rule('a@x.y', 'bob'), rule('a@x.y', 'carol')];
  t.same(map.publish(1, [own, bob]), { added: [own, bob], removed: [] });
  t.same(map.publish(1, [bob, own]), { added: [], removed: [] }, 'in another order it is the same');
  t.same(map.publish(1, [own, carol]), { added: [carol], removed: [bob] });
  t.same(map.publish(2, [rule('b@x.y', 'bob')]).added.length, 1);
  t.same(map.rules(1), [own, carol]);
  t.same(
    map.publish(2, [carol]),
    { added: [carol], removed: [rule('b@x.y', 'bob')] },
    'an address that has changed its mailbox',
  );
  t.same(map.publish(1, [own]), { added: [], removed: [] }, 'is left to the new one by the old');
  t.same(map.all(), [
    { ...own, mailboxId: 1 },
    { ...carol, mailboxId: 2 },
  ]);
  t.same(map.mailboxIds(0, 10), [1, 2]);
  const without =
    (...known: readonly number[]) =>
    async (ids: readonly number[]) =>
      ids.filter((id) => !known.includes(id));
  await withdrawStale(map, without(1, 2, 3));
  t.same(map.mailboxIds(0, 10), [1, 2], 'every one is known');
  await withdrawStale(map, without(1));
  t.same(map.mailboxIds(0, 10), [1]);
  t.same(map.rules(2), []);
  const reader = openSenderMap(directory, { readonly: true });
  t.same(reader.rules(1), [own]);
  t.throws(() => reader.publish(1, []), { code: 'config', message: /can't be written/ });
  reader.close();
  const file = new Database(path.join(directory, SENDER_FILE), { readonly: true });
  t.equal(file.pragma('journal_mode', { simple: true }), 'wal');
  file.close();
});
