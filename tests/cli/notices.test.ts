/** notices list, retry, templates; mailbox contact. What the sidecar sends: tests/notify, tests/servers/notices.test.ts. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { type Desk, desk, must } from './desk.ts';

const ALICE = 'alice@lab.test';

let made: Desk;
t.before(async () => {
  made = await desk(t);
  made.sql(`INSERT INTO mailbox (address) VALUES ('${ALICE}'); INSERT INTO alias (address, mailbox) VALUES ('a@lab.test', '${ALICE}');
    INSERT INTO delegate (id) VALUES ('bob'), ('carol')`);
});

function state(sql: string): readonly unknown[] {
  const database = new Database(`${made.directory}/data/private/state.db`);
  try {
    const statement = sql.startsWith('SELECT') ? database.prepare(sql) : undefined;
    if (statement !== undefined) return statement.all();
    database.exec(sql);
    return [];
  } finally {
    database.close();
  }
}

/** Each is refused, beside the others. */
async function all(t: Test, refused: readonly (readonly [readonly string[], number, RegExp])[]): Promise<void> {
  await Promise.all(
    refused.map(async ([args, status, words]) =>
      t.match(await made.mandat(...args), { status, stderr: words }, args.join(' ')),
    ),
  );
}

const row = (subject: string, how: string, more: { kind?: string; part?: string; recipient?: string } = {}) =>
  `INSERT INTO outbox (event, kind, part, subject, mailbox, recipient, language, data, message_id, created_at, state, attempts, error)
    VALUES ('e', '${more.kind ?? 'grant'}', '${more.part ?? 'delegate'}', '${subject}', '${ALICE}', ${more.recipient ? `'${more.recipient}'` : 'NULL'},
    'fr', '{"code":"314159"}', '<1@lab.test>', '2026-01-01T08:00:00.000Z', '${how}', 9, 'user unknown')`;

t.test("the owner's second address", async (t) => {
  const { mandat, json } = made;
  t.same(await json('mailbox', 'contact', ALICE), { mailbox: ALICE, contact: null, language: null });
  await must(mandat('mailbox', 'contact', ALICE, '--set', 'Alice.Private@Elsewhere.TEST', '--language', 'en'));
  t.same(state('SELECT contact, language FROM owner_contacts'), [
    { contact: 'alice.private@elsewhere.test', language: 'en' },
  ]);
  t.same(await json('mailbox', 'contact', ALICE), {
    mailbox: ALICE,
    contact: 'alice.private@elsewhere.test',
    language: 'en',
  });
  const refused: readonly (readonly [args: readonly string[], status: number, words: RegExp])[] = [
    [['mailbox', 'contact', ALICE, '--set', ALICE], 3, /this mailbox itself/],
    [['mailbox', 'contact', ALICE, '--set', 'a@lab.test'], 3, /this mailbox itself/],
    [['mailbox', 'contact', ALICE, '--set', 'a@b.org\nBcc: c@d.org'], 3, /MANDAT_ADDRESS/],
    [['mailbox', 'contact', ALICE, '--set', 'x@y.test', '--clear'], 2, /contradict/],
    [['mailbox', 'contact', 'erin@lab.test'], 4, /no such mailbox/],
    [['--as', 'owner:somebody', 'mailbox', 'contact', ALICE, '--clear'], 3, /MANDAT_ACTOR/],
    [['--as', 'delegate:bob', 'mailbox', 'contact', ALICE], 3, /MANDAT_ACTOR/],
  ];
  await all(t, refused);
  t.equal((await mandat('--as', `owner:${ALICE}`, 'mailbox', 'contact', ALICE)).status, 0, 'their own');
  t.equal(state('SELECT * FROM owner_contacts').length, 1, 'nothing of this was written');
  t.notMatch(made.sql('SELECT * FROM events'), /elsewhere/i, 'the shared table knows nothing of it');
  await must(mandat('mailbox', 'contact', ALICE, '--clear'));
  t.same(state('SELECT * FROM owner_contacts'), []);
  await must(mandat('mailbox', 'contact', ALICE, '--clear'));
  t.equal(
    made.sql("SELECT mailbox, detail FROM events WHERE action = 'mailbox-contact'"),
    `${ALICE}|{"contact":"another","language":"en"}\n${ALICE}|{"contact":"none","language":null}`,
    'the trail tells of each change, and of no address',
  );
});

t.test('list names nobody’s address, and shows no code', async (t) => {
  const { mandat, json } = made;
  t.match(await mandat('notices', 'list'), { status: 0, stdout: 'no notices\n' });
  state(
    [
      row('bob', 'failed', { recipient: 'bob@elsewhere.test' }),
      row('carol', 'no-address'),
      row('dave', 'sent', { recipient: 'd@elsewhere.test' }),
    ].join(';'),
  );
  state(row('erin', 'failed', { kind: 'code', part: 'account', recipient: 'e@elsewhere.test' }));
  const { stdout } = await must(mandat('notices', 'list'));
  t.match(stdout, /^1 +failed +grant +delegate bob +alice@lab\.test .*user unknown$/m);
  const failed = await json('notices', 'list', '--state', 'failed');
  t.match(failed, [
    { id: 1, subject: 'bob', state: 'failed', error: 'user unknown' },
    { id: 4, kind: 'code' },
  ]);
  t.notMatch(`${stdout}${JSON.stringify(failed)}`, /elsewhere|314159/);
});

t.test('retry: under the address that is known now', async (t) => {
  const { mandat, json } = made;
  await all(t, [
    [['notices', 'retry', '77'], 4, /no such notice: 77/],
    [['notices', 'retry', '1', '3'], 3, /notice 3 was sent/],
    [['notices', 'retry', '4'], 3, /held a code/],
    [['notices', 'retry', 'x'], 2, /A number/],
    [['notices', 'list', '--state', 'lost'], 2, /Allowed choices/],
  ]);
  t.same(state("SELECT id FROM outbox WHERE state = 'waiting'"), [], 'nothing of this was written');
  t.match(await mandat('notices', 'retry'), {
    status: 1,
    stdout: /^1 notice to be tried again by the sidecar\n2: still no address is known for delegate carol\n$/,
  });
  state(
    "INSERT INTO accounts (delegate_id, contact) VALUES (2, 'carol@elsewhere.test'), (1, 'bob.new@elsewhere.test'); UPDATE outbox SET state = 'failed' WHERE id = 1",
  );
  t.match(await json('notices', 'retry'), { again: [1, 2], noAddress: [] });
  t.match(state('SELECT state, recipient, attempts FROM outbox ORDER BY id LIMIT 2'), [
    { state: 'waiting', recipient: 'bob.new@elsewhere.test', attempts: 0 },
    { state: 'waiting', recipient: 'carol@elsewhere.test', attempts: 0 },
  ]);
  t.match(state('SELECT since, created_at FROM outbox WHERE id = 1')[0], {
    created_at: '2026-01-01T08:00:00.000Z',
    since: /^20\d\d-/,
  });
});

t.test('templates are written out, and what is there stays', async (t) => {
  const directory = path.join(made.directory, 'templates');
  t.match(await must(made.mandat('notices', 'templates', directory)), {
    stdout: /^\d\d+ files written into .*templates\n$/,
  });
  const file = path.join(directory, 'fr/grant-owner.txt');
  t.match(readFileSync(file, 'utf8'), /^Subject: Délégation ajoutée/);
  t.ok(existsSync(path.join(directory, 'en/top.html')));
  writeFileSync(file, 'Subject: mine\n\nmine\n');
  t.match(await must(made.mandat('notices', 'templates', directory)), {
    stdout: /^0 files written .*; \d+ were there already and stay/,
  });
  t.equal(readFileSync(file, 'utf8'), 'Subject: mine\n\nmine\n');
});
