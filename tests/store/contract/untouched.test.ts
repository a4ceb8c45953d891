/**
 * Each operation changes what it is about and nothing else; done twice, it changes nothing more. On both stores.
 *
 * What bites: an UPDATE of a view writes every column in SQLite, and in PostgreSQL only those that were really changed; a row that a rule refuses
 * aborts the whole transaction in PostgreSQL, up to the last savepoint.
 */
import t from 'tap';
import { acceptTerms, accountHolder, activateHolder, endHolder } from '../../../bridge/store/table/account-holders.ts';
import { setCredentials } from '../../../bridge/store/table/credentials.ts';
import { addDelegate, removeDelegate, setDelegate } from '../../../bridge/store/table/delegates.ts';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { grant, revoke, setSendMode, setSuspended } from '../../../bridge/store/table/delegations.ts';
import { removeDomain, setDomain } from '../../../bridge/store/table/domains.ts';
import { noteEvent } from '../../../bridge/store/table/events.ts';
import { identifiersInUse, noteListed } from '../../../bridge/store/table/listed-people.ts';
import { addAlias, addMailbox, removeAlias, removeMailbox, setMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { settle } from '../../../bridge/store/table/rows.ts';
import { applySettings } from '../../../bridge/store/table/rule-settings.ts';
import { setMark, workedOff } from '../../../bridge/store/table/worked-off-mark.ts';
import { failure } from '../failures.ts';
import { freshTable } from '../fresh.ts';
import { everything } from './everything.ts';

const ADMIN = { actor: 'admin:marie', via: 'root', reason: "it's so" };
const NOW = '2026-11-23T08:00:00.000Z';
const [BOX, HER] = ['box@x.test', 'her'];

/** What an operation does to the mailbox BOX and the delegate HER, and how it fails when it is done once more; undefined: it changes nothing more. */
const OPERATIONS: readonly (readonly [string, (table: DelegationDb) => Promise<unknown>, string | undefined])[] = [
  ['mailbox add', (table) => addMailbox(table, ADMIN, BOX, { login: 'box', owner: 'box-owner' }), 'MANDAT_DUPLICATE'],
  [
    'delegate add',
    (table) => addDelegate(table, ADMIN, HER, { login: 'her@x.test' }, { activation: true }),
    'MANDAT_DUPLICATE',
  ],
  ['activate', async (table) => activateHolder(table, ADMIN, await accountHolder(table, HER, NOW), 'v1', NOW), 'noted'],
  ['alias add', (table) => addAlias(table, ADMIN, BOX, 'other@x.test'), 'MANDAT_DUPLICATE'],
  ['grant', (table) => grant(table, ADMIN, BOX, HER, { note: "l'été", startsAt: NOW }), 'MANDAT_DUPLICATE'],
  ['suspend', (table) => setSuspended(table, ADMIN, BOX, HER, true), undefined],
  ['resume', (table) => setSuspended(table, ADMIN, BOX, HER, false), undefined],
  ['send mode', (table) => setSendMode(table, ADMIN, BOX, HER, 'send-as'), 'noted'],
  ['mailbox set', (table) => setMailbox(table, ADMIN, BOX, { eligible: false, ownerListed: true }), 'noted'],
  ['delegate set', (table) => setDelegate(table, ADMIN, HER, { lastName: 'Dupont' }), 'noted'],
  [
    'credentials',
    (table) => setCredentials(table, ADMIN, [{ identifier: HER, credentialValidUntil: NOW }], false),
    undefined,
  ],
  ['terms', async (table) => acceptTerms(table, ADMIN, await accountHolder(table, HER, NOW), 'v2', NOW), 'noted'],
  ['domain', (table) => setDomain(table, ADMIN, 'x.test', true), undefined],
  ['domain remove', (table) => removeDomain(table, ADMIN, 'x.test'), 'absent'],
  ['listed', (table) => noteListed(table, ADMIN, () => undefined), undefined],
  ['note', (table) => noteEvent(table, ADMIN, { action: 'backup', mailbox: BOX, detail: { it: 'is' } }), 'noted'],
  ['account end', async (table) => endHolder(table, ADMIN, await accountHolder(table, HER, NOW)), undefined],
  ['revoke', (table) => revoke(table, ADMIN, BOX, HER), 'absent'],
  ['alias remove', (table) => removeAlias(table, ADMIN, BOX, 'other@x.test'), 'absent'],
  ['delegate remove', (table) => removeDelegate(table, ADMIN, HER), 'absent'],
  ['mailbox remove', (table) => removeMailbox(table, ADMIN, BOX), 'absent'],
];

/** Neighbours whose names could be taken for theirs. */
async function neighbours(table: DelegationDb): Promise<void> {
  for (const address of ['box@y.test', 'ox@z.test', 'b%x@y.test'.replace('%', '_')])
    await addMailbox(table, ADMIN, address, {});
  for (const name of ['he', 'her2', 'h_r']) await addDelegate(table, ADMIN, name, {});
  await addAlias(table, ADMIN, 'box@y.test', 'other@y.test');
  await setDomain(table, ADMIN, 'y.test', true);
  for (const address of ['box@y.test', 'ox@z.test'])
    for (const name of ['he', 'her2']) await grant(table, ADMIN, address, name);
  await revoke(table, ADMIN, 'ox@z.test', 'he');
}

const THEIRS = [
  'mailboxes',
  'aliases',
  'delegates',
  'delegations',
  'domains',
  'settings',
  'pending',
  'intents',
] as const;

t.test('no operation touches another row, and none does anything twice', async (t) => {
  const table = await freshTable(t);
  await neighbours(table);
  const { id } = await table.query.selectFrom('mailboxes').select('id').orderBy('id', 'desc').executeTakeFirstOrThrow();
  const before = await everything(table, [], THEIRS);
  const others = async () => {
    const now = await everything(table, [BOX, `"${HER}"`, 'x.test"'], THEIRS);
    const mine = `"mailbox_id":${id + 1},`;
    return Object.fromEntries(
      Object.entries(now).map(([name, rows]) => [name, rows.filter((row) => !row.includes(mine))]),
    );
  };
  for (const [name, operation, again] of OPERATIONS) {
    const counted = (await everything(table, [], ['events'])).events?.length ?? 0;
    await operation(table);
    t.same(await others(), before, `${name}: the others' rows are as they were`);
    const after = await everything(table);
    if (name !== 'resume' && name !== 'listed') t.ok((after.events?.length ?? 0) > counted, `${name}: noted`);
    if (again === undefined) await operation(table);
    else if (again === 'noted') continue;
    else {
      const { rule, code } = await failure(() => operation(table));
      t.equal(again.startsWith('MANDAT') ? rule : code, again, `${name}, again`);
    }
    t.same(await everything(table), after, `${name}, again: nothing has changed`);
  }
  t.same((await identifiersInUse(table)).length, 3);
  const { rows } = { rows: await table.query.selectFrom('events').selectAll().where('mailbox', '=', BOX).execute() };
  t.ok(rows.every(({ actor, reason, via }) => actor === ADMIN.actor && reason === ADMIN.reason && via === ADMIN.via));
  t.match(
    rows.filter(({ action }) => action === 'grant'),
    [
      {
        on_behalf: 'owner:box-owner',
        detail: `{"by":"admin:marie","starts_at":"${NOW}","ends_at":null,"acknowledged":null}`,
      },
    ],
    'in the same words, of the same JSON',
  );
});

t.test('what mandat keeps for itself: settings, the mark of who has worked it off, what was settled', async (t) => {
  const table = await freshTable(t);
  const settings = { policy: { maxDelegates: 3, eligibleDomains: 'listed' }, identity: { scheme: 'login' } } as const;
  t.same([...(await applySettings(table, settings))].sort(), ['eligible_domains', 'max_delegates']);
  t.same(await applySettings(table, settings), [], 'once');
  await addMailbox(table, ADMIN, BOX, {});
  const { id } = await table.query.selectFrom('mailboxes').select('id').executeTakeFirstOrThrow();
  await setDomain(table, ADMIN, 'x.test', true);
  const { version } = await table.query.selectFrom('counters').select('version').executeTakeFirstOrThrow();
  const stateId = '0f1e2d3c-0000-4000-8000-000000000000';
  await settle(table, id, version, stateId);
  t.same(await workedOff(table), { stateId, version });
  const after = await everything(table);
  await settle(table, id, version, stateId);
  t.same(await everything(table), after, 'settled is settled');
  await table.write({ actor: 'mandat' }, (query) => setMark(query, stateId, version + 7));
  t.match(await workedOff(table), { version: version + 7 });
});
