/**
 * Nobody loses what they had because mandat was installed, whatever mandat is doing: only initialised, running, stopped, killed.
 * Every answer is compared with the one of the same Postfix before mandat came.
 */
import { existsSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { rfc5322 } from '../../config/lab/deliver.ts';
import { processTree } from '../../config/lab/processes.ts';
import { connectSmtp } from '../../config/lab/raw-smtp.ts';
import { must } from '../cli/desk.ts';
import { at, type Site, startSite } from './site.ts';
import { askSender, submissionAs } from './submission.ts';

/**
 * alice: a mailbox with a delegate, bob. carol: a mailbox without. dave: an account that mandat never hears of.
 * erin: her mailbox's address is not her login. frank: their login is no address at all.
 */
const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin'];
const FRANK = { login: 'frank', password: 'pw-frank' };
let site: Site;

t.before(async () => {
  site = await startSite({ users: NAMES });
  await site.lab.addUser(FRANK.login, FRANK.password);
});
t.teardown(() => site?.stop());

/** Senders that were nobody's question before. */
const QUESTIONS: readonly (readonly [name: string, from: string])[] = [
  ...NAMES.flatMap((name) => [
    [name, at(name)] as const,
    [name, at(name).toUpperCase()] as const,
    [name, at(`${name}+liste`)] as const,
    [name, ''] as const,
    [name, 'somebody@example.org'] as const,
    [name, at('nobody')] as const,
  ]),
  ['frank', at('frank')],
  ['erin', 'dr.erin@lab.test'],
  ['bob', at('alice')],
  ['bob', at('alice+liste')],
  ['carol', at('dave')],
  ['dave', at('carol')],
];

async function answers(): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const name of [...NAMES, FRANK.login]) {
    const session =
      name === FRANK.login
        ? await submissionAs(site, name, FRANK.login, FRANK.password)
        : await submissionAs(site, name);
    for (const [who, from] of QUESTIONS)
      if (who === name) found[`${name} as <${from}>`] = (await askSender(session, from, at('dave'))).code;
    session.close();
  }
  return found;
}

/** What mandat may change, and nothing else: the owners' own addresses where no other table knows them, and the delegate's. */
const GIVEN = { 'frank as <frank@lab.test>': 250, 'erin as <dr.erin@lab.test>': 250, 'bob as <alice@lab.test>': 250 };

async function inbound(): Promise<readonly string[]> {
  const outside = await connectSmtp(site.lab.smtp);
  await outside.ehlo('mx.example.org');
  const taken: string[] = [];
  for (const from of ['patient@example.org', at('alice'), 'dr.erin@lab.test', at('dave'), ''])
    taken.push(
      (await outside.sendMail(from, at('carol'), rfc5322({ from, to: at('carol'), subject: 'x', body: 'x' }))).at,
    );
  outside.close();
  return taken;
}

async function restartPostfix(): Promise<void> {
  await site.lab.stopPostfix();
  await site.lab.startPostfix();
}

function rootOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/root`);
  } catch {
    return undefined; // it has ended meanwhile
  }
}

const side = (suffix: string) => existsSync(path.join(site.lab.senderDirectory, `sender.db${suffix}`));

t.test('from before mandat to its death', async (t) => {
  const before = await answers();
  const welcome = await inbound();
  t.match(
    before,
    { 'dave as <dave@lab.test>': 250, 'dave as <carol@lab.test>': 553, 'dave as <>': 250 },
    'the site as it was',
  );
  t.same(
    welcome,
    welcome.map(() => 'accepted'),
  );
  const jailed = site.lab.pids().flatMap(processTree).map(rootOf);
  t.ok(jailed.includes(path.join(site.lab.directory, 'postfix/queue')), 'smtpd is in its chroot');

  const unchanged = async (state: string, given: Record<string, number> = {}) => {
    t.same(await answers(), { ...before, ...given }, state);
    t.same(await inbound(), welcome, `${state}: mail from outside`);
    await restartPostfix();
    t.same(await answers(), { ...before, ...given }, `${state}, Postfix just started`);
  };

  await site.lab.stopPostfix();
  await rm(site.lab.senderDirectory, { recursive: true });
  await must(site.mandat('init'));
  t.notOk(side('-wal') || side('-shm'), 'a map that nobody has open');
  await site.lab.startPostfix();
  await unchanged('a map that `mandat init` made');

  await site.sql(`INSERT INTO mailbox (address, login) VALUES ('${at('alice')}', NULL), ('${at('carol')}', NULL),
      ('dr.erin@lab.test', '${at('erin')}'), ('${at('frank')}', 'frank');
    INSERT INTO delegate (id) VALUES ('${at('bob')}'); INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
  await unchanged('rows in the table, and a sidecar that never ran');

  const sidecar = await site.run();
  await site.settled();
  await unchanged('a running sidecar', GIVEN);
  t.equal(await sidecar.end(), 0);
  await unchanged('a sidecar that was stopped', GIVEN);
  await site.lab.stopPostfix();
  await must(site.mandat('sync'));
  t.notOk(side('-wal') || side('-shm'), 'closed by everybody: SQLite takes -wal and -shm away');
  await site.lab.startPostfix();
  await unchanged('a map that everybody had closed', GIVEN);

  const doomed = await site.run();
  await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));
  await must(site.mandat('grant', at('alice'), at('bob')));
  await doomed.end('SIGKILL');
  await unchanged('a sidecar that was killed', GIVEN);
  await site.lab.stopPostfix();
  t.ok(side('-wal'), 'cold, with what it left lying about');
  await site.lab.startPostfix();
  await unchanged('the same, cold', GIVEN);

  await must(site.mandat('mailbox', 'remove', at('frank'), '--yes'));
  await must(site.mandat('sync'));
  await unchanged('without mandat’s help again', { ...GIVEN, 'frank as <frank@lab.test>': 553 });
});
