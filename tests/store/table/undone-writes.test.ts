/** What something in the table undoes at once is refused, whichever command's it is, and nothing is written. */
import t from 'tap';
import { endHolder } from '../../../bridge/store/table/account-holders.ts';
import { setCredentials } from '../../../bridge/store/table/credentials.ts';
import { addDelegate, removeDelegate, setDelegate } from '../../../bridge/store/table/delegates.ts';
import { type DelegationDb, openDelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { grant, revoke, setSuspended } from '../../../bridge/store/table/delegations.ts';
import { setDomain } from '../../../bridge/store/table/domains.ts';
import { addAlias, addMailbox, removeAlias, removeMailbox, setMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { failure } from '../failures.ts';
import { freshFiles } from '../fresh.ts';
import { prepare, rows } from '../shell.ts';

const ALICE = 'alice@undone.test';
const ALIAS = 'dr@undone.test';
const ADMIN = { actor: 'admin' };
const LAPSED = '2020-01-01T00:00:00.000Z';

/** What is done, and the trigger of somebody else's that undoes it. */
const CASES: readonly (readonly [name: string, trigger: string, work: (table: DelegationDb) => Promise<unknown>])[] = [
  [
    'revoke',
    'AFTER DELETE ON delegations BEGIN INSERT INTO delegations SELECT OLD.id, OLD.mailbox_id, OLD.delegate_id, OLD.created_at, OLD.created_by, NULL, NULL, NULL, 0, NULL, NULL; END',
    (table) => revoke(table, ADMIN, ALICE, 'bob'),
  ],
  [
    'suspend',
    'AFTER UPDATE ON delegations WHEN NEW.suspended = 1 BEGIN UPDATE delegations SET suspended = 0 WHERE id = NEW.id; END',
    (table) => setSuspended(table, ADMIN, ALICE, 'bob', true),
  ],
  [
    'delegate set --state suspended',
    "AFTER UPDATE ON delegates WHEN NEW.state = 'suspended' BEGIN UPDATE delegates SET state = 'active' WHERE id = NEW.id; END",
    (table) => setDelegate(table, ADMIN, 'bob', { state: 'suspended' }),
  ],
  [
    'delegate set --login',
    "AFTER UPDATE ON delegates WHEN NEW.login = 'other' BEGIN UPDATE delegates SET login = OLD.login WHERE id = NEW.id; END",
    (table) => setDelegate(table, ADMIN, 'bob', { login: 'other' }),
  ],
  [
    'a credential that lapses',
    'AFTER UPDATE ON delegates WHEN NEW.credential_valid_until IS NOT NULL BEGIN UPDATE delegates SET credential_valid_until = NULL WHERE id = NEW.id; END',
    (table) => setCredentials(table, ADMIN, [{ identifier: 'bob', credentialValidUntil: LAPSED }], false),
  ],
  [
    'delegate remove',
    'AFTER DELETE ON delegates BEGIN INSERT INTO delegates (identifier, login, state) VALUES (OLD.identifier, OLD.login, OLD.state); END',
    (table) => removeDelegate(table, ADMIN, 'bob'),
  ],
  [
    'mailbox remove',
    'AFTER DELETE ON mailboxes BEGIN INSERT INTO mailbox (address) VALUES (OLD.address); END',
    (table) => removeMailbox(table, ADMIN, ALICE),
  ],
  [
    'mailbox set --not-eligible',
    'AFTER UPDATE ON mailboxes WHEN NEW.eligible = 0 BEGIN UPDATE mailboxes SET eligible = 1 WHERE id = NEW.id; END',
    (table) => setMailbox(table, ADMIN, ALICE, { eligible: false }),
  ],
  [
    'mailbox alias remove',
    'AFTER DELETE ON aliases BEGIN INSERT INTO aliases (address, mailbox_id) VALUES (OLD.address, OLD.mailbox_id); END',
    (table) => removeAlias(table, ADMIN, ALICE, ALIAS),
  ],
  [
    'domain set --not-eligible',
    'AFTER INSERT ON domains BEGIN UPDATE domains SET eligible = 1 WHERE domain = NEW.domain; END',
    (table) => setDomain(table, ADMIN, 'undone.test', false),
  ],
];

const READ = ['SELECT * FROM delegation', 'SELECT * FROM delegates', 'SELECT count(*) FROM events'];

for (const [name, trigger, work] of CASES)
  t.test(name, async (t) => {
    const file = freshFiles(t).delegations;
    const table = openDelegationDb(file);
    t.teardown(() => table.close());
    await addMailbox(table, ADMIN, ALICE, {});
    await addAlias(table, ADMIN, ALICE, ALIAS);
    await addDelegate(table, ADMIN, 'bob', { login: 'bob' });
    await grant(table, ADMIN, ALICE, 'bob', {});
    prepare(file, `CREATE TRIGGER mine ${trigger}`);
    const before = READ.map((query) => rows(file, query));
    t.match(await failure(() => work(table)), { code: 'refused', rule: 'MANDAT_UNDONE', hint: /--repair-rules/ });
    t.same(
      READ.map((query) => rows(file, query)),
      before,
      'nothing was written',
    );
  });

t.test('account end', async (t) => {
  const file = freshFiles(t).delegations;
  const table = openDelegationDb(file);
  t.teardown(() => table.close());
  await addDelegate(table, ADMIN, 'bob', { login: 'bob' });
  const { id } = await table.query
    .selectFrom('delegates')
    .select('id')
    .where('identifier', '=', 'bob')
    .executeTakeFirstOrThrow();
  prepare(
    file,
    "CREATE TRIGGER mine AFTER UPDATE ON delegates WHEN NEW.state = 'ended' BEGIN INSERT INTO delegates (identifier, login, state) VALUES ('x', 'x', 'active'); DELETE FROM delegates WHERE id = NEW.id; END",
  );
  t.match(await failure(() => endHolder(table, ADMIN, { id, identifier: 'bob' })), { rule: 'MANDAT_UNDONE' });
});
