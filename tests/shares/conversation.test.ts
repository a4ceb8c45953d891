/** One connection, with a database: what Dovecot asks at a SETACL and a LIST, word for word; what it must not get; bounds. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { type Conversation, conversation, Unreadable } from '../../bridge/shares/conversation.ts';
import { openShareStore, type ShareStore } from '../../bridge/shares/share-store.ts';

const TREE = 'shared/shared-boxes/';
const [ALICE, BOB, CAROL] = ['alice@x.y', 'bob@x.y', 'carol@x.y'];
const share = (to: string, from = ALICE) => ({ to: `user/${to}`, from });

function place(t: Test) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-shares-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'shares.db');
  const troubles: string[] = [];
  const failed = (error: unknown) => troubles.push(String(error));
  const open = () => openShareStore(file, failed);
  return { file, open, troubles, failed };
}

function talk(t: Test) {
  const { file, open, troubles, failed } = place(t);
  const store = open();
  t.teardown(() => store.close());
  const greeted = () => {
    const made = conversation(store, failed);
    ask(made, 'H3\t2\t0\t\tmandat');
    return made;
  };
  return { file, store, troubles, greeted };
}

const ask = (with_: Conversation, ...lines: readonly string[]) =>
  lines.map((line) => [...with_.answer(line)].join('')).join('');
const set = (id: number, to: string, from = ALICE) => `S${id}\t${TREE}user/${to}/${from}\t1`;
const unset = (id: number, to: string, from = ALICE) => `U${id}\t${TREE}user/${to}/${from}`;
const given = (store: ShareStore, ...shares: readonly ReturnType<typeof share>[]) =>
  store.commit(shares.map((one) => ({ share: one, there: true })));

function hungUpOn(with_: Conversation, lines: readonly string[]): boolean {
  try {
    ask(with_, ...lines);
    return false;
  } catch (error) {
    return error instanceof Unreadable;
  }
}

t.test('as Dovecot shares a mailbox, with another delegate there already', async (t) => {
  const { store, greeted } = talk(t);
  given(store, share(BOB), share(BOB, CAROL));
  const dovecot = greeted();
  t.equal(ask(dovecot, `I1\t0\t${TREE}\t${ALICE}`), `O${TREE}user/${BOB}/${ALICE}\t1\n\n`, "alice's alone");
  t.equal(ask(dovecot, `B1\t${ALICE}`, unset(1, BOB), 'C1'), 'O1\n');
  t.same(store.by(ALICE, '', 9), [share(BOB)], 'still there: it comes again at once');
  t.equal(ask(dovecot, `B2\t${ALICE}`, set(2, BOB), 'C2'), 'O2\n');
  t.equal(ask(dovecot, `B3\t${ALICE}`, set(3, CAROL), 'C3'), 'O3\n');
  store.settle();
  t.same(store.by(ALICE, '', 9), [share(BOB), share(CAROL)]);
  t.equal(ask(dovecot, `I1\t0\t${TREE}anyone/\t${BOB}`), '\n');
  t.equal(
    ask(dovecot, `I1\t0\t${TREE}user/${BOB}/\t${BOB}`),
    `O${TREE}user/${BOB}/${ALICE}\t1\nO${TREE}user/${BOB}/${CAROL}\t1\n\n`,
  );
});

t.test('a share that goes for good', async (t) => {
  const { store, greeted } = talk(t);
  given(store, share(BOB), share(CAROL));
  const dovecot = greeted();
  ask(dovecot, 'B1\tu', unset(1, BOB), 'C1');
  t.equal(ask(dovecot, `L${TREE}user/${BOB}/${ALICE}\tu`), 'N\n');
  t.equal(ask(dovecot, `L${TREE}user/${CAROL}/${ALICE}\tu`), 'O1\n');
  store.settle();
  t.same(store.by(ALICE, '', 9), [share(CAROL)]);
  t.same(store.with(`user/${BOB}`, '', 9), []);
});

t.test('by itself, within a moment', async (t) => {
  const { file, store, greeted } = talk(t);
  given(store, share(BOB));
  ask(greeted(), 'B1\tu', unset(1, BOB), 'C1');
  const beside = new Database(file, { readonly: true });
  t.teardown(() => beside.close());
  const count = beside.prepare('SELECT count(*) FROM share').pluck();
  t.equal(count.get(), 1);
  while (count.get() !== 0) await new Promise((later) => setTimeout(later, 20));
});

t.test('what is set is on disk when it is said, whatever becomes of the process', async (t) => {
  const { file, store, greeted } = talk(t);
  ask(greeted(), 'B1\tu', set(1, BOB), 'C1');
  const beside = new Database(file);
  t.teardown(() => beside.close());
  t.equal(beside.prepare('SELECT count(*) FROM share').pluck().get(), 1);
  t.equal(store.count(), 1);
  t.equal(statSync(file).mode & 0o777, 0o600);
});

t.test('many, a portion at a time, in order; and a limit', async (t) => {
  const { store, greeted } = talk(t);
  const people = Array.from({ length: 1201 }, (_, index) => `p${String(index).padStart(5, '0')}@x.y`);
  given(store, ...people.map((one) => share(one)), ...people.map((one) => share(BOB, one)));
  const rows = (lines: string) => [...lines.matchAll(/^O.*\/(.*)\t1$/gm)].map(([, owner]) => owner);
  const dovecot = greeted();
  t.same(rows(ask(dovecot, `I1\t0\t${TREE}user/${BOB}/\t${BOB}`)), people);
  t.equal(rows(ask(dovecot, `I1\t0\t${TREE}\t${ALICE}`)).length, people.length);
  t.same(rows(ask(dovecot, `I3\t700\t${TREE}user/${BOB}/\t${BOB}`)), people.slice(0, 700));
  t.ok([...dovecot.answer(`I1\t0\t${TREE}\t${ALICE}`)].length > 3, 'never whole in memory');
  t.equal(ask(dovecot, `I9\t1\t${TREE}\t${ALICE}`), `O${TREE}user/p00000@x.y/${ALICE}\t\n\n`, 'without values');
});

t.test('what is not kept here is refused, and nothing of that transaction counts', async (t) => {
  const { store, greeted } = talk(t);
  const dovecot = greeted();
  for (const line of ['S1\tshared/quota\t1', `S1\t${TREE}user/${BOB}/${ALICE}\t2`, 'A1\tk\t1', 'U1\tpriv/x']) {
    t.match(ask(dovecot, 'B1\tu', set(1, CAROL), line, 'C1'), /^F1\t/, line);
    t.equal(store.count(), 0);
  }
  for (const asked of [
    `I0\t0\t${TREE}\t${ALICE}`,
    `I17\t0\t${TREE}\t${ALICE}`,
    'I1\t0\tshared/\tu',
    `I1\t0\t${TREE}\t`,
  ])
    t.match(ask(dovecot, asked), /^F[a-z ]+\n$/, asked);
  t.equal(ask(dovecot, 'Lshared/quota\tu'), 'N\n');
  t.equal(ask(dovecot, 'B2\tu', set(2, BOB), 'T2\t1\t2', 'V2\tyes', 'R2'), '');
  t.equal(store.count(), 0, 'rolled back');
  t.equal(ask(dovecot, 'B3\tu', set(3, BOB), 'D3'), 'AO3\n');
  t.equal(store.count(), 1);
});

t.test('within one transaction the last word counts', async (t) => {
  const { store, greeted } = talk(t);
  const dovecot = greeted();
  ask(dovecot, 'B1\tu', set(1, BOB), unset(1, BOB), unset(1, CAROL), set(1, CAROL), 'C1');
  store.settle();
  t.same(store.by(ALICE, '', 9), [share(CAROL)]);
});

t.test('who speaks otherwise is hung up on', async (t) => {
  const { greeted, store } = talk(t);
  const fresh = () => conversation(store, () => {});
  const refused = (with_: Conversation, ...lines: readonly string[]) =>
    t.ok(hungUpOn(with_, lines), lines.join(' | ').slice(0, 80));
  refused(fresh(), `I1\t0\t${TREE}\t${ALICE}`);
  refused(fresh(), 'H2\t0\t0\t\tmandat');
  refused(fresh(), 'H5\t0\t0\t\tmandat');
  refused(fresh(), 'H3\t2\t0\t\tquota');
  refused(greeted(), 'H3\t2\t0\t\tmandat');
  refused(greeted(), 'GET / HTTP/1.1');
  refused(greeted(), '');
  refused(greeted(), set(1, BOB));
  refused(greeted(), 'C1');
  refused(greeted(), 'R1');
  refused(greeted(), 'B1\tu', 'B1\tu');
  refused(greeted(), ...Array.from({ length: 17 }, (_, id) => `B${id}\tu`));
  refused(greeted(), 'B1\tu', ...Array.from({ length: 10_001 }, () => set(1, BOB)));
  t.equal(store.count(), 0);
});

t.test('whatever the lines, an answer or a hang-up', async (t) => {
  const { greeted, troubles } = talk(t);
  const word = fc.oneof(
    fc.constantFrom('1', '0', TREE, `${TREE}user/${BOB}/`, `${TREE}user/${BOB}/${ALICE}`, ALICE, ''),
    fc.string({ unit: 'binary' }),
  );
  const line = fc
    .tuple(fc.constantFrom(...'HLIBSUATVCDRx'), fc.array(word, { maxLength: 5 }))
    .map(([letter, words]) => letter + words.join('\t').replaceAll('\n', ''));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const dovecot = greeted();
      try {
        for (const one of lines) t.match(ask(dovecot, one), /^(?:[OFNA].*\n)*\n?$/);
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
      }
    }),
    { numRuns: 500 },
  );
  t.same(troubles, []);
});

t.test('a database that fails says so, and to nobody that it was written', async (t) => {
  const { store, greeted, troubles } = talk(t);
  const dovecot = greeted();
  store.close();
  t.match(ask(dovecot, 'B1\tu', set(1, BOB), 'C1'), /^F1\tthe shares could not be written\n$/);
  t.equal(ask(dovecot, `I1\t0\t${TREE}\t${ALICE}`), 'Fthe shares could not be read\n');
  t.equal(ask(dovecot, `L${TREE}user/${BOB}/${ALICE}\tu`), 'Fthe shares could not be read\n');
  t.equal(troubles.length, 3);
});

t.test('another program file is left as it is', async (t) => {
  const { file, open } = place(t);
  const other = new Database(file);
  other.exec('CREATE TABLE other (x)');
  other.close();
  t.throws(open, /but not the list of who shares with whom/);
});
