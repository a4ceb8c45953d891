/** The trace of access, from a delegate's session on a real Dovecot to mandat trace: who did what, in whose mailbox, from where, with which answer. */
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { deliver } from '../../config/lab/deliver.ts';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { readFragment } from '../../config/lab/fragment.ts';
import { reservePorts } from '../../config/lab/ports.ts';
import { waitFor as waitWithin } from '../../config/lab/wait.ts';
import { eventsTaken } from './events-taken.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, startSite } from './site.ts';

const LIMIT_MS = 60_000;
const waitFor = (what: string, ask: () => boolean | Promise<boolean>) =>
  waitWithin(what, LIMIT_MS, async () => ((await ask()) ? true : undefined));

const version = dovecotVersion();
const password = 'of-the-events';
const reservation = await reservePorts(1);
const [port = 0] = reservation.ports;
t.teardown(() => reservation.release());

const key = version === '2.3' ? 'transport_args' : 'http_post_url';
const fragments = ['events.conf', 'trace.conf'].map((name) => readFragment(`dovecot/${version}/${name}`, {}));
const exporter = `${(await Promise.all(fragments)).join('\n')}
event_exporter mandat {
  ${key} = http://mandat:${password}@127.0.0.1:${port}/events
}
`;
/** Nobody's word but what must never come into the trace. */
const SECRET = 'Zitronenfalter';

const site = await startSite({
  users: ['alice', 'bob', 'carol', 'dave'],
  postfix: false,
  senderRules: false,
  // Not as the shipped fragments have it: it is learnt.
  sharedPrefix: 'Autres/',
  extraDovecot: exporter,
  extraToml: `[events]\nlisten = "127.0.0.1:${port}"\n[trace]\nenabled = true\n[schedule]\nsweep_interval_minutes = 1440\nfolder_look_seconds = 0\n`,
});
t.teardown(() => site.stop());
await writeFile(path.join(site.lab.directory, 'events.secret'), `${password}\n`, { mode: 0o600 });
await site.register('alice', 'bob');
await site.register('carol');
await grantRow(site, 'alice', 'bob');
const running = await site.run();
t.teardown(() => running.end());
await site.settled();
await eventsTaken(running);
for (const n of [1, 2, 3]) {
  await deliver(site.lab, at('alice'), 'INBOX', {
    from: `${SECRET}@elsewhere.test`,
    to: `${SECRET}.to@lab.test`,
    subject: `${SECRET} ${n}`,
    body: SECRET,
  });
}

interface Shown {
  readonly login: string;
  readonly relation: string;
  readonly via: string | null;
  readonly delegation: number | null;
  readonly mailbox: string;
  readonly folder: string | null;
  readonly action: string;
  readonly verb: string;
  readonly answer: string;
  readonly messages: { readonly set: string } | null;
  readonly target: { readonly mailbox: unknown; readonly folder: string | null } | null;
  readonly address: string;
}

async function trace(...args: readonly string[]): Promise<readonly Shown[]> {
  const { stdout, status, stderr } = await site.mandat('--json', 'trace', '--limit', '1000', ...args);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as readonly Shown[];
}
/** Of their own sessions, not of mandat's in their name. */
const by = async (name: string) =>
  (await trace('--mailbox', at('alice'))).filter(({ login, via }) => login === at(name) && via === null);

const inbox = `Autres/${at('alice')}`;

t.test('what a delegate does in the mailbox of another', async (t) => {
  const bob = await site.login('bob');
  t.teardown(() => bob.close());
  for (const line of [
    `SELECT ${inbox}`,
    'UID FETCH 1:2 (FLAGS BODY.PEEK[])',
    'UID FETCH 1:* (FLAGS ENVELOPE)',
    `UID SEARCH TEXT ${SECRET}`,
    'UID STORE 1 +FLAGS (\\Seen)',
    `CREATE ${inbox}/Dossiers`,
    `UID MOVE 1 ${inbox}/Dossiers`,
    `UID COPY 2 INBOX`,
    'UID STORE 2 +FLAGS (\\Deleted)',
    'UID EXPUNGE 2',
  ]) {
    t.equal((await bob.command(line)).status, 'OK', line);
  }
  const message = `From: <${SECRET}@lab.test>\r\nSubject: ${SECRET}\r\n\r\n${SECRET}\r\n`;
  t.equal((await bob.append(`${inbox}/Dossiers`, message)).status, 'OK');
  t.equal((await bob.command(`SETACL ${inbox} ${at('dave')} lr`)).status, 'NO', 'what they may not');
  await waitFor('the last of it is in the trace', async () => (await by('bob')).some(({ answer }) => answer === 'NO'));
  const did = await by('bob');
  t.ok(did.every(({ mailbox, address }) => mailbox === at('alice') && address === '127.0.0.1'));
  t.ok(did.every(({ relation, delegation }) => relation === 'delegate' && delegation === 1));
  const find = (action: string, verb: string) => did.find((one) => one.action === action && one.verb === verb);
  t.match(find('open', 'SELECT'), { folder: 'INBOX', answer: 'OK' });
  t.match(find('read', 'UID FETCH'), { folder: 'INBOX', messages: { set: '1:2' } });
  t.match(find('headers', 'UID FETCH'), { folder: 'INBOX', messages: { set: '1:*' } });
  t.match(find('flag', 'UID STORE'), { messages: { set: '1' } });
  t.match(find('move', 'UID MOVE'), {
    folder: 'INBOX',
    messages: { set: '1' },
    target: { mailbox: 'same', folder: 'Dossiers' },
  });
  t.match(
    find('copy', 'UID COPY'),
    { messages: { set: '2' }, target: { mailbox: 'own', folder: null } },
    'carried off',
  );
  t.match(find('mark-deleted', 'UID STORE'), { messages: { set: '2' } });
  t.match(find('expunge', 'UID EXPUNGE'), { messages: { set: '2' } });
  t.match(find('folder-create', 'CREATE'), { folder: 'Dossiers' });
  t.match(find('file', 'APPEND'), { folder: 'Dossiers' });
  t.match(find('rights', 'SETACL'), { folder: 'INBOX', answer: 'NO' });
});

t.test('the owner, mandat and who has no delegation are told apart', async (t) => {
  const alice = await site.login('alice');
  const dave = await site.login('dave');
  t.teardown(() => [alice, dave].map((one) => one.close()));
  t.equal((await alice.command('SELECT INBOX')).status, 'OK');
  t.equal((await dave.command(`SELECT ${inbox}`)).status, 'NO');
  await waitFor('it is in the trace', async () => (await by('dave')).length > 0);
  const own = (await by('alice')).filter(({ verb, relation }) => verb === 'SELECT' && relation === 'owner');
  t.match(own.at(-1), { via: null, folder: 'INBOX', delegation: null });
  t.match((await by('dave')).at(-1), { relation: 'other', action: 'open', answer: 'NO', delegation: null });
  const all = await trace();
  const entries = all.filter(({ verb }) => verb === 'SETACL');
  t.ok(
    entries.some(({ relation, via }) => relation === 'mandat' && via === site.lab.master.user),
    "mandat's own work",
  );
  t.notOk(
    entries.some(({ relation }) => relation === 'owner'),
    "is nobody else's",
  );
  t.same(
    (await trace('--as', `owner:${at('carol')}`)).length,
    all.filter(({ mailbox }) => mailbox === at('carol')).length,
  );
  const text = await site.mandat('trace', '--delegate', at('bob'), '--action', 'move');
  t.match(
    text.stdout,
    /bob@lab\.test +delegate +alice@lab\.test +INBOX +move \(UID MOVE\) +UID 1 to Dossiers +OK .*127\.0\.0\.1/,
  );
});

t.test('after the end of the delegation it is theirs no more', async (t) => {
  const before = (await by('bob')).length;
  await revokeRow(site, 'alice', 'bob');
  await site.settled();
  const bob = await site.login('bob');
  t.teardown(() => bob.close());
  t.equal((await bob.command(`SELECT ${inbox}`)).status, 'NO');
  await waitFor('the attempt is in the trace', async () => (await by('bob')).length > before);
  t.match((await by('bob')).at(-1), { relation: 'other', answer: 'NO', delegation: null });
});

t.test('nothing of what was written, asked for or searched is kept; all of it is proven', async (t) => {
  await running.end();
  t.match(await site.mandat('trace', 'verify'), { status: 0, stdout: /^the trace of access is intact: \d+ accesses/ });
  const months = path.join(site.lab.directory, 'private/trace');
  const octets = readdirSync(months).map((name) => readFileSync(path.join(months, name)));
  t.ok(octets.length > 0 && octets.some((one) => one.includes('alice@lab.test')));
  t.notOk(octets.some((one) => one.toString('latin1').toLowerCase().includes(SECRET.toLowerCase())));
  const events = JSON.parse((await site.mandat('--json', 'audit', '--limit', '1000')).stdout) as readonly {
    action: string;
  }[];
  t.ok(events.some(({ action }) => action === 'trace-month-begun'));
  t.ok(events.some(({ action }) => action === 'trace-read'));
});
