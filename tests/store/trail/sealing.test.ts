import { createHmac } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { fact } from '../../../bridge/store/state/facts.ts';
import type { StateDb } from '../../../bridge/store/state/state-db.ts';
import { addMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { type AuditEntry, appendAudit, seal, sealKey } from '../../../bridge/store/trail/sealing.ts';
import { drainEvents } from '../../../bridge/store/trail/take-over-events.ts';
import { proveAudit } from '../../../bridge/store/trail/trail-proof.ts';
import { entry } from '../entry.ts';
import { failure } from '../failures.ts';
import { freshFiles, freshState, openState, openTable } from '../fresh.ts';
import { row, rows } from '../shell.ts';

const KEY = Buffer.alloc(32, 7);
const ADMIN = { actor: 'admin', reason: 'ticket 1' };

/** The first entry that doesn't hold. */
const verifyAudit = async (state: StateDb, key: Buffer) => {
  const proof = await proveAudit(state, key);
  return proof.intact ? undefined : proof.at;
};

/** Whoever has the file can drop them. */
const WITHOUT_TRIGGERS = ['inserting', 'updating', 'deleting'].map((name) => `DROP TRIGGER audit_${name}`).join(';');

const actions = async (state: StateDb) =>
  (await state.query.selectFrom('audit').select('action').orderBy('id').execute()).map(({ action }) => action);

t.test('the key: made once, for us alone', async (t) => {
  const file = join(t.testdir({}), 'seal.key');
  const before = process.umask(0);
  const key = sealKey(file);
  process.umask(before);
  t.equal(key.length, 32);
  t.equal((statSync(file).mode & 0o7777).toString(8), '600');
  t.same(sealKey(file), key, 'the same the next time');
  t.notSame(sealKey(join(t.testdir({}), 'other.key')), key, 'another elsewhere');
});

t.test('a key that is damaged is no key: an empty one would let anybody forge', async (t) => {
  const file = join(t.testdir({}), 'seal.key');
  for (const content of ['', '\n', 'not hexadecimal', 'abcd', 'f'.repeat(63), 'g'.repeat(64), 'f'.repeat(66)]) {
    writeFileSync(file, content);
    t.equal((await failure(() => sealKey(file))).code, 'config', JSON.stringify(content));
    t.equal(readFileSync(file, 'utf8'), content, 'and it is left as it is');
  }
  writeFileSync(file, `${'f'.repeat(64)}\n`);
  t.equal(sealKey(file).length, 32, 'a newline at its end is none of it');
});

t.test('a key that cannot be made is the set-up being wrong', async (t) => {
  t.equal((await failure(() => sealKey(join(t.testdir({}), 'nowhere', 'seal.key')))).code, 'config');
});

t.test('draining moves all events, in order, and seals each on the one before', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  await addMailbox(table, ADMIN, 'alice@example.org', {});
  rows(files.delegations, "INSERT INTO delegate (id) VALUES ('bob')");
  rows(files.delegations, "INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')");
  rows(files.delegations, 'DELETE FROM delegation');
  const events = rows(
    files.delegations,
    'SELECT at, actor, reason, action, mailbox, delegate, detail FROM events ORDER BY id',
  );

  t.equal(await drainEvents(table, state, KEY), 4);
  t.same(
    rows(files.state, 'SELECT at, actor, reason, action, mailbox, delegate, detail FROM audit ORDER BY id'),
    events,
  );
  t.same(rows(files.delegations, 'SELECT * FROM events'), [], 'none is left');
  t.equal(await drainEvents(table, state, KEY), 0, 'nothing twice');

  rows(files.delegations, "DELETE FROM delegate WHERE id = 'bob'");
  t.equal(await drainEvents(table, state, KEY), 1);
  t.same(await actions(state), ['mailbox-add', 'delegate-add', 'grant', 'revoke', 'delegate-remove']);
  t.equal(await verifyAudit(state, KEY), undefined, 'the chain holds across drains');
});

t.test('a crash between the two commits doubles none and loses none', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  const columns = 'id, at, actor, reason, action, mailbox, delegate, detail';
  await addMailbox(table, ADMIN, 'alice@example.org', {});
  await addMailbox(table, ADMIN, 'bob@example.org', {});
  rows(files.delegations, `CREATE TABLE kept AS SELECT ${columns} FROM events`);
  await drainEvents(table, state, KEY);
  // As if the process had died after the commit in state.db and before the one in delegation.db.
  rows(files.delegations, `INSERT INTO events (${columns}) SELECT ${columns} FROM kept`);

  t.equal(await drainEvents(table, state, KEY), 0, 'they have been taken over already');
  t.same(await actions(state), ['mailbox-add', 'mailbox-add']);
  t.same(rows(files.delegations, 'SELECT * FROM events'), [], 'and are gone now');
  await addMailbox(table, ADMIN, 'carol@example.org', {});
  t.equal(await drainEvents(table, state, KEY), 1, 'what comes after them is not lost');
  t.same(rows(files.state, 'SELECT mailbox FROM audit ORDER BY id'), [
    'alice@example.org',
    'bob@example.org',
    'carol@example.org',
  ]);
  t.equal(await verifyAudit(state, KEY), undefined);
});

t.test('an event never takes the number of one that was drained', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  await addMailbox(table, ADMIN, 'alice@example.org', {});
  await drainEvents(table, state, KEY);
  const drained = Number(await fact(state, 'drained'));
  await addMailbox(table, ADMIN, 'bob@example.org', {});
  t.ok(Number(row(files.delegations, 'SELECT id FROM events')) > drained, 'or it would be taken for it');
});

t.test('what the sidecar itself has to say is sealed in the same chain', async (t) => {
  const files = freshFiles(t);
  const [table, state] = [openTable(t, files), openState(t, files)];
  await addMailbox(table, ADMIN, 'alice@example.org', {});
  await drainEvents(table, state, KEY);
  await appendAudit(state, KEY, [entry('one'), entry('two')]);
  await appendAudit(state, KEY, []);
  t.same(await actions(state), ['mailbox-add', 'one', 'two']);
  t.equal(await verifyAudit(state, KEY), undefined);
});

t.test('whatever is done to a trail shows', async (t) => {
  /** what is done to six entries, the first that no longer holds, why */
  const rowsOfTable: readonly (readonly [string, number | undefined, string])[] = [
    ['SELECT 1', undefined, 'nothing'],
    ["UPDATE audit SET actor = 'nobody' WHERE id = 3", 3, 'a name was changed'],
    ["UPDATE audit SET at = '2026-11-23T08:00:00.001Z' WHERE id = 3", 3, 'a time, by a millisecond'],
    ["UPDATE audit SET reason = '' WHERE id = 3", 3, 'no reason and an empty one are two things'],
    ['UPDATE audit SET delegate = NULL WHERE id = 3', 3, 'a delegate was taken out'],
    ['UPDATE audit SET detail = \'{"a": 1}\' WHERE id = 3', 3, 'even a space'],
    ["UPDATE audit SET on_behalf = 'owner:x' WHERE id = 3", 3, 'on whose behalf'],
    ["UPDATE audit SET via = 'root' WHERE id = 3", 3, 'at whose keyboard'],
    ["UPDATE audit SET mailbox = 'alice@example.org|' WHERE id = 1", 1, 'the first'],
    ["UPDATE audit SET seal = 'x' WHERE id = 4", 4, 'a seal'],
    ['DELETE FROM audit WHERE id = 1', 2, 'the first was taken out'],
    ['DELETE FROM audit WHERE id = 3', 4, 'one in the middle'],
    ['DELETE FROM audit WHERE id <> 6', 6, 'all but one'],
    [
      'UPDATE audit SET id = 99 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 99',
      2,
      'two were exchanged',
    ],
    [
      'INSERT INTO audit (id, at, actor, action, seal) SELECT 7, at, actor, action, seal FROM audit WHERE id = 6',
      7,
      'one was put at the end without the key',
    ],
  ];
  for (const [statement, broken, why] of rowsOfTable) {
    await t.test(why, async (t) => {
      const state = await freshState(t);
      await appendAudit(state, KEY, ['1', '2', '3', '4', '5', '6'].map(entry));
      rows(state.file, `${WITHOUT_TRIGGERS}; ${statement}`);
      t.equal(await verifyAudit(state, KEY), broken);
    });
  }
});

t.test('another key finds no entry of its own', async (t) => {
  const state = await freshState(t);
  await appendAudit(state, KEY, [entry('one')]);
  t.equal(await verifyAudit(state, Buffer.alloc(32, 8)), 1);
});

t.test('an empty trail is whole', async (t) => {
  t.equal(await verifyAudit(await freshState(t), KEY), undefined);
});

t.test('a long trail is verified to its end', async (t) => {
  const state = await freshState(t);
  await appendAudit(
    state,
    KEY,
    Array.from({ length: 2500 }, (_, i) => entry(String(i))),
  );
  t.equal(await verifyAudit(state, KEY), undefined);
  rows(state.file, `${WITHOUT_TRIGGERS}; UPDATE audit SET action = 'x' WHERE id = 2500`);
  t.equal(await verifyAudit(state, KEY), 2500);
});

t.test('a seal depends on every field, and no two entries run into each other', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '"', ',', 'n', 'u', 'l', '[', '\\'), maxLength: 4 });
  const maybe = fc.option(text);
  const entries: fc.Arbitrary<AuditEntry> = fc.record({
    at: text,
    actor: text,
    reason: maybe,
    action: text,
    mailbox: maybe,
    delegate: maybe,
    detail: maybe,
    on_behalf: maybe,
    via: maybe,
  });
  fc.assert(
    fc.property(entries, entries, text, text, (one, other, before, beforeOther) => {
      const same = JSON.stringify([before, one]) === JSON.stringify([beforeOther, other]);
      return (seal(KEY, before, one) === seal(KEY, beforeOther, other)) === same;
    }),
    { numRuns: 2000 },
  );
});

t.test('a seal is what anybody with the key can reckon without this program', async (t) => {
  const canonicalForm = '["","2026-11-23T08:00:00.000Z","admin",null,"grant","alice@example.org","bob","{\\"a\\":1}"]';
  t.equal(seal(KEY, '', entry('grant')), createHmac('sha256', KEY).update(canonicalForm).digest('hex'));
});

t.test('entries taken off the end show, though the chain that is left holds', async (t) => {
  const state = await freshState(t);
  const key = Buffer.alloc(32, 7);
  const entry = {
    at: '2026-11-23T08:00:00.000Z',
    actor: 'sql',
    reason: null,
    mailbox: null,
    delegate: null,
    detail: null,
    on_behalf: null,
    via: null,
  };
  for (const action of ['one', 'two', 'three']) await appendAudit(state, key, [{ ...entry, action }]);
  t.equal(await verifyAudit(state, key), undefined, 'whole');
  rows(state.file, WITHOUT_TRIGGERS);
  await state.query.deleteFrom('audit').where('action', '=', 'three').execute();
  t.equal(await verifyAudit(state, key), 3, 'the third is missing');
  await state.query.deleteFrom('audit').execute();
  t.equal(await verifyAudit(state, key), 1, 'all are missing');
});
