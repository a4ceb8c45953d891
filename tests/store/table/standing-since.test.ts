/** Since when a condition stands as it does: kept whoever writes. */
import t from 'tap';
import { conditions } from '../../../acl/policy.ts';
import { listDelegations } from '../../../bridge/store/table/delegation-list.ts';
import { turnsOf } from '../../../bridge/store/table/standing-since.ts';
import { freshStores } from '../fresh.ts';

t.test('each turn leaves its time, a write that changes nothing leaves none', async (t) => {
  const { table, sql } = await freshStores(t);
  await sql(`INSERT INTO mailbox (address) VALUES ('alice@lab.test'), ('carol@lab.test'); INSERT INTO delegate (id) VALUES ('bob'), ('dan');
    INSERT INTO delegation (mailbox, delegate) VALUES ('alice@lab.test', 'bob'), ('alice@lab.test', 'dan'), ('carol@lab.test', 'bob')`);
  const of = (mailbox = 'alice@lab.test', delegate = 'bob') => turnsOf(table, mailbox, delegate);
  t.same(await of(), {}, 'nothing has turned');
  const turned: string[] = [];
  for (const [change, what] of [
    ["UPDATE mailbox SET eligible = 0 WHERE address = 'alice@lab.test'", 'mailbox-not-eligible'],
    ["UPDATE mailbox SET kind = 'ORG' WHERE address = 'alice@lab.test'", 'mailbox-kind'],
    ["UPDATE mailboxes SET owner_listed = 0 WHERE address = 'alice@lab.test'", 'owner-not-listed'],
    ["UPDATE delegates SET listed = 0 WHERE identifier = 'bob'", 'delegate-not-listed'],
    ["UPDATE delegate SET credential_valid_until = '2030-01-01T00:00:00.000Z' WHERE id = 'bob'", 'credential-unknown'],
    ["UPDATE delegation SET suspended = 1 WHERE mailbox = 'alice@lab.test' AND delegate = 'bob'", 'suspended'],
    ["INSERT INTO domain (domain, eligible) VALUES ('lab.test', 0)", 'domain-not-eligible'],
  ] as const) {
    await sql(change);
    turned.push(what);
    t.same(Object.keys(await of()).sort(), [...turned].sort(), what);
  }
  t.same(Object.keys(await of('carol@lab.test')).sort(), [
    'credential-unknown',
    'delegate-not-listed',
    'domain-not-eligible',
  ]);
  t.same(Object.keys(await of('alice@lab.test', 'dan')).sort(), [
    'domain-not-eligible',
    'mailbox-kind',
    'mailbox-not-eligible',
    'owner-not-listed',
  ]);
  const first = await of();
  await sql(
    "UPDATE mailbox SET eligible = 0; UPDATE delegation SET suspended = 1 WHERE delegate = 'bob' AND mailbox = 'alice@lab.test'",
  );
  t.same(await of(), first, 'as it was');
  await sql("UPDATE mailbox SET eligible = 1 WHERE address = 'alice@lab.test'");
  t.ok(String((await of())['mailbox-not-eligible']) > String(first['mailbox-not-eligible']), 'and back: another time');

  const [row] = await listDelegations(table, { mailbox: 'alice@lab.test', delegate: 'bob' });
  if (row === undefined) throw new Error('no such row');
  const rules = { unknownCredential: 'valid', terms: null } as const;
  const told = conditions(row, rules, new Date().toISOString(), await of());
  const suspended = told.find(({ why }) => why === 'suspended');
  t.match(suspended, { holds: false, since: first.suspended });
  t.match(
    told.find(({ why }) => why === 'mailbox-not-eligible'),
    { holds: true, since: /^2/ },
  );

  await sql('DELETE FROM delegation; DELETE FROM delegate; DELETE FROM mailbox');
  t.same(await sql('SELECT count(*) FROM turns'), ['0'], 'gone with what they are of');
});
