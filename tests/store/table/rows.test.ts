import t from 'tap';
import { addDelegate, setDelegate } from '../../../bridge/store/table/delegates.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { grant, revoke, setSuspended } from '../../../bridge/store/table/delegations.ts';
import { dueBetween, nextDue } from '../../../bridge/store/table/due-times.ts';
import { addAlias, addMailbox, mailboxAt, removeMailbox, setMailbox } from '../../../bridge/store/table/mailboxes.ts';
import {
  changedAfter,
  changedSince,
  mailboxIds,
  markPending,
  pendingMailboxes,
  readMailbox,
  settle,
} from '../../../bridge/store/table/rows.ts';
import { applySettings, type RuleSettings } from '../../../bridge/store/table/rule-settings.ts';
import { failure } from '../failures.ts';
import { freshStores, freshTable } from '../fresh.ts';

const ADMIN = { actor: 'admin' };
const [ALICE, ERIN] = ['alice@example.org', 'erin@example.org'];
const hour = (n: number) => `2026-11-23T${String(n).padStart(2, '0')}:00:00.000Z`;

async function world(table: DelegationDb): Promise<{ alice: number; erin: number }> {
  await addMailbox(table, ADMIN, ALICE, { login: 'alice' });
  await addMailbox(table, ADMIN, ERIN, { login: 'erin' });
  for (const name of ['bob', 'carol']) await addDelegate(table, ADMIN, name, { login: `${name}@example.net` });
  return { alice: (await mailboxAt(table, ALICE)).id, erin: (await mailboxAt(table, ERIN)).id };
}

t.test('a mailbox as the reconciler reads it', async (t) => {
  const { table, sql } = await freshStores(t);
  const row = async (text: string) => (await sql(text))[0];
  const { alice } = await world(table);
  await addAlias(table, ADMIN, ALICE, 'a@example.org');
  await setDelegate(table, ADMIN, 'bob', { state: 'suspended', credentialValidUntil: hour(9) });
  await grant(table, ADMIN, ALICE, 'carol', { startsAt: hour(8), endsAt: hour(10), sendMode: 'send-as' });
  await setSuspended(table, ADMIN, ALICE, 'carol', true);
  const { version } = await grant(table, ADMIN, ALICE, 'bob');
  const bobsId = Number(await row("SELECT id FROM delegates WHERE identifier = 'bob'"));
  const since = (name: string) =>
    row(
      `SELECT since FROM delegate_states s JOIN delegates d ON d.id = s.delegate_id WHERE d.identifier = '${name}' ORDER BY s.id DESC LIMIT 1`,
    );
  const delegationOf = async (name: string) =>
    Number(
      await row(
        `SELECT g.id FROM delegations g JOIN delegates d ON d.id = g.delegate_id WHERE d.identifier = '${name}'`,
      ),
    );
  const nameless = (identifier: string) => ({ identifier, firstName: null, lastName: null, profession: null });
  t.same(await readMailbox(table, alice), {
    id: alice,
    server: 'main',
    version,
    rows: {
      address: ALICE,
      login: 'alice',
      owner: null,
      kind: 'PER',
      eligible: true,
      domainEligible: null,
      ownerListed: null,
      server: 'main',
      aliases: ['a@example.org'],
      delegations: [
        {
          id: 'bob',
          place: 2,
          delegate: {
            login: 'bob@example.net',
            state: 'suspended',
            stateSince: await since('bob'),
            termsVersion: null,
            credentialValidUntil: hour(9),
            listed: null,
            server: null,
          },
          startsAt: null,
          endsAt: null,
          suspended: false,
          sendMode: null,
        },
        {
          id: 'carol',
          place: 1,
          delegate: {
            login: 'carol@example.net',
            state: 'active',
            stateSince: await since('carol'),
            termsVersion: null,
            credentialValidUntil: null,
            listed: null,
            server: null,
          },
          startsAt: hour(8),
          endsAt: hour(10),
          suspended: true,
          sendMode: 'send-as',
        },
      ],
      delegateIds: new Map([
        ['bob@example.net', bobsId],
        ['carol@example.net', bobsId + 1],
      ]),
      delegationIds: new Map([
        ['bob@example.net', await delegationOf('bob')],
        ['carol@example.net', await delegationOf('carol')],
      ]),
      granted: new Map([
        ['bob@example.net', { person: nameless('bob'), createdBy: ADMIN.actor }],
        ['carol@example.net', { person: nameless('carol'), createdBy: ADMIN.actor }],
      ]),
    },
  });
});

t.test('a mailbox that has left the table is read as gone, at the version that says so', async (t) => {
  const table = await freshTable(t);
  const { alice } = await world(table);
  await removeMailbox(table, ADMIN, ALICE);
  const pending = (await pendingMailboxes(table)).find(({ mailboxId }) => mailboxId === alice);
  const read = await readMailbox(table, alice);
  t.equal(read.rows, undefined);
  t.ok(read.version >= (pending?.version ?? Number.NaN));
});

t.test('settled unless it has changed meanwhile', async (t) => {
  const { table, sql } = await freshStores(t);
  const { alice, erin } = await world(table);
  const waiting = async () => (await pendingMailboxes(table)).map(({ mailboxId }) => mailboxId);
  await grant(table, ADMIN, ALICE, 'bob');
  const { version } = await readMailbox(table, alice);
  t.notOk(await changedSince(table, alice, version), 'nothing has happened yet');

  await sql(`DELETE FROM delegation WHERE mailbox = '${ALICE}'`);
  t.ok(await changedSince(table, alice, version), 'a revoke came in');
  await settle(table, alice, version);
  t.ok((await waiting()).includes(alice), 'what came in is still to be done');

  const after = await readMailbox(table, alice);
  t.notOk(await changedSince(table, alice, after.version));
  t.notOk(await changedSince(table, erin, after.version), 'of another mailbox neither');
  await settle(table, alice, after.version);
  t.same(await waiting(), [erin], 'and only this one is taken off');
  t.notOk(await changedSince(table, alice, after.version), 'what is not pending has not changed');
  await settle(table, alice, after.version);
  t.same(await waiting(), [erin], 'settling twice is settling');
});

t.test('a change elsewhere neither keeps a mailbox pending nor makes its pass out of date', async (t) => {
  const table = await freshTable(t);
  const { alice, erin } = await world(table);
  const { version } = await readMailbox(table, alice);
  await grant(table, ADMIN, ERIN, 'bob');
  t.notOk(await changedSince(table, alice, version));
  await settle(table, alice, version);
  t.same(
    (await pendingMailboxes(table)).map(({ mailboxId }) => mailboxId),
    [erin],
  );
});

t.test('the oldest change comes first', async (t) => {
  const table = await freshTable(t);
  const { alice, erin } = await world(table);
  const order = async () => (await pendingMailboxes(table)).map(({ mailboxId }) => mailboxId);
  t.same(await order(), [alice, erin]);
  await grant(table, ADMIN, ALICE, 'bob');
  t.same(await order(), [erin, alice]);
});

t.test('another look may be asked for although nothing has changed', async (t) => {
  const { table, sql } = await freshStores(t);
  const { alice, erin } = await world(table);
  const { version } = await readMailbox(table, alice);
  await settle(table, alice, version);
  const events = await sql('SELECT count(*) FROM events');
  const asked = await markPending(table, [alice, erin, 999], 'admin');
  t.ok(asked > version, 'at a version of its own, so that it can be waited for');
  t.same(
    await pendingMailboxes(table),
    [alice, erin, 999].map((mailboxId) => ({ mailboxId, version: asked })),
    'the one that was settled, the one that was pending, and one that has left',
  );
  t.same(await sql('SELECT count(*) FROM events'), events, 'no event: nothing was changed');
});

t.test('which mailboxes there are', async (t) => {
  const table = await freshTable(t);
  t.same(await mailboxIds(table), []);
  const { alice, erin } = await world(table);
  t.same(await mailboxIds(table), [alice, erin]);
});

t.test('what has changed after something, in portions', async (t) => {
  const table = await freshTable(t);
  const { alice, erin } = await world(table);
  await markPending(table, [alice, erin], 'admin');
  const [first] = await changedAfter(table, { version: 0, mailboxId: 0 }, 1);
  t.equal(first?.mailboxId, alice);
  const [second, ...more] = await changedAfter(table, first ?? { version: 0, mailboxId: 0 }, 5);
  t.match(second, { mailboxId: erin, version: first?.version }, 'another of the same version');
  t.same(more, []);
  await grant(table, ADMIN, ALICE, 'bob');
  const news = await changedAfter(table, second ?? { version: 0, mailboxId: 0 }, 5);
  t.match(news, [{ mailboxId: alice }], 'what has changed again has moved to the end');
});

t.test('what time changes: starts, ends, lapses', async (t) => {
  const table = await freshTable(t);
  const { alice, erin } = await world(table);
  t.equal(await nextDue(table, hour(0)), undefined, 'nothing ever');
  await grant(table, ADMIN, ALICE, 'bob', { startsAt: hour(8), endsAt: hour(10) });
  await grant(table, ADMIN, ERIN, 'bob');
  await grant(table, ADMIN, ERIN, 'carol', { endsAt: hour(12) });
  await setDelegate(table, ADMIN, 'bob', { credentialValidUntil: hour(9) });

  /** after, the next instant, why */
  const next = [
    [hour(7), hour(8), 'a start'],
    [hour(8), hour(9), 'a lapse; what is due now has been done'],
    [hour(9), hour(10), 'an end, although the credential has lapsed already'],
    [hour(11), hour(12), 'an end'],
    [hour(12), undefined, 'and no more'],
  ] as const;
  for (const [after, expected, why] of next) t.equal(await nextDue(table, after), expected, why);

  /** after, up to, mailboxes, why */
  const due = [
    [hour(0), hour(7), [], 'too early'],
    [hour(7), hour(8), [alice], 'the end of the span is in it'],
    [hour(8), hour(8), [], 'an empty span'],
    [hour(8), hour(9), [alice, erin], 'a lapse: every mailbox of the delegate'],
    [hour(9), hour(11), [alice], 'the beginning of the span is not in it'],
    [hour(0), hour(23), [alice, erin], 'each once'],
    ['', hour(23), [alice, erin], 'a clock that never ran'],
  ] as const;
  const between = async (after: string, upTo: string) => {
    const found = new Set<number>();
    for await (const ids of dueBetween(table, after, upTo)) for (const id of ids) found.add(id);
    return [...found].sort();
  };
  for (const [after, upTo, expected, why] of due) {
    t.same(await between(after, upTo), expected, why);
  }
  await revoke(table, ADMIN, ERIN, 'bob');
  t.same(await between(hour(8), hour(9)), [alice], 'a delegation that is gone is never due');
});

t.test("the limit comes from the configuration; a setting that hasn't changed is not written", async (t) => {
  const { table, sql } = await freshStores(t);
  await world(table);
  const limit = async () => (await sql("SELECT value FROM settings WHERE name = 'max_delegates'"))[0];
  const most = (maxDelegates: number): RuleSettings => ({
    policy: { maxDelegates, eligibleDomains: 'all' },
    identity: { scheme: 'login' },
  });
  await applySettings(table, most(1));
  t.equal(await limit(), '1');
  await grant(table, ADMIN, ALICE, 'bob');
  t.equal((await failure(() => grant(table, ADMIN, ALICE, 'carol'))).rule, 'MANDAT_LIMIT');

  t.same(await applySettings({ ...table, write: () => Promise.reject(new Error('written')) }, most(1)), []);
  t.same(await applySettings(table, most(2)), ['max_delegates']);
});

t.test('identifiers go by the configured scheme, whoever writes; what is there stays', async (t) => {
  const table = await freshTable(t);
  await world(table);
  await applySettings(table, { policy: { maxDelegates: 10, eligibleDomains: 'all' }, identity: { scheme: 'rpps' } });
  const refusedAs = async (work: () => Promise<unknown>) => (await failure(work)).rule;
  for (const identifier of ['dave', '10101026994', '8101010269940', '710101026994', '81010102699x'])
    t.equal(await refusedAs(() => addDelegate(table, ADMIN, identifier, {})), 'MANDAT_IDENTIFIER', identifier);
  await addDelegate(table, ADMIN, '810101026994', { login: 'dave' });
  await setDelegate(table, ADMIN, 'bob', { lastName: 'Martin' });
  await grant(table, ADMIN, ALICE, 'bob');
  await grant(table, ADMIN, ALICE, '810101026994');
  t.equal(await refusedAs(() => setMailbox(table, ADMIN, ALICE, { owner: 'alice' })), 'MANDAT_IDENTIFIER');
  await setMailbox(table, ADMIN, ALICE, { owner: '810101026986' });
  await setMailbox(table, ADMIN, ALICE, { owner: null });
});
