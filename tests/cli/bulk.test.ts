/** grant --from and revoke --from without a server: what a file may hold, what is refused, and what is written then. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { builtMandat } from './built.ts';
import { type Desk, desk } from './desk.ts';
import { atTerminal, readable } from './terminal.ts';

interface BulkDesk extends Desk {
  file(text: string | Buffer): string;
  /** `alice bob|note` for each delegation. */
  granted(): string;
}

async function populated(t: Parameters<typeof desk>[0]): Promise<BulkDesk> {
  const made = await desk(t);
  made.sql(`INSERT INTO mailbox (address, eligible) VALUES ('alice@lab.test', 1), ('carol@lab.test', 1), ('closed@lab.test', 0);
    INSERT INTO delegate (id) VALUES ('bob'), ('dan'), ('eve'), ('alice@lab.test')`);
  const name = path.join(made.directory, 'many.csv');
  return {
    ...made,
    file: (text) => {
      writeFileSync(name, text);
      return name;
    },
    granted: () => made.sql("SELECT mailbox || ' ' || delegate || ' ' || ifnull(note, '-') FROM delegation ORDER BY 1"),
  };
}

t.test('a file of grants, and the same file of revokes', async (t) => {
  const { mandat, file, granted, sql } = await populated(t);
  const from = file(
    '\ufeffmailbox;delegate;note;ends\r\nAlice@LAB.test;bob;"congés; été";2020-01-01\r\ncarol@lab.test;dan\r\n',
  );
  t.match(await mandat('grant', '--no-wait', '--from', from), {
    status: 2,
    stdout: '',
    stderr: /1 mistake, nothing.*\n.*line 2:.*past/,
  });
  t.equal(granted(), '');
  file('\ufeffmailbox;delegate;note;ends\r\nAlice@LAB.test;bob;"congés; été";2099-12-31\r\ncarol@lab.test;dan\r\n');
  t.match(await mandat('grant', '--no-wait', '--from', from), {
    status: 0,
    stdout: '2 of 2 granted\n',
    stderr: /^mandat: saved\. No sidecar is running.*\n$/,
  });
  t.equal(granted(), 'alice@lab.test bob congés; été\ncarol@lab.test dan -');
  t.equal(sql('SELECT ends_at FROM delegation WHERE ends_at IS NOT NULL'), '2099-12-31T22:59:59.999Z');
  t.match(await mandat('revoke', '--no-wait', '--from', from, '--yes'), {
    status: 0,
    stdout: '2 of 2 revoked\n',
    stderr: /^mandat: saved\. No sidecar is running.*\n$/,
  });
  t.equal(granted(), '');
  t.equal(sql("SELECT count(*) FROM events WHERE action IN ('grant', 'revoke')"), '4', 'each of them an event');
});

t.test('a send mode of its own for each row, else that of the command', async (t) => {
  const { mandat, file, sql } = await populated(t);
  const from = file(
    'mailbox,delegate,send-mode\nalice@lab.test,bob,send-as\nalice@lab.test,dan,\ncarol@lab.test,eve\n',
  );
  const modes = () => sql("SELECT delegate || ' ' || ifnull(send_mode, '-') FROM delegation ORDER BY 1");
  t.match(await mandat('grant', '--no-wait', '--from', from), { status: 0, stdout: '3 of 3 granted\n' });
  t.equal(modes(), 'bob send-as\ndan -\neve -');
  t.match(await mandat('revoke', '--no-wait', '--from', from, '--yes'), { status: 0 });
  t.match(await mandat('grant', '--no-wait', '--from', from, '--send-mode', 'on-behalf'), { status: 0 });
  t.equal(modes(), 'bob send-as\ndan on-behalf\neve on-behalf');
  t.match(await mandat('grant', '--no-wait', '--from', file('mailbox,delegate,send-mode\ncarol@lab.test,bob,both\n')), {
    status: 2,
    stdout: '',
    stderr: /line 2: send-mode "both" is neither on-behalf nor send-as/,
  });
});

t.test('wrong usage', async (t) => {
  const { mandat, json, file, granted } = await populated(t);
  const good = file('mailbox,delegate\nalice@lab.test,bob\n');
  for (const [args, says] of [
    [['alice@lab.test', 'bob', '--from', good], /exclude each other/],
    [['--from', good, '--ends', '2099-01-01'], /--from FILE and --ends exclude each other\n.*column/],
    [['alice@lab.test', 'bob', '--atomic'], /--atomic is for --from/],
    [['alice@lab.test'], /missing required argument 'delegate'\n.*--from <file>/],
    [[], /missing required argument 'mailbox'/],
  ] as const)
    t.match(await mandat('grant', '--no-wait', ...args), { status: 2, stdout: '', stderr: says });
  t.match(await json('grant', '--no-wait', '--from', file('mailbox,delegate\n-,bob\n-,dan\n')), {
    error: { code: 'config', message: /2 mistakes/ },
  });
  t.equal(granted(), '');
});

const MIXED = `mailbox,delegate
alice@lab.test,bob
closed@lab.test,bob
alice@lab.test,alice@lab.test
nobody@lab.test,bob
alice@lab.test,nobody
carol@lab.test,dan
`;

t.test('the rules refuse row by row; --atomic: all or nothing', async (t) => {
  const { mandat, json, file, granted, sql } = await populated(t);
  const from = file(MIXED);
  const atomic = await mandat('grant', '--no-wait', '--from', from, '--atomic');
  t.match(atomic, { status: 3, stdout: '0 of 6 granted: nothing was written (--atomic)\n' });
  t.equal(granted(), '');
  t.equal(sql("SELECT count(*) FROM events WHERE action = 'grant'"), '0', 'nor audited');
  t.equal(sql('SELECT count(*) FROM writer'), '0');

  const some = await mandat('grant', '--no-wait', '--from', from);
  t.match(some, { status: 3, stdout: '2 of 6 granted\n' });
  for (const says of [
    /^mandat: line 3: closed@lab\.test to bob: .*\(MANDAT_NOT_ELIGIBLE\)$/m,
    /^mandat: line 4: .*\(MANDAT_SELF\)$/m,
    /^mandat: line 5: no such mailbox: nobody@lab\.test \(MANDAT_UNKNOWN_MAILBOX\)$/m,
    /^mandat: line 6: no such delegate: nobody \(MANDAT_UNKNOWN_DELEGATE\)$/m,
  ]) {
    t.match(some.stderr, says);
    t.match(atomic.stderr, says, 'the same with --atomic');
  }
  t.equal(granted(), 'alice@lab.test bob -\ncarol@lab.test dan -');

  t.match(await json('grant', '--no-wait', '--from', from), {
    saved: 0,
    refused: [{ line: 2, mailbox: 'alice@lab.test', delegate: 'bob', code: 'refused', rule: 'MANDAT_DUPLICATE' }],
    mailboxes: 0,
    verified: null,
    failures: [],
  });
  const absent = file('mailbox,delegate\nalice@lab.test,bob\nalice@lab.test,dan\n');
  t.match(await mandat('revoke', '--no-wait', '--from', absent, '--yes', '--atomic'), {
    status: 4,
    stderr: /line 3: alice@lab\.test is not delegated to dan/,
  });
  t.equal(granted(), 'alice@lab.test bob -\ncarol@lab.test dan -');
  t.match(await json('revoke', '--no-wait', '--from', absent, '--yes'), {
    saved: 1,
    refused: [{ line: 3, code: 'absent' }],
  });
  t.equal(granted(), 'carol@lab.test dan -');
  t.equal(sql('SELECT count(*) FROM intents'), '1', 'asked for by name: no guard holds it');
});

t.test('the eleventh of a file, whoever the others were', async (t) => {
  const { mandat, file, sql } = await populated(t);
  for (let number = 1; number <= 12; number++) sql(`INSERT INTO delegate (id) VALUES ('d${number}')`);
  const rows = Array.from({ length: 12 }, (_, index) => `alice@lab.test,d${index + 1}\n`).join('');
  const from = file(`mailbox,delegate\n${rows}`);
  t.match(await mandat('grant', '--no-wait', '--from', from, '--atomic'), { status: 3, stdout: /^0 of 12/ });
  t.match(await mandat('grant', '--no-wait', '--from', from), {
    status: 3,
    stdout: '10 of 12 granted\n',
    stderr: /line 13: .*MANDAT_LIMIT/,
  });
  t.equal(sql('SELECT count(*) FROM delegation'), '10');
});

t.test('a revoke of many asks first, and says how many; its mistakes before that', async (t) => {
  const { configFile, mandat, file, granted } = await populated(t);
  const from = file('mailbox,delegate\nalice@lab.test,bob\ncarol@lab.test,dan\n');
  await mandat('grant', '--no-wait', '--from', from);
  const argv = [...(await builtMandat()), '--config', configFile, 'revoke', '--from', from];
  t.match(await mandat('revoke', '--no-wait', '--from', from), { status: 2, stderr: /nothing was changed\n.*--yes/ });
  const no = await atTerminal(argv, /\(y\/N\)/);
  t.equal(no.status, 1);
  t.match(readable(no), /End the 2 delegations that .*many\.csv names\?/);
  t.equal(granted().split('\n').length, 2);
  file('mailbox,delegate\nalice@lab.test,-bob\n');
  const wrong = await atTerminal(argv);
  t.equal(wrong.status, 2);
  t.notMatch(readable(wrong), /\(y\/N\)/);
  file('mailbox,delegate\nalice@lab.test,bob\ncarol@lab.test,dan\n');
  const yes = await atTerminal(argv, /\(y\/N\)/, 'y\r');
  t.equal(yes.status, 0);
  t.equal(granted(), '');
});
