/** Notices of what really happened on the servers: exactly the right mails, whatever the SMTP server does meanwhile. R9, R24, R42. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import { simpleParser } from 'mailparser';
import t from 'tap';
import { retryNotices } from '../../bridge/notify/retry.ts';
import { listNotices } from '../../bridge/store/state/outbox.ts';
import { openStateDb, type StateDb } from '../../bridge/store/state/state-db.ts';
import { openDelegationDb } from '../../bridge/store/table/delegation-db.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { addressesIn, type Sink, startSink } from '../notify/sink.ts';
import { editConfig } from './configure.ts';
import { configOf, dryRun, type Inside, runInside, sync } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, password, type Site, startSite } from './site.ts';
import { seen } from './wire.ts';

const LIMIT_MS = 60_000;
const CONTACT = 'bob.private@elsewhere.test';
const SECOND = 'alice.private@elsewhere.test';

let sink: Sink;
let site: Site;
let state: StateDb;
let sidecar: Inside | undefined;

/** On state.db, as no program of ours does it. */
function onState(sql: string): void {
  const database = new Database(site.stateFile);
  database.exec(sql);
  database.close();
}

t.before(async () => {
  sink = await startSink();
  site = await startSite({
    users: ['alice', 'bob', 'carol', 'mandat'],
    extraToml: `[notices]\nport = ${sink.port}\ntls = "none"\nfrom = "${at('mandat')}"\nlanguage = "fr"\npassword_file = "smtp.secret"\n`,
  });
  await writeFile(path.join(site.lab.directory, 'smtp.secret'), password('mandat'), { mode: 0o600 });
  await site.register('alice', 'bob', 'carol');
  onState(`INSERT INTO accounts (delegate_id, contact, language) VALUES (1, '${CONTACT}', 'en');
    INSERT INTO owner_contacts (mailbox_id, contact) VALUES (1, '${SECOND}')`);
  state = openStateDb(site.stateFile);
});
t.teardown(async () => {
  await sidecar?.stop();
  await state?.close();
  await site?.stop();
  await sink?.close();
});

/** Everything that the sink took, in words; waits until it has as many. */
async function arrived(count: number): Promise<readonly string[]> {
  await waitFor(`${count} mails`, LIMIT_MS, () => sink.mails.length >= count);
  return sink.mails.map(({ parsed }) => `${addressesIn(parsed.to)} ${parsed.subject}`);
}

const told = (french: string, english: string) => [
  `<${at('alice')}> ${french}`,
  `<${SECOND}> ${french}`,
  `<${CONTACT}> ${english}`,
];

const EVENTS: readonly (readonly [what: string, sql: string, french: string, english: string])[] = [
  [
    'grant',
    `INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`,
    'Délégation ajoutée sur la BAL',
    'Delegated access to mailbox %',
  ],
  [
    'suspend',
    'UPDATE delegation SET suspended = 1',
    'Délégation suspendue sur la BAL',
    'Delegated access to % suspended',
  ],
  ['resume', 'UPDATE delegation SET suspended = 0', 'Délégation en vigueur sur la BAL', 'Delegated access to % open'],
  [
    'coming end',
    `UPDATE delegation SET ends_at = '${new Date(Date.now() + 3_600_000).toISOString()}'`,
    'Fin de validité proche sur la BAL',
    'Delegated access to % ends soon',
  ],
  ['revoke', 'DELETE FROM delegation', 'Fin de délégation sur la BAL', 'Delegated access to % ended'],
];

t.test('each event leads to its mails, once, when it is true on the servers', async (t) => {
  sidecar = await runInside(site);
  await sidecar.idle();
  const expected: string[] = [];
  for (const [what, sql, french, english] of EVENTS) {
    await site.sql(sql);
    expected.push(...told(`${french} ${at('alice')}`, english.replace('%', at('alice'))));
    t.same(await arrived(expected.length), expected, what);
    t.same(Object.keys(await seen(site, 'alice', 'bob')).length > 0, !['suspend', 'revoke'].includes(what), what);
    await site.settled();
  }
  await sidecar.sidecar.reload(configOf(site)); // and sweeps
  await site.settled();
  t.same(await arrived(expected.length), expected, 'a later pass tells nothing again');
  t.equal(new Set(sink.mails.map(({ parsed }) => parsed.messageId)).size, expected.length);
  for (const { raw, envelope } of sink.mails) {
    t.equal(envelope.from, at('mandat'));
    t.ok(envelope.to[0] === SECOND || !raw.includes(SECOND), 'the second address stands in its own mail alone');
    t.ok(envelope.to[0] === CONTACT || !raw.includes(CONTACT), 'and so does the contact address');
  }
  const log = JSON.stringify(sidecar.log());
  t.notMatch(log, /elsewhere\.test/);
  const audited = new Database(site.stateFile, { readonly: true });
  const rows = audited.prepare("SELECT action, delegate, detail FROM audit WHERE action LIKE 'notice-%'").all();
  t.equal(rows.length, expected.length, 'per recipient');
  t.match(rows[0], { action: 'notice-sent', delegate: at('bob'), detail: '{"kind":"grant","part":"owner"}' });
  t.notMatch(JSON.stringify(audited.prepare('SELECT * FROM audit').all()), /elsewhere\.test/);
  audited.close();
});

t.test('another process writes: it is heard of', async (t) => {
  const before = sink.mails.length;
  await state.query.updateTable('outbox').set({ state: 'failed' }).where('id', '=', 1).execute();
  const table = openDelegationDb(site.table);
  await retryNotices(table, state, [1], new Date().toISOString());
  await table.close();
  await arrived(before + 1);
  const [first, again] = [sink.mails[0], sink.mails[before]];
  t.equal(again?.parsed.messageId, first?.parsed.messageId);
});

t.test('an SMTP server that is down delays nobody; what waited goes at the next start, once', async (t) => {
  const { port } = sink;
  const before = sink.mails.length;
  await sink.close();
  await grantRow(site, 'alice', 'bob');
  await site.settled();
  t.ok((await seen(site, 'alice', 'bob')).INBOX, 'granted');
  await waitFor('it is tried', LIMIT_MS, async () =>
    (await listNotices(state, { states: ['waiting'] })).some(({ error }) => error !== null),
  );
  t.match(await site.mandat('status'), { status: 0, stdout: /^notices +3 waiting, 0 failed, 0 without an address$/m });
  await sidecar?.stop();
  t.ok(before > 0);
  sink = await startSink(undefined, { port });
  onState("UPDATE outbox SET next_at = '2026-01-01T00:00:00.000Z' WHERE state = 'waiting'"); // as if the minute were over
  sidecar = await runInside(site);
  const mails = await arrived(3);
  t.same(
    [...mails].sort(),
    told(`Délégation ajoutée sur la BAL ${at('alice')}`, `Delegated access to mailbox ${at('alice')}`).sort(),
  );
  await sidecar.stop();
});

t.test(
  'told with its outcome, in one transaction: what fails in between tells nothing, and loses nothing',
  async (t) => {
    await revokeRow(site, 'alice', 'bob');
    const stand = async () => ({
      told: await state.query.selectFrom('told').selectAll().execute(),
      outbox: (await listNotices(state)).length,
      inForce: (await state.query.selectFrom('outcomes').select('in_force_version').executeTakeFirst())
        ?.in_force_version,
    });
    const before = await stand();
    const rehearsal = await dryRun(site);
    t.ok(rehearsal.steps.length > 0);
    t.same(await stand(), before, 'a rehearsal tells nobody');
    onState("CREATE TRIGGER full BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'the disk is full'); END");
    t.not((await sync(site)).failures.length, 0);
    t.same(await stand(), before);
    onState('DROP TRIGGER full');
    t.same((await sync(site)).failures, []);
    t.equal((await stand()).outbox, before.outbox + 3, 'sync tells too');
    t.same((await stand()).told, []);
    t.same((await sync(site)).failures, []);
    t.equal((await stand()).outbox, before.outbox + 3, 'once');
  },
);

t.test('a delegate of whom no address is known is named to the operator', async (t) => {
  await grantRow(site, 'alice', 'carol');
  await sync(site);
  const { stdout } = await site.mandat('status');
  t.match(stdout, /^failing +0 mailboxes$/m, 'nothing failed');
  t.match(
    stdout,
    new RegExp(`no address is known for ${at('carol')}: tell them of the grant \\(${at('alice')}\\) yourself`),
  );
  await revokeRow(site, 'alice', 'carol');
  await sync(site);
});

t.test("through a real Postfix into the owner's INBOX, with a login", async (t) => {
  await editConfig(site, (toml) =>
    toml.replace(
      /port = \d+\ntls = "none"\nfrom/,
      `port = ${site.lab.submission.port}\nuser = "${at('mandat')}"\ntls = "none"\nfrom`,
    ),
  );
  onState('DELETE FROM owner_contacts; DELETE FROM outbox');
  sidecar = await runInside(site);
  await grantRow(site, 'alice', 'bob');
  const alice = await site.login('alice');
  t.teardown(() => alice.close());
  await waitFor('it is in her INBOX', LIMIT_MS, async () => {
    const { lines } = await alice.command('STATUS INBOX (MESSAGES)');
    return /MESSAGES [1-9]/.test(lines.join());
  });
  await alice.command('SELECT INBOX');
  const { lines } = await alice.command('FETCH 1 (BODY.PEEK[])');
  const mail = await simpleParser(lines.join('').replace(/^[^\n]*\{\d+\}\r\n/, ''));
  t.equal(mail.subject, `Délégation ajoutée sur la BAL ${at('alice')}`);
  t.match(mail.text, /Vous êtes responsable des accès ouverts par délégation/);
  t.same(addressesIn(mail.from), [`<${at('mandat')}>`]);
  const head = String(mail.headers.get('x-mandat-trail'));
  t.match(head, /^\d+:[0-9a-f]{64}$/, 'where the trail ended then');
  t.match(await site.mandat('audit', 'verify', '--head', head), { status: 0 }, 'and is still there');
});
