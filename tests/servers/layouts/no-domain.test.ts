/**
 * Servers that know people by another name than they log in with: without the domain, in small letters. The table has the addresses, until
 * somebody types what mandat says; before that nothing is written for a name that would be nobody's.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import { examine } from '../../../bridge/doctor/examine.ts';
import { connectImap } from '../../../config/lab/raw-imap.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { configOf, dryRun, sync, verify } from '../inside.ts';
import { password, type Site, startSite } from '../site.ts';
import { tables } from '../tables.ts';
import { list, SPECIALS, serverFiles } from '../wire.ts';

const ADDRESS = 'alice@lab.test';
const GIVEN = ['alice@lab.test', 'bob@lab.test'] as const;

/** What the server makes of a login, in both syntaxes. */
function usernames(format: '%Ln' | '%n' | '%Lu') {
  const called = { '%Ln': '%{user | username | lower}', '%n': '%{user | username}', '%Lu': '%{user | lower}' };
  return { '2.3': `auth_username_format = ${format}\n`, '2.4': `auth_username_format = ${called[format]}\n` };
}

for (const format of ['%Ln', '%n'] as const) t.test(`auth_username_format = ${format}`, (t) => corrected(t, format));

async function corrected(t: Test, format: '%Ln' | '%n'): Promise<void> {
  const [given, made] = [GIVEN, ['alice', 'bob']] as const;
  const site = await startSite({
    users: ['alice', 'bob'],
    postfix: false,
    extraDovecot: usernames(format),
  });
  t.teardown(() => site.stop());
  await rename(site, { 'alice@lab.test': made[0], 'bob@lab.test': made[1] });
  t.match(await site.mandat('mailbox', 'add', ADDRESS), {
    status: 0,
    stderr: new RegExp(`makes ${made[0]} of the login.*mandat mailbox set ${ADDRESS} --login ${made[0]}`, 's'),
  });
  t.match(await site.mandat('delegate', 'add', given[1]), { status: 0 });
  const alice = await logIn(site, made[0], 'alice');
  for (const folder of SPECIALS) await alice.command(`STATUS ${folder} (MESSAGES)`); // made, and subscribed, when first seen
  alice.close();
  const files = serverFiles(site);
  t.match(
    await findings(site),
    [new RegExp(`makes ${made[0]} of the login ${given[0]}.*mandat mailbox set ${ADDRESS} --login ${made[0]}`)],
    'doctor, before the first grant',
  );

  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${ADDRESS}', '${given[1]}')`);
  t.match((await sync(site)).failures, [`: config: the IMAP server makes ${made[0]} of the login ${given[0]}`]);
  t.match(await site.mandat('status'), { stdout: new RegExp(`mandat mailbox set ${ADDRESS} --login ${made[0]}`) });
  t.match(await site.mandat('mailbox', 'set', ADDRESS, '--login', made[0], '--no-wait'), { status: 0 });

  t.match(await findings(site), [
    new RegExp(`makes ${made[1]} of the login ${given[1]}.*mandat delegate set ${given[1]} --login ${made[1]}`),
  ]);
  t.match(
    (await dryRun(site)).steps.filter(({ kind }) => kind === 'set-entry'),
    [],
  );
  t.match((await sync(site)).failures, [`: config: the IMAP server makes ${made[1]} of the login ${given[1]}`]);
  t.same(serverFiles(site), files, 'nothing is written on the server');
  t.same(tables(site)['state.ledger'], []);
  t.same(senders(site), [made[0]], 'nor may anybody else send');
  t.match(await site.mandat('status'), { stdout: new RegExp(`mandat delegate set ${given[1]} --login ${made[1]}`) });
  t.match(await site.mandat('delegate', 'set', given[1], '--login', made[1], '--no-wait'), { status: 0 });

  t.same((await sync(site)).failures, [], 'in force once both are right');
  t.same(await verify(site), []);
  t.same(await findings(site), []);
  t.same(senders(site), [...made].sort());
  const shared = `shared/${made[0]}`;
  const bob = await logIn(site, made[1], 'bob');
  t.ok((await list(bob, `${shared}*`)).includes(shared));
  t.equal((await bob.command(`SELECT "${shared}"`)).status, 'OK');
  bob.close();
  await site.sql('DELETE FROM delegation');
  t.same((await sync(site)).failures, []);
  const again = await logIn(site, made[1], 'bob');
  t.same(await list(again, `${shared}*`), []);
  again.close();
}

t.test('auth_username_format = %Lu: nothing is made of them', async (t) => {
  const site = await startSite({
    users: ['alice', 'bob'],
    postfix: false,
    extraDovecot: usernames('%Lu'),
  });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob');
  t.same(await findings(site), []);
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${ADDRESS}', 'bob@lab.test')`);
  t.same((await sync(site)).failures, []);
});

t.test('who is taken away does not wait for who can not be proven', async (t) => {
  const site = await startSite({ users: ['alice', 'bob', 'carol'], postfix: false });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob', 'carol', 'ghost');
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${ADDRESS}', 'bob@lab.test')`);
  t.same((await sync(site)).failures, []);
  await site.sql(`DELETE FROM delegation;
    INSERT INTO delegation (mailbox, delegate) VALUES ('${ADDRESS}', 'ghost@lab.test'), ('${ADDRESS}', 'carol@lab.test')`);
  const { failures, steps } = await sync(site);
  t.match(failures, [/absent: the IMAP server has no account ghost@lab\.test/]);
  const about = (login: string) =>
    steps.flatMap((step) => ('login' in step && step.login === login ? [step.kind] : []));
  t.match(about('bob@lab.test'), ['withdraw', 'delete-entry', 'cut']);
  t.same(about('ghost@lab.test'), []);
  t.ok(about('carol@lab.test').includes('set-entry'), 'nor does anybody else');
  t.same(senders(site), ['alice@lab.test', 'carol@lab.test']);
  t.match(await site.mandat('verify', ADDRESS), { stdout: /ghost@lab\.test/ });
  await site.register('bob', 'nobody');
  t.notMatch(
    await site.mandat('grant', 'bob@lab.test', 'nobody@lab.test'),
    { stdout: /in force after/ },
    'nor is that said',
  );
  t.match(await site.mandat('grant', 'bob@lab.test', 'carol@lab.test'), { stdout: /in force after/ }, 'but of others');
});

const senders = (site: Site) =>
  (tables(site)['sender.sender_login'] ?? []).map((row) => (row as { login: string }).login).sort();

/** Of doctor's checks of logins, those that found something wrong. */
async function findings(site: Site): Promise<readonly string[]> {
  const lines = await examine(configOf(site), {}, {});
  return lines
    .filter(({ check, status }) => check === 'logins' && status !== 'ok')
    .map(({ seen, remedy }) => `${seen}: ${remedy}`);
}

async function logIn(site: Site, login: string, name: string) {
  const imap = await connectImap(site.lab.imap);
  const { status, text } = await imap.login(login, password(name));
  if (status !== 'OK') throw new Error(`login of ${login}: ${text}`);
  return imap;
}

/** The accounts get other names; their mail is made under these. */
async function rename(site: Site, names: Readonly<Record<string, string>>): Promise<void> {
  const file = path.join(site.lab.directory, 'dovecot/users');
  const text = readFileSync(file, 'utf8').replace(/^[^:]+/gm, (login) => names[login] ?? login);
  await writeFile(file, text);
  for (const [before, login] of Object.entries(names)) {
    const name = before.split('@')[0] ?? '';
    await waitFor(`Dovecot to know ${login}`, 20_000, async () => {
      const known = await logIn(site, login, name).catch(() => undefined);
      known?.close();
      return known !== undefined;
    });
  }
}
