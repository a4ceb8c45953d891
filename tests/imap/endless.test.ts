/** A server whose answer has no end: whichever command it was, mandat ends the connection, says why, and keeps nothing of it. */
import t from 'tap';
import { atom, literal, text } from '../../bridge/imap/arguments.ts';
import { connect } from '../../bridge/imap/connection.ts';
import { failureOf } from '../../bridge/shared/failure.ts';
import { type Endless, startFakeServer } from './fake-server.ts';

/** Which of the bounds it meets first depends on how fast the machine is. */
const FLOOD =
  /with more than 100000 lines|with more than 16 MB|a line that does not end|took more than 5 s over one command/;

const ENDLESS: readonly (readonly [what: string, endless: Endless, says: RegExp])[] = [
  ['a line', { say: 'x' }, /a line that does not end/],
  ['a line of words', { say: 'x ' }, /a line that does not end/],
  ['a line of lists', { say: `* LIST ${'('.repeat(100_000)}` }, /a line that does not end/],
  ['a quoted string', { say: '* LIST () "/" "'.padEnd(2_000_000, 'y') }, /a line that does not end/],
  ['an announced literal', { say: '* LIST () "/" {1073741823}\r\n' }, /a line that does not end/],
  ['many literals', { say: `* LIST () "/" {9}\r\n123456789`.replace('* LIST () "/" ', '') }, FLOOD],
  ['LIST lines', { say: '* LIST () "/" folder\r\n' }, FLOOD],
  ['lines that nobody asked for', { say: '* 5 EXISTS\r\n* OK still here\r\n' }, FLOOD],
  ['go-aheads', { say: '+ go on\r\n' }, FLOOD],
  ["answers to somebody else's commands", { say: 'Z9 OK done\r\n' }, FLOOD],
  ['empty lines', { say: '\r\n' }, FLOOD],
  ['a line now and then', { say: '* OK still here\r\n', everyMs: 50 }, /took more than 2 s over one command/],
];

const COMMANDS: readonly (readonly [
  command: string,
  args: Parameters<Awaited<ReturnType<typeof connect>>['run']>[1],
])[] = [
  ['LIST', [text(''), text('*')]],
  ['GETACL', [text('INBOX')]],
  ['SETACL', [text('INBOX'), text('bob'), text('lr')]],
  ['MYRIGHTS', [text('INBOX')]],
  ['SUBSCRIBE', [text('INBOX')]],
  ['EXAMINE', [text('INBOX')]],
  ['SEARCH', [atom('ALL')]],
  ['APPEND', [text('INBOX'), literal(Buffer.from('x'))]],
  ['NAMESPACE', []],
];

const open = (port: number, timeoutMs = 500) =>
  connect({ host: '127.0.0.1', port, tls: 'none', timeoutMs }, { user: 'bridge', pass: 'secret', authzid: 'alice' });

/** Bytes by which the process has grown meanwhile, looked at again and again. */
async function growthDuring(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().rss;
  let most = before;
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 20);
  await work().finally(() => clearInterval(timer));
  return most - before;
}

const MOST_GROWTH = 400 * 1024 * 1024;

t.test('after the login', async (t) => {
  for (const [what, endless, says] of ENDLESS) {
    let bad = '';
    const server = await startFakeServer((command) => (command === bad ? endless : undefined));
    const commands = what === 'a line' ? COMMANDS : COMMANDS.slice(0, 1);
    for (const [command, args] of commands) {
      bad = '';
      const connection = await open(server.port, endless.everyMs === undefined ? 500 : 200);
      bad = command;
      const growth = await growthDuring(async () => {
        const error = await connection.run(command, args, 'LIST', 'ACL', 'SEARCH').then(() => 'done', failureOf);
        t.match(error, { code: 'retry', message: says, hint: /tried again/ }, `${command}: ${what}`);
      });
      t.ok(growth < MOST_GROWTH, `${command}: ${what}: ${Math.round(growth / 1e6)} MB`);
      t.match(await connection.run('NOOP', []).then(() => 'done', failureOf), { code: 'retry' }, 'it has been closed');
      connection.close();
    }
    await server.close();
  }
});

const BEFORE = ['a line', 'an announced literal', 'lines that nobody asked for', 'a line now and then'];

t.test('before it, and in it', async (t) => {
  for (const phase of ['GREETING', 'CAPABILITY', 'AUTHENTICATE']) {
    for (const [what, endless] of ENDLESS.filter(([what]) => BEFORE.includes(what))) {
      if (phase === 'GREETING' && String(endless.say).includes('* OK')) continue; // which is one
      const server = await startFakeServer((command) => (command === phase ? endless : undefined));
      const growth = await growthDuring(async () => {
        const error = await open(server.port, 200).then(() => 'done', failureOf);
        t.match(error, { code: 'retry', message: /the IMAP server at 127\.0\.0\.1/ }, `${phase}: ${what}`);
      });
      t.ok(growth < MOST_GROWTH, `${phase}: ${what}: ${Math.round(growth / 1e6)} MB`);
      await server.close();
    }
  }
});

t.test('many commands that wait for their turn take longer together than one may', async (t) => {
  const answer = (tag: string) => ({ once: `${tag} OK done\r\n`, afterMs: 10 });
  const server = await startFakeServer((command, tag) => (command === 'NOOP' ? answer(tag) : undefined));
  const connection = await open(server.port, 2000);
  const began = performance.now();
  const replies = await Promise.all(Array.from({ length: 300 }, () => connection.run('NOOP', [])));
  t.ok(performance.now() - began > 2000, 'so they did');
  t.ok(replies.every(({ ok }) => ok));
  connection.close();
  await server.close();
});

t.test('what is said with a refusal is cut', async (t) => {
  const server = await startFakeServer((command, tag) =>
    command === 'GETACL' ? { once: `${tag} NO [${'C'.repeat(100_000)}] ${'y'.repeat(100_000)}\r\n` } : undefined,
  );
  const connection = await open(server.port);
  const reply = await connection.run('GETACL', [text('INBOX')]);
  t.match(reply, { ok: false, status: 'NO', code: /^C{500}$/, text: /^y{500}$/ });
  connection.close();
  await server.close();
});
