/** audit and history: who, when, what, and what came of it; and whether anybody has been at the trail. */
import Database from 'better-sqlite3';
import t from 'tap';
import { openStateDb } from '../../bridge/store/state/state-db.ts';
import { openSubmissions } from '../../bridge/store/submissions/submission-db.ts';
import { appendAudit, ownEntry, sealKey } from '../../bridge/store/trail/sealing.ts';
import { submissionEntry } from '../../bridge/submission/submission-entry.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { at, type Site, startSite } from '../servers/site.ts';
import { builtMandat } from './built.ts';
import { ran } from './commands.ts';
import { must } from './desk.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob', 'carol'], postfix: false });
  await site.register('alice', 'bob', 'carol');
  await site.register('carol');
});
t.teardown(() => site?.stop());

interface Entry {
  readonly at: string;
  readonly action: string;
  readonly actor: string;
  readonly mailbox: string | null;
  readonly delegate: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly on_behalf: string | null;
  readonly via: string | null;
  readonly sealed: boolean;
}
const trail = async (...args: string[]) =>
  JSON.parse((await must(site.mandat('--json', 'audit', ...args))).stdout) as Entry[];
const actions = (entries: readonly Entry[]) => entries.map(({ action }) => action);

t.test('before any sidecar: shown, and said not to be sealed yet', async (t) => {
  const { stdout } = await must(site.mandat('audit'));
  t.match(
    stdout,
    /^TIME +WHO +WHAT +MAILBOX +DELEGATE +DETAIL\n\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+]\d\d:\d\d +sql \(claimed\) +mailbox-add +alice@lab\.test +- .*\(not sealed yet\)\n/,
  );
  t.ok((await trail()).every(({ sealed }) => !sealed));
});

t.test('who: the command line, behind sudo, by SQL; and what came of it', async (t) => {
  const sidecar = await site.run();
  await must(site.mandat('grant', at('alice'), at('bob')));
  const sudo = await ran(
    [...(await builtMandat()), '--config', site.configFile, 'revoke', at('alice'), at('bob'), '--yes'],
    {
      env: { SUDO_USER: 'marie' },
    },
  );
  t.equal(sudo.status, 0);
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('carol')}', '${at('bob')}')`);
  await site.settled();
  t.equal(await sidecar.end(), 0);

  const alices = await trail('--mailbox', 'Alice@lab.test');
  t.match(
    alices.filter(({ action }) => action === 'grant' || action === 'revoke'),
    [
      { actor: /^admin:\w+$/, action: 'grant', delegate: at('bob') },
      { actor: 'admin:marie', action: 'revoke', delegate: at('bob') },
    ],
  );
  t.match(
    (await trail('--mailbox', at('carol'))).filter(({ action }) => action === 'grant'),
    [{ actor: 'sql' }],
  );
  const outcomes = alices
    .filter(({ actor, delegate }) => actor === 'mandat' && delegate !== null)
    .map(({ action, delegate }) => `${action} ${delegate}`);
  t.same(
    outcomes,
    [
      'set-entry', // INBOX
      'publish',
      'in-force',
      'set-entry', // special folders
      'subscribe',
      'cut',
      'verified',
      'withdraw',
      'delete-entry',
      'cut',
      'withdrawn', // when every folder is closed
      'unsubscribe',
      'ended',
    ].map((action) => `${action} ${at('bob')}`),
    'what was done on the servers and what came of it, in order',
  );
  t.ok(
    (await trail()).every(({ sealed }) => sealed),
    'all of it sealed',
  );
  t.notMatch((await site.mandat('audit')).stdout, /not sealed/);
});

t.test('filters', async (t) => {
  const all = await trail();
  t.same(await trail('--limit', '2'), all.slice(-2), 'the last ones');
  const of = (keep: (entry: Entry) => boolean) => actions(all.filter(keep));
  t.same(
    actions(await trail('--mailbox', at('carol'))),
    of(({ mailbox }) => mailbox === at('carol')),
  );
  t.same(
    actions(await trail('--delegate', at('bob'))),
    of(({ delegate }) => delegate === at('bob')),
  );
  t.same(
    actions(await trail('--delegate', at('bob'), '--mailbox', at('carol'))),
    of(({ delegate, mailbox }) => delegate === at('bob') && mailbox === at('carol')),
  );
  const middle = all[Math.floor(all.length / 2)]?.at ?? '';
  t.same(
    actions(await trail('--since', middle)),
    of(({ at: when }) => when >= middle),
  );
  t.match(await site.mandat('audit', '--since', '2999-01-01'), { status: 0, stdout: 'no entries\n' });
  t.match(await site.mandat('audit', '--since', 'yesterday'), { status: 2, stderr: /--since yesterday/ });
  t.match(await site.mandat('audit', '--limit', '0'), { status: 2, stderr: /whole number/ });
  t.match(await site.mandat('history', at('carol')), {
    status: 0,
    stdout: /mailbox-add.*(\n.*)*\n.*sql \(claimed\) +grant/,
  });
});

t.test('what was sent for an owner: shown at once, sealed by the sidecar while it runs', async (t) => {
  const store = openSubmissions(`${site.lab.directory}/private/submission.db`);
  t.teardown(() => store.close());
  const entry = submissionEntry({
    at: new Date().toISOString(),
    login: at('bob'),
    delegate: at('bob'),
    mailbox: at('alice'),
    owner: at('alice'),
    verdict: 'on-behalf',
    sent: true,
    messageId: '<a@lab.test>',
    bytes: 1234,
    recipients: 2,
    domains: ['patient.mssante.fr', 'far.test'],
  });
  await store.note([{ kind: 'event', entry }]);
  const line =
    /delegate:bob@lab\.test for owner:alice@lab\.test +send +alice@lab\.test +bob@lab\.test +verdict=on-behalf login=bob@lab\.test message_id=<a@lab\.test> bytes=1234 recipients=2 domains=far\.test,patient\.mssante\.fr/;
  const { stdout } = await must(site.mandat('audit', '--mailbox', at('alice')));
  t.match(stdout, new RegExp(`${line.source} \\(not sealed yet\\)\n$`));
  t.notMatch((await must(site.mandat('audit', '--mailbox', at('carol')))).stdout, line);
  const sidecar = await site.run();
  await store.note([{ kind: 'event', entry: { ...entry, action: 'send-refused' } }]);
  await waitFor('both are taken over', 15_000, async () => (await store.events()).length === 0);
  t.equal(await sidecar.end(), 0);
  t.match((await trail('--mailbox', at('alice'))).slice(-2), [
    { action: 'send', sealed: true },
    { action: 'send-refused', sealed: true },
  ]);
});

t.test('what a sidecar could not do', async (t) => {
  await site.lab.stopDovecot();
  t.equal((await site.mandat('sync')).status, 5);
  const failed = (await trail()).filter(({ action }) => action === 'failed');
  t.match(failed[0], { actor: 'mandat', detail: /retry.*can't be reached/ });
  t.match((await site.mandat('audit')).stdout, /failed +(alice|carol)@lab\.test +- +code=retry message=/);
});

t.test('--check finds what was altered, and what was taken out', async (t) => {
  t.match(await site.mandat('audit', '--check'), { status: 0, stdout: /^the trail is intact: \d+ entries\n/ });
  const database = new Database(site.stateFile);
  t.teardown(() => database.close());
  for (const trigger of ['audit_updating', 'audit_deleting']) database.exec(`DROP TRIGGER ${trigger}`);
  const id = database.prepare("SELECT id FROM audit WHERE action = 'revoke'").pluck().get() as number;
  const actor = database.prepare('SELECT actor FROM audit WHERE id = ?').pluck().get(id);
  database.prepare("UPDATE audit SET actor = 'admin:paul' WHERE id = ?").run(id);
  t.match(await site.mandat('audit', '--check'), {
    status: 1,
    stdout: new RegExp(`broken at entry ${id}: .*altered or taken out`),
  });
  database.prepare('UPDATE audit SET actor = ? WHERE id = ?').run(actor, id);
  t.match(JSON.parse((await site.mandat('--json', 'audit', 'verify')).stdout), { intact: true, broken: null });
  database.prepare('DELETE FROM audit WHERE id = ?').run(id);
  t.match(JSON.parse((await site.mandat('--json', 'audit', '--check')).stdout), { intact: false, broken: id + 1 });
  t.equal((await site.mandat('audit', '--check')).status, 1);
});

t.test('what others wrote cannot break a line', async (t) => {
  const state = openStateDb(site.stateFile);
  const entry = ownEntry('2026-11-23T08:00:00.000Z', {
    action: 'failed',
    mailbox: at('alice'),
    delegate: null,
    detail: { message: 'a\nb\x1b[2J' },
  });
  await appendAudit(state, sealKey(`${site.lab.directory}/private/seal.key`), [entry]);
  await state.close();
  t.match((await must(site.mandat('history', at('alice')))).stdout, /message=a\ufffdb\ufffd\[2J\n/);
});
