/**
 * What a real Dovecot writes into its log of events, by the shipped fragments, read as the sidecar reads it, while people work and the log is
 * rotated: what the trace makes of each command, each access once, and nothing of what stands in messages.
 */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import t from 'tap';
import { type Following, followLog } from '../../bridge/events/log/follow-log.ts';
import type { Access } from '../../bridge/trace/access.ts';
import { traced } from '../../bridge/trace/trace-reading.ts';
import { traceSink } from '../../bridge/trace/trace-sink.ts';
import { openTraceWriter } from '../../bridge/trace/trace-writing.ts';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { readFragment } from '../../config/lab/fragment.ts';
import { startLab } from '../../config/lab/lab.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { connectImap, type RawImap } from '../../config/lab/raw-imap.ts';
import { systemUser } from '../../config/lab/system-ids.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { KEY } from '../trace/made-access.ts';
import { JUDGING } from '../trace/people.ts';

const version = dovecotVersion();
const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-trace-'));
chmodSync(directory, 0o755);
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const log = path.join(directory, 'dovecot-events.log');
/** As the fragments say to: who writes it can't make it. */
const makeLog = () => {
  writeFileSync(log, '', { mode: 0o640 });
  if (version === '2.4') chownSync(log, systemUser('dovecot').uid, 0);
};
makeLog();

const reservation = await reservePorts(1);
const [proxied = 0] = reservation.ports;
t.teardown(() => reservation.release());
const lab = await startLab({
  reuse: true,
  tls: true,
  postfix: false,
  users: ['alice', 'bob', 'carol'].map((name) => ({ login: `${name}@lab.test`, password: name })),
  extraDovecot: `${await readFragment(`dovecot/${version}/events-log.conf`, { '/var/log/dovecot-events.log': log })}
${await readFragment(`dovecot/${version}/trace.conf`)}
haproxy_trusted_networks = 127.0.0.0/8
login_trusted_networks = 127.0.0.0/8
service imap-login {
  inet_listener proxied {
    port = ${proxied}
    haproxy = yes
  }
}
`,
});
t.teardown(() => lab.stop());

const trace = path.join(directory, 'trace');
const troubles: (string | undefined)[] = [];
let ends: (() => void)[] = [];
let following: Following | undefined;
/** As the sidecar does, from where it was. */
const follow = () => {
  const writer = openTraceWriter(trace, KEY, () => new Date());
  const sink = traceSink(writer, 'log', () => JUDGING);
  following = followLog({
    log,
    position: sink.position,
    keep: (events, position) => sink.keep(events, position),
    hear: () => {},
    say: (trouble) => troubles.push(trouble),
  });
  ends = [following.close, writer.close];
};
const stop = () => {
  for (const end of ends.splice(0)) end();
};
follow();
t.teardown(stop);

const all = () => [...traced(trace, {})];
const login = async (name: string) => {
  const imap = await connectImap(lab.imap);
  const { status, text } = await imap.login(`${name}@lab.test`, name);
  if (status !== 'OK') throw new Error(text);
  return imap;
};
/** What stands there by these people since that many. */
const since = (count: number, wanted: number, what: string) =>
  waitFor(
    what,
    20_000,
    () => {
      const found = all().slice(count);
      return found.length >= wanted && found;
    },
    () => JSON.stringify(all().slice(count), null, 1),
  );

const alice = await login('alice');
await alice.command('SETACL INBOX bob@lab.test lrswipkxte');
await alice.command('CREATE Archives');
await alice.command('SETACL Archives bob@lab.test lrs');
const bob = await login('bob');
const carol = await login('carol');
await alice.append('INBOX', 'Subject: the-subject\r\nFrom: Dupont <dupont@patient.test>\r\n\r\nthe-body\r\n');
await alice.append('INBOX', 'Subject: the-subject\r\n\r\nthe-body\r\n');
await alice.command('STATUS INBOX (MESSAGES)');
const SHARED = 'shared/alice@lab.test';

/** Of an access what these tests look at. */
const short = ({ login, relation, folder, action, answer, said, messages, target }: Access) => ({
  who: `${relation} ${login.replace('@lab.test', '')}`,
  what: `${action} ${folder} ${messages?.set ?? ''} ${answer}`.replace('  ', ' '),
  ...(answer === 'OK' ? {} : { said }),
  ...(target === null ? {} : { target: `${target.mailbox} ${target.folder ?? ''} ${target.set ?? ''}`.trim() }),
});

t.test('each command, with who, in whose mailbox, on which messages, and the answer', async (t) => {
  const before = (await since(0, 7, 'of before')).length;
  const D = 'delegate bob';
  const rows: readonly (readonly [RawImap, string, ...object[]])[] = [
    [bob, `SELECT ${SHARED}`, { who: D, what: 'open INBOX OK' }],
    [bob, 'UID FETCH 1 (FLAGS)'],
    [bob, 'STATUS Archives (MESSAGES)'],
    [bob, 'UID FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])', { who: D, what: 'headers INBOX 1 OK' }],
    [bob, 'UID FETCH 1:2 (BODY[])', { who: D, what: 'read INBOX 1:2 OK' }],
    [bob, 'FETCH 1 (BODY.PEEK[TEXT])', { who: D, what: 'read INBOX 1 OK' }],
    [bob, 'UID SEARCH TEXT "the-search"'],
    [bob, 'UID STORE 1 +FLAGS (\\Seen the-keyword)', { who: D, what: 'flag INBOX 1 OK' }],
    [
      bob,
      `UID COPY 1 ${SHARED}/Archives`,
      { who: D, what: 'copy INBOX 1 NO', said: '[NOPERM]', target: 'same Archives' },
    ],
    [bob, 'UID COPY 1 INBOX', { who: D, what: 'copy INBOX 1 OK', target: 'own' }],
    [bob, `CREATE ${SHARED}/Suite`, { who: D, what: 'folder-create Suite OK' }],
    [bob, `UID COPY 1 ${SHARED}/Suite`, { who: D, what: 'copy INBOX 1 OK', target: 'same Suite 1' }],
    [bob, `UID MOVE 1 ${SHARED}/Suite`, { who: D, what: 'move INBOX 1 OK', target: 'same Suite' }],
    [bob, 'UID MOVE 2 INBOX', { who: D, what: 'move INBOX 2 OK', target: 'own' }],
    [bob, `APPEND ${SHARED} {12+}\r\nthe-appended`, { who: D, what: 'file INBOX 3 OK' }],
    [bob, `APPEND ${SHARED}/None {1+}\r\nx`, { who: D, what: 'file None NO' }],
    [bob, 'UID STORE 3 +FLAGS.SILENT (\\Deleted)', { who: D, what: 'mark-deleted INBOX 3 OK' }],
    [bob, 'UID STORE 3 -FLAGS (\\Deleted)', { who: D, what: 'unmark-deleted INBOX 3 OK' }],
    [bob, 'STORE 1 +FLAGS (\\Deleted)', { who: D, what: 'mark-deleted INBOX 1 OK' }],
    [bob, 'UID EXPUNGE 3', { who: D, what: 'expunge INBOX 3 OK' }],
    [bob, 'EXPUNGE', { who: D, what: 'expunge INBOX OK' }],
    [bob, 'CLOSE', { who: D, what: 'expunge INBOX OK' }],
    [bob, 'SELECT INBOX'],
    [bob, 'UID FETCH 1 (BODY[])'],
    [bob, `UID COPY 1 ${SHARED}`, { who: D, what: 'file INBOX 4 OK' }],
    [bob, `UID MOVE 1 ${SHARED}/Archives`, { who: D, what: 'file Archives NO', said: '[NOPERM]' }],
    [bob, `SUBSCRIBE ${SHARED}/Suite`, { who: D, what: 'subscribe Suite OK' }],
    [bob, `RENAME ${SHARED}/Suite ${SHARED}/Autre`, { who: D, what: 'folder-rename Suite OK', target: 'same Autre' }],
    [bob, `DELETE ${SHARED}/Autre`, { who: D, what: 'folder-delete Autre OK' }],
    [bob, `DELETE ${SHARED}/Archives`, { who: D, what: 'folder-delete Archives NO' }],
    [bob, `SETACL ${SHARED} carol@lab.test lr`, { who: D, what: 'rights INBOX NO' }],
    [bob, `SELECT ${SHARED}/None`, { who: D, what: 'open None NO', said: "Mailbox doesn't exist" }],
    [carol, `SELECT ${SHARED}`, { who: 'other carol', what: 'open INBOX NO' }],
    [carol, `STATUS ${SHARED} (MESSAGES)`, { who: 'other carol', what: 'look INBOX NO' }],
    [carol, `GETACL ${SHARED}`, { who: 'other carol', what: 'look INBOX NO' }],
    [alice, 'SELECT INBOX', { who: 'owner alice', what: 'open INBOX OK' }],
    [alice, 'UID FETCH 4 (RFC822)', { who: 'owner alice', what: 'read INBOX 4 OK' }],
  ];
  for (const [imap, line] of rows) await imap.command(line);
  const expected = rows.flatMap(([, , ...accesses]) => accesses);
  const found = (await since(before, expected.length, 'all of them')).map(short);
  t.match(found, expected);
  t.equal(found.length, expected.length);
});

t.test('where from: straight, by TLS, through a proxy that says so', async (t) => {
  const addresses = async (name: string, work: () => Promise<void>) => {
    const before = all().length;
    await work();
    const found = await since(before, 2, name);
    return [...new Set(found.map(({ address, action }) => `${action} ${address}`))].sort();
  };
  t.same(
    await addresses('TLS', async () => {
      const socket = tls.connect({ ...lab.imaps, rejectUnauthorized: false });
      let said = '';
      socket.setEncoding('latin1').on('data', (text) => {
        said += text;
      });
      socket.write(`a LOGIN alice@lab.test alice\r\nb SELECT INBOX\r\nc LOGOUT\r\n`);
      await waitFor('the answer', 10_000, () => said.includes('c OK'));
      socket.destroy();
    }),
    ['login 127.0.0.1', 'open 127.0.0.1'],
  );
  const through = (first: string, port: number) => async () => {
    const socket = (await import('node:net')).connect(port, '127.0.0.1');
    let said = '';
    socket.setEncoding('latin1').on('data', (text) => {
      said += text;
    });
    socket.write(first);
    await waitFor('the greeting', 10_000, () => said.includes('* OK'));
    if (first === '') {
      socket.write('i ID ("x-originating-ip" "192.0.2.9" "x-originating-port" "4321")\r\n');
      await waitFor('ID', 10_000, () => said.includes('i OK'));
    }
    socket.write('a LOGIN alice@lab.test alice\r\n');
    await waitFor('LOGIN', 10_000, () => said.includes('a OK'));
    socket.write('b SELECT INBOX\r\n');
    await waitFor('SELECT', 10_000, () => said.includes('b OK'));
    socket.destroy();
  };
  t.same(
    await addresses('HAProxy', through(`PROXY TCP4 192.0.2.7 127.0.0.1 1234 143\r\n`, proxied)),
    ['login 192.0.2.7', 'open 192.0.2.7'],
    'HAProxy',
  );
  t.same(await addresses('a webmail', through('', lab.imap.port)), ['login 192.0.2.9', 'open 192.0.2.9'], 'a webmail');
});

t.test('a master user in the name of the owner is told apart, also over a restart', async (t) => {
  const imap = await connectImap(lab.imap);
  const before = all().length;
  t.equal((await imap.loginAs('alice@lab.test', lab.master.user, lab.master.password)).status, 'OK');
  await imap.command('SELECT INBOX');
  t.same(
    (await since(before, 1, 'the master')).map(({ relation, via, action }) => `${relation} ${via} ${action}`),
    ['mandat bridge open'],
  );
  imap.close();
});

t.test('each access once, while the log is rotated and who reads it is stopped', async (t) => {
  const doveadm = (...args: string[]) =>
    promisify(execFile)('doveadm', ['-c', path.join(path.dirname(lab.logs().dovecot), 'dovecot.conf'), ...args]);
  const before = all().length;
  let number = 0;
  let working = true;
  const work = async () => {
    while (working) await bob.command(`SELECT ${SHARED}/N${++number}`);
  };
  const worker = work();
  t.teardown(() => {
    working = false;
  });
  const some = async () => {
    const from = number;
    await waitFor('they go on', 10_000, () => number > from + 20);
  };
  for (const what of ['rotate', 'stop', 'rotate', 'some', 'rotate', 'follow', 'some', 'rotate'] as const) {
    if (what === 'rotate') {
      for (let n = 5; n > 0; n--) {
        try {
          renameSync(n === 1 ? log : `${log}.${n - 1}`, `${log}.${n}`);
        } catch {} // not as many yet
      }
      makeLog();
      await some(); // they go on in the old one until Dovecot is told
      await doveadm(version === '2.3' ? 'log' : 'stats', 'reopen');
      await waitFor('the new one is written to', 10_000, () => statSync(log).size > 0);
    }
    if (what === 'stop') stop();
    if (what === 'follow') follow();
    await some();
  }
  working = false;
  await worker;
  const found = await since(before, number, 'all of them');
  t.same(
    found.map(({ folder }) => folder),
    Array.from({ length: number }, (_, index) => `N${index + 1}`),
    'each once, in order',
  );
  t.same(following?.counts.lost, 0);
  t.same(following?.counts.malformed, 0);
  t.same(troubles, []);
});

t.test('nothing of what stands in messages, nor what somebody searched for', async (t) => {
  stop();
  const files = [
    ...readdirSync(trace).map((name) => path.join(trace, name)),
    ...readdirSync(directory)
      .filter((name) => name.startsWith('dovecot-events'))
      .map((name) => path.join(directory, name)),
  ];
  t.ok(files.length >= 5, String(files));
  for (const file of files) {
    const octets = readFileSync(file);
    for (const word of ['the-subject', 'the-body', 'the-appended', 'the-search', 'Dupont', 'dupont', 'patient.test'])
      t.notOk(octets.includes(word), `${word} in ${path.basename(file)}`);
    if (file.startsWith(trace)) t.notOk(octets.includes('the-keyword'), path.basename(file));
  }
});
