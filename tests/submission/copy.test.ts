/** One copy, with a Sent folder that is slow or fails as it is told. Real ones: tests/servers/submission-copy.test.ts. */

import { pino } from 'pino';
import t, { type Test } from 'tap';
import type { Pause } from '../../bridge/safeguards/pause.ts';
import { Failure } from '../../bridge/shared/failure.ts';
import type { Note } from '../../bridge/store/submissions/submission-db.ts';
import { copyKeeper } from '../../bridge/submission/copy.ts';
import { copyKey, copyTicket } from '../../bridge/submission/copy-address.ts';
import { fingerprintOf } from '../../bridge/submission/fingerprint.ts';
import type { SentFolder } from '../../bridge/submission/sent-folder.ts';
import { sentSessions } from '../../bridge/submission/sent-sessions.ts';
import type { Lying } from '../../bridge/submission/twins.ts';
import { freshTable } from '../store/fresh.ts';

const key = copyKey(Buffer.alloc(32));
const MESSAGE = Buffer.from('Received: from a\r\nMessage-ID: <a@lab.test>\r\n\r\nx\r\n');
const OTHER_PART = Buffer.from('Received: from b\r\nMessage-ID: <a@lab.test>\r\n\r\nx\r\n');
const ticket = () => copyTicket(key, { mailboxId: 1, messageId: '<a@lab.test>', sentAt: new Date() });

async function keeperOn(
  t: Test,
  open: (login: string) => Promise<SentFolder>,
  isPaused: () => Promise<Pause | undefined> = async () => undefined,
) {
  const table = await freshTable(t);
  await table.query
    .insertInto('mailbox')
    .values({ address: 'alice@lab.test' } as never)
    .execute();
  const notes: Note[] = [];
  const stored = () => notes.flatMap((note) => (note.kind === 'copy-stored' ? [note] : []));
  const sessions = sentSessions({ open });
  t.teardown(() => sessions.close());
  const keep = copyKeeper({
    key,
    table,
    servers: ['main'],
    sent: sessions,
    store: {
      isStored: async (nonce) => stored().some(({ copy }) => copy.nonce === nonce),
      submitted: async () => null,
      isCopy: async (exact) => stored().some(({ look }) => look?.for.print.exact === exact),
    },
    note: async (...more) => void notes.push(...more),
    log: pino({ level: 'silent' }),
    isPaused,
    now: () => new Date(),
  });
  return { keep, notes, table };
}

/** A folder in memory, as slow as it is told. */
function folderOf(lying: Lying[], faults: Partial<SentFolder> = {}): SentFolder {
  return {
    find: async () => [...lying],
    append: async (message) => {
      const print = fingerprintOf(message);
      if (print !== undefined) lying.push({ uid: (lying.at(-1)?.uid ?? 0) + 1, print });
    },
    replace: async (twin) => {
      lying.splice(
        lying.findIndex(({ uid }) => uid === twin.uid),
        1,
      );
      return true;
    },
    close: () => {},
    ...faults,
  };
}

const lyingAs = (uid: number, message: string): Lying => {
  const print = fingerprintOf(Buffer.from(message));
  if (print === undefined) throw new Error('no message');
  return { uid, print };
};

t.test('two parts of one message at once are one copy, in one session, and a ticket is good once', async (t) => {
  const lying: Lying[] = [];
  let open = 0;
  const { keep, notes } = await keeperOn(t, async (login) => {
    t.equal(login, 'alice@lab.test');
    t.equal(++open, 1, 'one login for all three');
    return folderOf(lying, {
      find: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return [...lying];
      },
    });
  });
  const first = ticket();
  const parts = [keep(first, MESSAGE), keep(ticket(), OTHER_PART), keep(first, MESSAGE)];
  t.same(
    (await Promise.all(parts)).map(({ kind }) => kind),
    ['stored', 'there', 'there'],
  );
  t.equal(lying.length, 1);
  t.equal(notes.length, 2);
});

t.test('while it is paused a copy waits in the queue, and nobody logs in', async (t) => {
  let pause: Pause | undefined = { since: '2026-01-01T00:00:00.000Z', by: 'admin:root', reason: null, all: false };
  const lying: Lying[] = [];
  const open = async () => {
    t.notOk(pause, 'not before it is resumed');
    return folderOf(lying);
  };
  const { keep, notes } = await keeperOn(t, open, async () => pause);
  const mine = ticket();
  t.match(await keep(mine, MESSAGE), { kind: 'failed', forGood: false, failure: { rule: 'MANDAT_PAUSED' } });
  t.same([lying, notes], [[], []]);
  pause = undefined;
  t.match(await keep(mine, MESSAGE), { kind: 'stored' });
});

t.test('where the mailbox is on another mail server a copy waits in the queue, and nobody logs in here', async (t) => {
  const lying: Lying[] = [];
  let logins = 0;
  const open = async () => {
    logins++;
    return folderOf(lying);
  };
  const { keep, notes, table } = await keeperOn(t, open);
  const moveTo = (server: string) => table.query.updateTable('mailbox').set({ server }).execute();
  await moveTo('mx2');
  const mine = ticket();
  const failure = {
    code: 'refused',
    rule: 'MANDAT_OTHER_SERVER',
    message: /is on the mail server mx2.*on main: nothing/,
  };
  t.match(await keep(mine, MESSAGE), { kind: 'failed', forGood: false, failure });
  t.match(notes, [{ kind: 'copy-failed', forGood: false, failure: { code: 'refused' } }]);
  t.equal(logins, 0);
  await moveTo('main');
  t.match(await keep(mine, MESSAGE), { kind: 'stored' });
});

t.test('what lies there decides: a twin goes once ours is seen, anything else stays', async (t) => {
  const other = lyingAs(1, 'Message-ID: <a@lab.test>\r\n\r\nanother text\r\n');
  const twin = lyingAs(2, 'Bcc: z@far.test\r\nMessage-ID: <a@lab.test>\r\n\r\nx\r\n');
  const lying = [other, twin];
  const { keep } = await keeperOn(t, async () => folderOf(lying));
  t.match(await keep(ticket(), MESSAGE), { kind: 'stored' });
  t.same(
    lying.map(({ uid }) => uid),
    [1, 3],
    'ours for the twin',
  );

  const unseen = [twin];
  const blind = await keeperOn(t, async () => folderOf(unseen, { append: async () => {} }));
  t.match(await blind.keep(ticket(), MESSAGE), { kind: 'stored' });
  t.same(unseen, [twin], 'ours is not seen there');

  const without = [twin];
  const plain = await keeperOn(t, async () => folderOf(without, { replace: async () => false }));
  t.match(await plain.keep(ticket(), MESSAGE), { kind: 'stored' });
  t.equal(without.length, 2, 'a server that can not take away a single message');

  const broken = [twin];
  const lost = await keeperOn(t, async () =>
    folderOf(broken, {
      replace: async () => {
        throw new Failure('retry', 'lost');
      },
    }),
  );
  t.match(await lost.keep(ticket(), MESSAGE), { kind: 'stored' }, 'ours is stored all the same');
});

t.test('a session that ended while it waited is opened anew, and nothing is stored twice', async (t) => {
  const lying: Lying[] = [];
  let opened = 0;
  const { keep } = await keeperOn(t, async () => {
    const number = ++opened;
    let used = 0;
    return folderOf(lying, {
      find: async () => {
        if (number === 1 && ++used > 1) throw new Failure('retry', 'kicked');
        return [...lying];
      },
    });
  });
  t.match(await keep(ticket(), MESSAGE), { kind: 'stored' });
  t.match(await keep(ticket(), MESSAGE), { kind: 'there' });
  t.equal(opened, 2);
  t.equal(lying.length, 1);
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
