/** Whose an address is, at each message anew: what is remembered of the table is no older than its last change, and time passes all the same. R1. */
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import type { Policy } from '../../acl/desired.ts';
import { canonical } from '../../acl/rights.ts';
import { setWithdrawn } from '../../bridge/safeguards/withdrawn.ts';
import { type Authority, openAuthority } from '../../bridge/submission/authority.ts';
import { freshFiles, openState, openTable } from '../store/fresh.ts';

const ALICE = 'alice@lab.test';
const BOB = 'bob@lab.test';
const POLICY: Policy = { rights: canonical('lrs'), rules: { unknownCredential: 'valid', terms: null } };

const GUARD = { enabled: true, maxPairs: 50, maxPercent: 20 };

async function fresh(t: Test) {
  const files = freshFiles(t);
  const other = new Database(files.delegations); // an administrator's own program
  t.teardown(() => other.close());
  other.exec(`INSERT INTO mailbox (address) VALUES ('${ALICE}');
    INSERT INTO delegates (identifier, login, state) VALUES ('${BOB}', '${BOB}', 'active');
    INSERT INTO delegation (mailbox, delegate) VALUES ('${ALICE}', '${BOB}');`);
  const table = openTable(t, files);
  let reads = 0;
  const counted = {
    ...table,
    read: (work: Parameters<typeof table.read>[0]) => {
      reads++;
      return table.read(work);
    },
  } as typeof table;
  const clock = { time: '2026-11-25T08:00:00.000Z', now: () => clock.time };
  const watched = openTable(t, files);
  const state = openState(t, files);
  const authority = openAuthority(counted, watched, state, clock, () => POLICY, GUARD);
  return { other, table, state, clock, authority, reads: () => reads };
}

const asked = async (authority: Authority) => (await authority.rights(BOB, [ALICE])).standing(ALICE).kind;

t.test('what nobody has changed is read once; a change is seen by the next message', async (t) => {
  const { other, authority, reads } = await fresh(t);
  t.equal(await asked(authority), 'owner');
  t.equal(await asked(authority), 'owner');
  t.equal(reads(), 1);
  other.exec(`DELETE FROM delegation WHERE mailbox = '${ALICE}'`);
  t.equal(await asked(authority), 'stranger', 'revoked');
  other.exec(`INSERT INTO delegation (mailbox, delegate) VALUES ('${ALICE}', '${BOB}')`);
  t.equal(await asked(authority), 'owner', 'and given again');
  other.exec(`INSERT INTO mailbox (address) VALUES ('${BOB}')`);
  t.equal((await authority.rights(BOB, [BOB])).standing(BOB).kind, 'own');
});

t.test('a change is seen though another message is just being looked up', async (t) => {
  const { other, table, authority } = await fresh(t);
  t.equal(await asked(authority), 'owner');
  await table
    .read(async (query) => {
      await query.selectFrom('mailboxes').selectAll().execute(); // the view begins
      other.exec(`DELETE FROM delegation WHERE mailbox = '${ALICE}'`);
      const answer = asked(authority);
      return { answer };
    })
    .then(async ({ answer }) => t.equal(await answer, 'stranger'));
});

t.test('an end comes without a commit', async (t) => {
  const { other, clock, authority, reads } = await fresh(t);
  other.exec("UPDATE delegations SET ends_at = '2026-11-25T09:00:00.000Z'");
  t.equal(await asked(authority), 'owner');
  const before = reads();
  clock.time = '2026-11-25T09:00:00.000Z';
  t.equal(await asked(authority), 'stranger');
  t.equal(reads(), before, 'nothing was read anew');
});

t.test(
  'where the site has withdrawn everything nobody sends for an owner, without a commit to the table',
  async (t) => {
    const { state, authority } = await fresh(t);
    t.equal(await asked(authority), 'owner');
    await setWithdrawn(state, { since: '2026-11-25T08:00:00.000Z', quiet: true });
    t.equal(await asked(authority), 'stranger');
    t.equal((await authority.rights(ALICE, [ALICE])).standing(ALICE).kind, 'own', 'the owner does');
    await setWithdrawn(state, undefined);
    t.equal(await asked(authority), 'owner');
  },
);

t.test('what could not be read is no answer, and is not remembered', async (t) => {
  const { other, authority } = await fresh(t);
  other.exec("UPDATE mailboxes SET address = 'x@lab.test'");
  other.exec('CREATE TRIGGER mine AFTER INSERT ON pending BEGIN SELECT 1; END'); // then nothing is read from it
  await t.rejects(asked(authority));
  await t.rejects(asked(authority));
  other.exec(`DROP TRIGGER mine; UPDATE mailboxes SET address = '${ALICE}'`);
  t.equal(await asked(authority), 'owner');
});
