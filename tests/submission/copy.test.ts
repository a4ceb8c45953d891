/** One copy, with a Sent folder that is slow or fails as it is told. Real ones: tests/servers/submission-copy.test.ts. */
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { Failure } from '../../bridge/failure.ts';
import type { Note } from '../../bridge/store/submissions.ts';
import { copyKeeper, type SentFolder } from '../../bridge/submission/copy.ts';
import { copyKey, copyTicket } from '../../bridge/submission/copy-address.ts';
import { freshTable } from '../store/fresh.ts';

const key = copyKey(Buffer.alloc(32));
const MESSAGE = Buffer.from('Message-ID: <a@lab.test>\r\n\r\nx\r\n');
const ticket = () => copyTicket(key, { mailboxId: 1, messageId: '<a@lab.test>', sentAt: new Date() });

async function keeperOn(t: Test, open: (login: string) => Promise<SentFolder>) {
  const table = freshTable(t);
  await table.query
    .insertInto('mailbox')
    .values({ address: 'alice@lab.test' } as never)
    .execute();
  const notes: Note[] = [];
  const keep = copyKeeper({
    key,
    table,
    sent: { open },
    isStored: async (nonce) => notes.some((note) => note.kind === 'copy-stored' && note.copy.nonce === nonce),
    note: async (note) => void notes.push(note),
    log: pino({ level: 'silent' }),
    now: () => new Date(),
  });
  return { keep, notes };
}

t.test('two parts of one message at once are one copy, and a ticket is good once', async (t) => {
  const there: string[] = [];
  let open = 0;
  const { keep, notes } = await keeperOn(t, async (login) => {
    t.equal(login, 'alice@lab.test');
    t.equal(++open, 1, 'one at a time in a mailbox');
    return {
      holds: async (id) => {
        await new Promise((resolve) => setImmediate(resolve));
        return there.includes(id);
      },
      append: async () => void there.push('<a@lab.test>'),
      close: () => void open--,
    };
  });
  const first = ticket();
  const kinds = (await Promise.all([keep(first, MESSAGE), keep(ticket(), MESSAGE), keep(first, MESSAGE)])).map(
    ({ kind }) => kind,
  );
  t.same(kinds, ['stored', 'there', 'there']);
  t.equal(there.length, 1);
  t.equal(notes.length, 3);
});

t.test('what fails is an outcome, and what can never work is said to be so', async (t) => {
  const rows: readonly (readonly [Error, string, boolean])[] = [
    [new Failure('retry', 'away'), 'retry', false],
    [new Failure('config', 'too big', '', { rule: 'TOOBIG' }), 'config', true],
    [new Failure('config', 'refused', '', { rule: '' }), 'config', false],
    [new Failure('unsafe', "somebody else's session"), 'unsafe', false],
    [new Error('a defect'), 'internal', false],
  ];
  let error: Error | undefined;
  const { keep, notes } = await keeperOn(t, async () => {
    throw error;
  });
  for (const [thrown, code, forGood] of rows) {
    error = thrown;
    t.match(await keep(ticket(), MESSAGE), { kind: 'failed', failure: { code }, forGood }, code);
    t.match(notes.at(-1), { kind: 'copy-failed', copy: { mailbox: 'alice@lab.test' }, failure: { code }, forGood });
  }
  const other = copyTicket(key, { mailboxId: 2, messageId: '<a@lab.test>', sentAt: new Date() });
  t.match(
    await keep(other, MESSAGE),
    { failure: { code: 'absent' }, forGood: true },
    'a mailbox that has left the table',
  );
});
