import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { deliver, rfc5322 } from '../../config/lab/deliver.ts';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { type Lab, startLab } from '../../config/lab/lab.ts';
import { isAlive, processTree } from '../../config/lab/processes.ts';
import { connectImap, type RawImap } from '../../config/lab/raw-imap.ts';
import { connectSmtp, type RawSmtp } from '../../config/lab/raw-smtp.ts';
import { senderSql } from '../../config/lab/sender-database.ts';
import { waitFor } from '../../config/lab/wait.ts';

const ALICE = 'alice@lab.test';
const BOB = 'bob@lab.test';
const CAROL = 'carol@lab.test';
const users = [ALICE, BOB, CAROL].map((login) => ({ login, password: login.slice(0, login.indexOf('@')) }));
const letter = { from: 'patient@example.org', to: ALICE, subject: 'Résultats', body: 'Bonjour,\n.\nà demain' };

/** Two servers at once: the fragments as we recommend them, and a site without inheritance, with sdbox, unchrooted. */
let lab: Lab;
let plain: Lab;

t.before(async () => {
  [lab, plain] = await Promise.all([
    startLab({ users }),
    startLab({ users, inherit: false, storage: 'sdbox', chroot: false }),
  ]);
});
t.teardown(() => Promise.all([lab?.stop(), plain?.stop()]));

const sessions: { close(): void }[] = [];
t.afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});

async function imap(on: Lab): Promise<RawImap> {
  const session = await connectImap(on.imap);
  sessions.push(session);
  return session;
}

async function imapAs(on: Lab, login: string): Promise<RawImap> {
  const session = await imap(on);
  const { status, text } = await session.login(login, login.slice(0, login.indexOf('@')));
  if (status !== 'OK') throw new Error(text);
  return session;
}

async function submission(on: Lab, login?: string): Promise<RawSmtp> {
  const session = await connectSmtp(on.submission);
  sessions.push(session);
  await session.ehlo();
  if (login) await session.authPlain(login, login.slice(0, login.indexOf('@')));
  return session;
}

async function doveadm(on: Lab, command: readonly unknown[], key = on.doveadm.apiKey) {
  const response = await fetch(on.doveadm.url, {
    method: 'POST',
    headers: { Authorization: `X-Dovecot-API ${Buffer.from(key).toString('base64')}` },
    body: JSON.stringify([[...command, 'tag']]),
  });
  return { status: response.status, body: await response.text() };
}

/** Names of the folders that a fresh session of the user lists below shared/. */
async function shared(on: Lab, login: string): Promise<string[]> {
  const session = await imapAs(on, login);
  const { lines } = await session.command('LIST "" "shared/*"');
  return lines.flatMap((line) => / "\/" "?(.*?)"?$/.exec(line)?.[1] ?? []).sort();
}

t.test('ways to log in', async (t) => {
  const { user, password } = lab.master;
  const cases: readonly [how: (session: RawImap) => ReturnType<RawImap['login']>, expected: string, why: string][] = [
    [(s) => s.login(ALICE, 'alice'), 'OK', 'a user'],
    [(s) => s.login(ALICE, 'bob'), 'NO', "another's password"],
    [(s) => s.loginAs(ALICE, user, password), 'OK', 'the master as the owner, by authzid'],
    [(s) => s.login(`${ALICE}*${user}`, password), 'OK', 'the master as the owner, by name'],
    [(s) => s.loginAs('nobody@lab.test', user, password), 'NO', 'as somebody who does not exist'],
    [(s) => s.loginAs(ALICE, user, 'wrong'), 'NO', 'with a wrong password'],
    [(s) => s.login(user, password), 'NO', 'the master has no mailbox of their own'],
    [(s) => s.loginAs(ALICE, BOB, 'bob'), 'NO', 'a user is no master'],
    [(s) => s.login(ALICE, password), 'NO', "the master's password is not the owner's"],
  ];
  for (const [how, expected, why] of cases) t.equal((await how(await imap(lab))).status, expected, why);
});

t.test('the master as the owner has the rights of the owner', async (t) => {
  for (const by of ['authzid', 'name']) {
    const session = await imap(lab);
    const { user, password } = lab.master;
    await (by === 'authzid' ? session.loginAs(ALICE, user, password) : session.login(`${ALICE}*${user}`, password));
    t.same((await session.command('MYRIGHTS INBOX')).lines, ['* MYRIGHTS INBOX lrwstipekxacd'], by);
    t.match((await session.command('GETACL INBOX')).lines, [/^\* ACL INBOX alice@lab\.test lrwstipekxacd/], by);
  }
});

t.test('the master cannot send: their password opens IMAP only', async (t) => {
  const { user, password } = lab.master;
  const cases: readonly [how: (session: RawSmtp) => ReturnType<RawSmtp['authPlain']>, why: string][] = [
    [(s) => s.authPlain(user, password, ALICE), 'as an owner, by authzid'],
    [(s) => s.authPlain(`${ALICE}*${user}`, password), 'as an owner, by name'],
    [(s) => s.authPlain(user, password), 'as themselves'],
    [(s) => s.authPlain(`imap/${user}`, password), 'by the name that stands in the file'],
    [(s) => s.authPlain(BOB, 'bob', ALICE), 'nor may a user for another'],
  ];
  for (const [how, why] of cases) t.equal((await how(await submission(lab))).code, 535, why);
  t.equal((await (await submission(lab)).authPlain(ALICE, 'alice')).code, 235, 'the owner themselves may');
});

t.test('special folders are declared, and made when first opened', async (t) => {
  const session = await imapAs(lab, CAROL);
  const onDisk = () => existsSync(path.join(lab.directory, 'mail', CAROL, 'Maildir/.Sent'));
  t.match((await session.command('LIST "" Sent')).lines, [/\\Sent/]);
  t.equal(onDisk(), false);
  await session.command('STATUS Sent (MESSAGES)');
  t.equal(onDisk(), true);
});

t.test('a grant on INBOX', async (t) => {
  for (const on of [lab, plain]) {
    await deliver(on, ALICE, 'Projets/2024', letter);
    const owner = await imapAs(on, ALICE);
    t.same(await shared(on, BOB), [], 'nothing is shared yet');
    t.equal((await owner.command(`SETACL INBOX ${BOB} lrswipkxte`)).status, 'OK');
  }
  t.same(
    await shared(lab, BOB),
    ['shared/alice@lab.test', 'shared/alice@lab.test/Projets', 'shared/alice@lab.test/Projets/2024'],
    'inherit.conf: the whole tree',
  );
  t.same(await shared(plain, BOB), ['shared/alice@lab.test'], 'without it: INBOX only');

  const bob = await imapAs(lab, BOB);
  t.equal((await bob.command('SELECT shared/alice@lab.test/Projets/2024')).status, 'OK');
  const { lines } = await bob.command('FETCH 1 (BODY.PEEK[TEXT])');
  t.match(lines[0], 'Bonjour,\r\n.\r\nà demain\r\n', 'a literal comes whole');
  t.equal((await bob.command(`SETACL shared/alice@lab.test ${CAROL} lr`)).status, 'NO', 'a delegate cannot share on');
  t.equal((await bob.command('STORE 1 +FLAGS (\\Seen)')).status, 'OK');
  const owner = await imapAs(lab, ALICE);
  await owner.command('SELECT Projets/2024');
  t.match(
    (await owner.command('FETCH 1 (FLAGS)')).lines,
    [/\\Seen/],
    'what the delegate has read, the owner sees as read',
  );
});

t.test('a revoke is felt at once in an open session, but for the folder it has open', async (t) => {
  const owner = await imapAs(lab, ALICE);
  await owner.command(`SETACL INBOX ${CAROL} lrswipkte`);
  const carol = await imapAs(lab, CAROL);
  t.equal((await carol.command('SELECT shared/alice@lab.test/Projets/2024')).status, 'OK');
  await owner.command(`DELETEACL INBOX ${CAROL}`);
  t.equal((await carol.command('FETCH 1 (BODY.PEEK[TEXT])')).status, 'OK', 'this is why sessions must be cut');
  t.equal((await carol.command('STATUS shared/alice@lab.test (MESSAGES)')).status, 'NO', 'cache_secs=0');
});

t.test('doveadm: who and kick, nothing else, and not without the key', async (t) => {
  const bob = await imapAs(lab, BOB);
  const carol = await imapAs(lab, CAROL);
  t.match((await doveadm(lab, ['who', {}])).body, /"username":"bob@lab\.test"/);
  t.match((await doveadm(lab, ['kick', { mask: [BOB] }])).body, /doveadmResponse/);
  t.match(await bob.waitForBye(5_000), /\S/, 'the client is told BYE');
  t.equal((await bob.command('NOOP')).status, 'BYE', 'and the session is over');
  t.equal((await carol.command('NOOP')).status, 'OK', 'another user is not touched');
  await waitFor(
    'bob to be gone from the list',
    5_000,
    async () => !(await doveadm(lab, ['who', {}])).body.includes(BOB),
  );
  const nobody = { '2.3': /"exitCode":68/, '2.4': /"count":"0"/ }[dovecotVersion()];
  t.match((await doveadm(lab, ['kick', { mask: [BOB] }])).body, nobody, 'nobody to kick');

  for (const command of ['mailboxList', 'fetch', 'aclSet'])
    t.match((await doveadm(lab, [command, { user: ALICE }])).body, /unAuthorized/, command);
  for (const command of ['reload', 'stop']) t.match((await doveadm(lab, [command, {}])).body, /unAuthorized/, command);
  t.equal((await doveadm(lab, ['who', {}], 'wrong')).status, 401, 'a wrong key');
  t.equal((await doveadm(lab, ['who', {}], '')).status, 401, 'an empty key');
});

t.test('commands in a pipeline', async (t) => {
  const session = await imapAs(lab, CAROL);
  const answers = await Promise.all(
    ['NOOP', 'GETACL INBOX', 'BOGUS', 'MYRIGHTS INBOX'].map((line) => session.send(line)),
  );
  t.same(
    answers.map(({ status }) => status),
    ['OK', 'OK', 'BAD', 'OK'],
  );
  t.match(answers[3]?.lines, [/MYRIGHTS/], 'each has its own untagged lines');
  t.notMatch(session.transcript.print(), /"carol"/, 'the transcript shows no password');
});

t.test('who may send from which address', async (t) => {
  const cases: readonly [login: string, from: string, accepted: boolean, why: string][] = [
    [BOB, BOB, true, 'their own address, though no table lists it'],
    [BOB, 'bob+liste@lab.test', true, 'their own with an extension'],
    [BOB, 'Bob+Liste@LAB.test', true, 'in any case'],
    [BOB, '', true, 'the null sender: receipts and bounces'],
    [BOB, ALICE, true, 'an owner who granted it'],
    [BOB, 'Alice@Lab.Test', true, 'in any case'],
    [BOB, 'alice+liste@lab.test', false, "an owner's extensions are not granted"],
    [BOB, CAROL, false, 'a stranger of the site'],
    [BOB, 'ceo@example.org', false, 'a stranger from outside'],
    [BOB, 'carol+bob@lab.test', false, 'an extension is not a login'],
    [BOB, 'bob', false, 'an address without domain'],
    [ALICE, ALICE, true, 'the owner keeps their own address'],
    [ALICE, 'alice+liste@lab.test', true, 'and its extensions'],
    [ALICE, BOB, false, "and gets none of their delegate's"],
    [CAROL, CAROL, true, 'a user the table has never heard of'],
    [CAROL, ALICE, false, 'who gets nothing'],
  ];
  for (const on of [lab, plain]) {
    // Without a row for the owner, although mandat writes one: the maps must add up, not hide each other.
    await senderSql(on.senderDirectory, `INSERT INTO sender_login VALUES ('${ALICE}', '${BOB}', 1)`);
    const kind = on === lab ? 'chrooted' : 'not chrooted';
    for (const [login, from, accepted, why] of cases) {
      const session = await submission(on, login);
      const { at, code, text } = await session.sendMail(from, CAROL, rfc5322({ ...letter, from }));
      const name = `${login.split('@')[0]} as <${from}>, ${kind}: ${why}`;
      if (accepted) t.equal(at, 'accepted', `${name} ${text}`);
      else t.match({ code, text }, { code: 553, text: /^5\.7\.1 .*not owned by user/ }, name);
      session.close();
    }
  }
});

t.test('a rule that goes is felt by the next message of an open session', async (t) => {
  const bob = await submission(lab, BOB);
  t.equal((await bob.sendMail(ALICE, CAROL, rfc5322(letter))).at, 'accepted');
  await senderSql(lab.senderDirectory, `DELETE FROM sender_login WHERE login = '${BOB}'`);
  t.equal((await bob.sendMail(ALICE, CAROL, rfc5322(letter))).code, 553);
});

t.test('nobody submits without logging in', async (t) => {
  const stranger = await submission(lab);
  t.match(await stranger.sendMail(ALICE, CAROL, rfc5322(letter)), { at: 'RCPT', code: 554 });
});

t.test('mail from outside is not concerned by sender rules', async (t) => {
  const outside = await connectSmtp(lab.smtp);
  sessions.push(outside);
  await outside.ehlo('mx.example.org');
  for (const from of ['patient@example.org', ALICE, ''])
    t.equal((await outside.sendMail(from, ALICE, rfc5322(letter))).at, 'accepted', `<${from}>`);
  t.match(await outside.sendMail(ALICE, 'x@example.org', rfc5322(letter)), { at: 'RCPT', code: 554 }, 'no open relay');
});

t.test('mail arrives: in a mailbox, or in the directory that is the outside world', async (t) => {
  const alice = await submission(plain, ALICE);
  const token = `token-${process.pid}`;
  for (const to of [CAROL, 'confrere@example.org'])
    t.equal((await alice.sendMail(ALICE, to, rfc5322({ from: ALICE, to, subject: token, body: '.x' }))).at, 'accepted');
  const carol = await imapAs(plain, CAROL);
  await waitFor('the message in INBOX', 10_000, async () => {
    await carol.command('SELECT INBOX');
    return (await carol.command(`SEARCH SUBJECT ${token}`)).lines.some((line) => /^\* SEARCH \d/.test(line));
  });
  const file = await waitFor(
    'the message outside',
    10_000,
    () => existsSync(plain.outside) && readdirSync(plain.outside)[0],
  );
  t.match(await readFile(path.join(plain.outside, file), 'utf8'), new RegExp(`Subject: ${token}[^]*\n\\.x\n$`));
});

t.test('an account made later can log in, and a server comes back on its port', async (t) => {
  await lab.addUser('dave@lab.test', 'dave');
  const dave = await imapAs(lab, 'dave@lab.test');
  await Promise.all([lab.stopDovecot(), lab.stopPostfix()]);
  t.equal((await dave.command('NOOP')).status, 'BYE', 'its sessions are over');
  await t.rejects(connectImap(lab.imap), 'nobody answers');
  await t.rejects(connectSmtp(lab.submission), 'nobody answers');
  await lab.startDovecot();
  await lab.startPostfix();
  await imapAs(lab, 'dave@lab.test');
  t.match((await (await submission(lab)).ehlo()).text, /AUTH PLAIN/);
});

t.test('stopping leaves no process and no directory', async (t) => {
  const short = await startLab({ users, tls: true });
  const pids = short.pids().flatMap(processTree);
  t.ok(pids.length > 2, 'both servers run');
  t.match((await (await submission(short)).ehlo()).text, /STARTTLS/);
  await short.stop();
  t.same(pids.filter(isAlive), []);
  t.equal(existsSync(short.directory), false);
});
