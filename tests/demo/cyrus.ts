/**
 * npm run demo -- --server cyrus: grant, use, drift and revoke on a real Cyrus. Sending is the SMTP server's affair, the same as beside Dovecot, and
 * isn't shown again.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type CyrusLab, startCyrus } from '../../config/lab/cyrus.ts';
import { connectImap, quoted, type RawImap } from '../../config/lab/raw-imap.ts';
import { mandatWith, startSidecar } from './program.ts';
import type { Story, Teller } from './story.ts';

/** As config/lab/cyrus.ts names folders: Debian's default, or altnamespace with unixhierarchysep. */
export type Naming = 'dots' | 'slashes';

const ALICE = 'alice';
const BOB = 'bob';
const CAROL = 'carol';
const LIMIT_MS = 10_000;
const password = (login: string) => `${login}-secret`;

export async function demoOnCyrus(story: Story, namespace: Naming): Promise<void> {
  const lab = await startCyrus({
    namespace,
    users: [ALICE, BOB, CAROL].map((login) => ({ login, password: password(login) })),
  });
  const configFile = await configure(lab);
  const mandat = mandatWith(configFile);
  console.log(`A private Cyrus (${lab.imap.host}:${lab.imap.port}), everything below ${lab.directory}.
${ALICE} owns a mailbox; ${BOB} is their delegate; ${CAROL} is a stranger. mandat's sidecar runs beside them.`);
  let sidecar: Awaited<ReturnType<typeof startSidecar>> | undefined;
  try {
    await mandat('init');
    sidecar = await startSidecar(configFile);
    await tell(story, lab, namespace, mandat);
  } finally {
    await sidecar?.stop();
    await lab.stop();
  }
}

async function configure({ directory, imap, master, sessions: { end, list } }: CyrusLab): Promise<string> {
  const configFile = path.join(directory, 'mandat.toml');
  await writeFile(path.join(directory, 'imap.secret'), `${master.password}\n`, { mode: 0o600 });
  await writeFile(
    configFile,
    [
      'data_dir = "."',
      '[identity]',
      'scheme = "login"',
      'unknown_credential = "valid"   # the login service refuses lapsed ones itself',
      '[grant]',
      'acknowledge = false',
      '[imap]',
      `port = ${imap.port}`,
      'tls = "none"   # loopback',
      `admin_user = "${master.user}"   # of proxyservers`,
      '[sessions]',
      'kind = "command"',
      `end_command = ${JSON.stringify(end)}`,
      `list_command = ${JSON.stringify(list)}`,
      '',
    ].join('\n'),
  );
  return configFile;
}

async function tell(story: Story, lab: CyrusLab, namespace: Naming, mandat: ReturnType<typeof mandatWith>) {
  const slashes = namespace === 'slashes';
  const delimiter = slashes ? '/' : '.';
  const prefix = slashes ? 'Other Users/' : 'user.';
  const own = (name: string) => (slashes ? name : `INBOX.${name}`);
  const shared = (...folder: readonly string[]) => [`${prefix}${ALICE}`, ...folder].join(delimiter);
  const screen = async (tell: Teller, ...args: string[]) => {
    const said = await mandat(...args);
    tell.screen(`mandat ${args.join(' ')}`, said);
    return said;
  };
  const session = async (login: string): Promise<RawImap> => {
    const imap = await connectImap(lab.imap);
    const { status, text } = await imap.login(login, password(login));
    if (status !== 'OK') throw new Error(`${login} can't log in: ${text}`);
    return imap;
  };

  await story.step('The grant, at the command line', async (tell) => {
    const alice = await session(ALICE);
    await alice.append('INBOX', 'Subject: Results ready\r\n\r\nThe results you asked for are ready.\r\n');
    await alice.command(`CREATE ${quoted(own('Archive'))}`);
    alice.close();
    await screen(tell, 'mailbox', 'add', `${ALICE}@lab.test`, '--login', ALICE);
    await screen(tell, 'delegate', 'add', BOB, '--first-name', 'Bob', '--last-name', 'Martin');
    await screen(tell, 'grant', `${ALICE}@lab.test`, BOB);
    const said = await screen(tell, 'status');
    tell.check('told from Dovecot by looking', /Cyrus IMAPD .* taken for "cyrus"/.test(said));
  });

  const open = await session(BOB); // stays open until the revoke
  await story.step('The delegate sees the whole mailbox, reads and files', async (tell) => {
    const { lines } = await open.command(`LIST "" ${quoted(`${shared()}*`)} RETURN (MYRIGHTS)`);
    tell.wire(open.transcript, /LIST|MYRIGHTS/);
    const should = [[], ['Archive'], ['Drafts'], ['Junk'], ['Sent'], ['Trash']].map((folder) => shared(...folder));
    tell.check(
      'every folder is listed',
      should.every((name) => lines.some((line) => line.startsWith('* LIST') && line.includes(name))),
    );
    tell.check('with all rights but x', lines.filter((line) => / lrswipktecd$/.test(line)).length === should.length);
    await open.command(`SELECT ${quoted(shared())}`);
    const read = await open.command('FETCH 1 BODY[TEXT]');
    const moved = await open.command(`MOVE 1 ${quoted(shared('Archive'))}`);
    tell.wire(open.transcript, /FETCH|results|MOVE/);
    tell.check(
      'read',
      read.lines.some((line) => line.includes('The results you asked for')),
    );
    tell.check('filed', moved.status === 'OK');
  });

  await story.step(
    'The delegate can neither pass it on nor carry a folder off into their own mailbox',
    async (tell) => {
      const passed = await open.command(`SETACL ${quoted(shared())} ${CAROL} lrs`);
      const carried = await open.command(`RENAME ${quoted(shared('Archive'))} ${quoted(own('Mine'))}`);
      tell.wire(open.transcript, /SETACL|RENAME|NO /);
      tell.check('refused', passed.status === 'NO' && carried.status === 'NO');
    },
  );

  await story.step('An entry that somebody took away by hand is put back', async (tell) => {
    const alice = await session(ALICE);
    await alice.command(`DELETEACL ${quoted(own('Archive'))} ${BOB}`);
    await screen(tell, 'sync', '--dry-run');
    await screen(tell, 'sync', `${ALICE}@lab.test`);
    const { lines } = await alice.command(`GETACL ${quoted(own('Archive'))}`);
    tell.wire(alice.transcript, /ACL/);
    tell.check(
      'it stands again',
      lines.some((line) => line.includes(BOB)),
    );
    alice.close();
  });

  await story.step('The revoke: the session that is open ends, and nothing is left', async (tell) => {
    await open.command(`SELECT ${quoted(shared('Archive'))}`);
    await Promise.all([screen(tell, 'revoke', `${ALICE}@lab.test`, BOB, '--yes'), open.waitForBye(LIMIT_MS)]);
    tell.check('the connection is gone', true);
    const bob = await session(BOB);
    const listed = await bob.command(`LIST "" ${quoted(`${shared()}*`)}`);
    const subscribed = await bob.command('LSUB "" "*"');
    const selected = await bob.command(`SELECT ${quoted(shared())}`);
    tell.wire(bob.transcript, /LIST|LSUB|SELECT|NO /);
    tell.check('nothing listed, nothing subscribed', listed.lines.length + subscribed.lines.length === 0);
    tell.check('SELECT refused', selected.status === 'NO');
    bob.close();
    await screen(tell, 'verify');
  });
}
