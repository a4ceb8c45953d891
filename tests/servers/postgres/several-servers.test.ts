/** Two mail servers with their sidecars on one table in PostgreSQL: each works on its own mailboxes, one moves, and what is the site's is done once. */
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { clientPath } from '../../../bridge/portal/pages/paths.ts';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { headFileOf } from '../../../bridge/store/trail/seal-head.ts';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { must } from '../../cli/desk.ts';
import { startSink } from '../../notify/sink.ts';
import { portalSite } from '../../portal/portal-site.ts';
import { at, password, type Running, type Site, startSite } from '../site.ts';
import { keepsSitesIn } from '../site-store.ts';
import { seen } from '../wire.ts';

const postgresql = await startPostgresql();
t.teardown(() => postgresql.stop());
const database = await postgresql.createDatabase();
const psql = (query: string) => postgresql.sql(database, `SET search_path = mandat; ${query}`);
await psql(`CREATE ROLE mandat LOGIN CREATEROLE PASSWORD 'pw-mandat'; ALTER DATABASE ${database} OWNER TO mandat`);
keepsSitesIn(async ({ etc }) => {
  await writeFile(path.join(etc, 'database.secret'), 'pw-mandat\n', { mode: 0o600 });
  return {
    toml: `database = "postgres://mandat@127.0.0.1:${postgresql.port}/${database}"`,
    sql: async (query) => `${await psql(query)}\n`,
  };
});

const users = ['alice', 'bob', 'carol', 'dora'];
const letters = await startSink();
t.teardown(() => letters.close());
const notices = `[notices]\nport = ${letters.port}\ntls = "none"\nfrom = "${at('mandat')}"\npassword_file = "smtp.secret"`;
const named = async (name: string) => {
  const extraToml = `[server]\nname = "${name}"\n${notices}`;
  const site = await startSite({ users, postfix: false, extraToml });
  await writeFile(path.join(site.lab.directory, 'smtp.secret'), password('mandat'), { mode: 0o600 });
  return site;
};
const mx1 = await named('mx1');
t.teardown(() => mx1.stop());
const mx2 = await named('mx2');
t.teardown(() => mx2.stop());
const sidecars = new Map<Site, Running>();

const access = async (site: Site, owner: string, delegate: string) =>
  Object.keys(await seen(site, owner, delegate)).length > 0;
const count = async (query: string) => Number((await psql(`SELECT count(*) FROM ${query}`)).trim());

t.test('the key of the audit trail is the same on all machines', async (t) => {
  sidecars.set(mx1, await mx1.run());
  const [key1, key2] = [mx1, mx2].map(({ lab }) => dataFiles(lab.directory).sealKey);
  const refused = await mx2.mandat('sync');
  t.match(refused, { status: 2, stderr: /is not the key that its audit trail is sealed with/ });
  copyFileSync(key1 ?? '', key2 ?? '');
  rmSync(headFileOf(key2 ?? '')); // of the key that it had made
  await must(mx2.mandat('init'));
  sidecars.set(mx2, await mx2.run());
});

t.test('each works on its own mailboxes only, wherever the command is given', async (t) => {
  await must(mx1.mandat('mailbox', 'add', at('alice')));
  await must(mx1.mandat('mailbox', 'add', at('dora'), '--server', 'mx2'));
  await must(mx1.mandat('delegate', 'add', at('bob')));
  await must(mx1.mandat('grant', at('alice'), at('bob')));
  const { stdout } = await must(mx1.mandat('grant', at('dora'), at('bob')));
  t.match(stdout, /verified as the delegate sees it/, 'the sidecar of the mailbox is waited for');
  t.same([await access(mx1, 'alice', 'bob'), await access(mx2, 'dora', 'bob')], [true, true]);
  t.same([await access(mx2, 'alice', 'bob'), await access(mx1, 'dora', 'bob')], [false, false]);
  // Notices are the site's, whichever server a mailbox is on.
  const said = (site: Site) =>
    JSON.stringify(
      sidecars
        .get(site)
        ?.log()
        .filter((line) => line.notice === undefined),
    );
  t.notMatch(said(mx1), /dora/);
  t.notMatch(said(mx2), /alice/);
  t.match(await mx1.mandat('verify', at('dora')), { stderr: /is on the mail server mx2/ });
});

t.test(
  'status --all and verify --all: every server from any of them, and what can’t be looked at from here',
  async (t) => {
    const { servers } = JSON.parse((await mx1.mandat('--json', 'status', '--all')).stdout) as {
      servers: readonly Record<string, unknown>[];
    };
    const counts = { mailboxes: 1, inForce: 1, waiting: 0, failing: 0, held: 0 };
    t.match(servers, [
      { server: 'mx1', ...counts },
      { server: 'mx2', ...counts },
    ]);
    t.match((await mx2.mandat('status', '--all')).stdout, /^mx1 .*\nmx2 \(here\) /m);
    const verified = await mx1.mandat('verify', '--all');
    t.equal(verified.status, 1, 'not all of it was looked at');
    const [own, other, all] = verified.stdout.trimEnd().split('\n').slice(-3);
    t.equal(own, 'mx1 (here): 1 mailbox, 1 delegation in force: all as it should be');
    t.match(
      other,
      /^mx2: not verified \(1 mailbox, 1 delegation in force by the database\): it can't be looked at from here, run "mandat verify" on \S+$/,
    );
    t.equal(all, '1 of 2 mail servers verified');
    const told = JSON.parse((await mx1.mandat('--json', 'verify', '--all')).stdout);
    t.match(told, {
      server: 'mx1',
      mailboxes: 1,
      delegations: 1,
      notLookedAt: [{ server: 'mx2', mailboxes: 1, inForce: 1 }],
    });
    t.equal(told.notLookedAt.length, 1);
    const alone = await mx2.mandat('verify');
    t.match(alone, { status: 0, stdout: /^1 mailbox, 1 delegation in force: all as it should be$/m });
  },
);

t.test('the portal of one of them: how each server fares, and each mailbox as its own server is reached', async (t) => {
  const claims = (name: string, ...groups: readonly string[]) => ({
    ...{ preferred_username: at(name), given_name: name, acr: 'eidas1', groups },
  });
  const client = (name: string) => `imap_host = "${name}.imap.test"\nsmtp_host = "${name}.smtp.test"\n`;
  const portal = await portalSite(t, {
    configFile: mx1.configFile,
    config: `[mail_client]\n${client('mx1')}[mail_client.servers.mx2]\n${client('mx2')}`,
    people: { [at('bob')]: claims('bob'), [at('ada')]: claims('ada', 'mail-admins') },
  });
  const [bob, ada] = [await portal.signInAs(at('bob')), await portal.signInAs(at('ada'))];
  for (const [owner, mine, other] of [
    ['alice', 'mx1', 'mx2'],
    ['dora', 'mx2', 'mx1'],
  ] as const) {
    const { body } = await bob.get(clientPath(at(owner)));
    t.match(body, new RegExp(`${mine}\\.imap\\.test.*${mine}\\.smtp\\.test`, 's'));
    t.notMatch(body, `${other}.imap.test`);
    const profile = await bob.get(clientPath(at(owner), '/mail.mobileconfig'));
    t.match(profile.body, `<string>${mine}.imap.test</string>`);
  }
  const rows = async () => (await ada.get('/admin')).body.match(/<tr role="row"><th scope="row".*?<\/tr>/g) ?? [];
  t.match(await rows(), [/>mx1<.*class="state good">fonctionne</, />mx2<.*class="state good">fonctionne</]);
  const explained = await ada.get(`/admin/explain?mailbox=${at('dora')}`);
  t.match(explained, { status: 200, body: /est sur un autre serveur, qui ne peut être interrogé d’ici/ });
  process.kill(sidecars.get(mx2)?.pid ?? 0, 'SIGSTOP');
  await waitFor('the other one is silent', 60_000, async () =>
    /mx2<.*ne répond plus depuis/.test((await rows()).join()),
  );
  process.kill(sidecars.get(mx2)?.pid ?? 0, 'SIGCONT');
  await waitFor('and back', 60_000, async () => !/ne répond plus/.test((await rows()).join()));
});

t.test(
  'a mailbox moves while a delegate has it open: nothing is left behind, and they have it on the new server',
  async (t) => {
    const session = await mx1.login('bob');
    await session.command(`SELECT "shared/${at('alice')}"`);
    const { stdout } = await must(mx2.mandat('mailbox', 'set', at('alice'), '--server', 'mx2'));
    t.match(stdout, /is on mx2 now\n {2}mx1: what stood there is taken away, verified\n {2}mx2: .* in force, verified/);
    t.type(await session.waitForBye(15_000), 'string', 'the open session is cut');
    t.equal(await count('pending'), 0, 'it is worked off by both');
    t.same([await access(mx1, 'alice', 'bob'), await access(mx2, 'alice', 'bob')], [false, true]);
    t.equal(await count("mandat_private.ledger WHERE server = 'mx1'"), 0);
    t.equal(await count('intents'), 0, 'what was asked for has served');
    await waitFor(
      'it is in the trail',
      10_000,
      async () => (await count("mandat_private.audit WHERE action = 'mailbox-move'")) > 0,
    );
  },
);

t.test('owner and delegate on servers that share no folders, and then do', async (t) => {
  await must(mx1.mandat('mailbox', 'add', at('carol')));
  await must(mx1.mandat('delegate', 'add', at('carol')));
  const refused = await mx1.mandat('grant', at('dora'), at('carol'));
  t.match(refused, { status: 3, stderr: /dora.* is on the mail server mx2, and carol.* has their own mailbox on mx1/ });
  t.equal(await count('delegation'), 2, 'nothing was written');
  await psql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('dora')}', '${at('carol')}')`);
  await waitFor('it is worked off', 15_000, async () => (await count('pending')) === 0);
  t.notOk(await access(mx2, 'dora', 'carol'));
  t.match((await mx2.mandat('explain', at('dora'), at('carol'))).stdout, /on another mail server/);
  for (const site of [mx1, mx2]) {
    const toml = readFileSync(site.configFile, 'utf8');
    writeFileSync(site.configFile, toml.replace('[server]\n', '[server]\ncluster = ["mx1", "mx2"]\n'));
    process.kill(sidecars.get(site)?.pid ?? 0, 'SIGHUP');
  }
  await waitFor('it is in force', 20_000, () => access(mx2, 'dora', 'carol'));
});

t.test('whoever does what is the site’s hangs, with nobody to stand by for it: another does it, once', async (t) => {
  const drained = async () => (await count('events')) === 0;
  const unsent = async () => (await count("mandat_private.outbox WHERE state IN ('waiting', 'sending')")) === 0;
  await waitFor('all is done', 20_000, async () => (await drained()) && (await unsent()));
  const before = letters.mails.length;
  process.kill(sidecars.get(mx1)?.pid ?? 0, 'SIGSTOP');
  await must(mx2.mandat('revoke', at('dora'), at('carol'), '--yes'));
  await must(mx2.mandat('grant', at('dora'), at('carol')));
  await waitFor(
    'the events are taken over by the other, and the letters sent',
    30_000,
    async () => (await drained()) && (await unsent()),
  );
  t.ok(letters.mails.length > before, 'people are told');
  t.match(await mx1.mandat('status'), {
    status: 1,
    stdout: /process \d+ is not at work, and silent since .*: it hangs, or is cut off from PostgreSQL/,
  });
  t.match(await mx2.mandat('status', '--all'), { status: 1, stdout: /^mx1 +silent since /m });
  process.kill(sidecars.get(mx1)?.pid ?? 0, 'SIGCONT');
  await must(mx1.mandat('revoke', at('dora'), at('carol'), '--yes'));
  await must(mx1.mandat('grant', at('dora'), at('carol')));
  await waitFor('all is done', 30_000, async () => (await drained()) && (await unsent()));
  const told = letters.mails.map(({ parsed }) => parsed.messageId);
  t.equal(new Set(told).size, told.length, 'nobody is told twice');
  t.equal(await count("mandat_private.outbox WHERE state = 'sent'"), told.length);
  await must(mx1.mandat('grant', at('carol'), at('bob')));
  await must(mx1.mandat('audit', 'verify'));
});

t.test('what is the site’s is done once; when its sidecar is gone by the other one', async (t) => {
  const drained = async () => (await count('events')) === 0;
  await waitFor('the events are taken over', 10_000, drained);
  await sidecars.get(mx1)?.end('SIGKILL');
  await must(mx2.mandat('revoke', at('dora'), at('bob'), '--yes'));
  t.notOk(await access(mx2, 'dora', 'bob'));
  await waitFor('the events are taken over by the other', 15_000, drained);
  for (const [action, times] of Object.entries({ 'mailbox-move': 1, grant: 6, revoke: 3 }))
    t.equal(await count(`mandat_private.audit WHERE action = '${action}'`), times, action);
  await must(mx2.mandat('audit', 'verify'));
});

t.test('a machine that has worked under another name is refused', async (t) => {
  const toml = readFileSync(mx1.configFile, 'utf8');
  writeFileSync(
    mx1.configFile,
    toml.replace('name = "mx1"\n', 'name = "mx9"\n').replace('["mx1", "mx2"]', '["mx9", "mx2"]'),
  );
  const refused = await mx1.mandat('sync');
  t.match(refused, {
    status: 2,
    stderr: /has worked on the mailboxes of mx1 so far.*would be looked after by nobody/s,
  });
  t.equal(await count("mandat_private.facts WHERE name LIKE '%@mx9'"), 0, 'nothing was written');
  writeFileSync(mx1.configFile, toml);
});

t.test('a server that is gone for good is forgotten, once its mailboxes are moved; the trail stays', async (t) => {
  const forget = () => mx2.mandat('server', 'forget', 'mx1', '--yes');
  t.match(await mx2.mandat('server', 'forget', 'mx2', '--yes'), { status: 3, stderr: /own mail server/ });
  t.match(await mx2.mandat('server', 'forget', 'mx7', '--yes'), { status: 4, stderr: /nothing is known/ });
  const refused = await waitFor('the lease of whoever was killed is over', 20_000, async () => {
    const said = await forget();
    return !/a sidecar is at work on mx1/.test(said.stderr) && said;
  });
  t.match(refused, { status: 3, stderr: /mailbox is on mx1 by the table/ });
  const trail = await count('mandat_private.audit');
  const moved = await mx2.mandat('mailbox', 'set', at('carol'), '--server', 'mx2');
  t.match(moved, { status: 5, stdout: /mx1: not yet\n {2}mx2: .*verified/, stderr: /no sidecar works on mx1/ });
  t.ok((await count("mandat_private.ledger WHERE server = 'mx1'")) > 0);
  t.match((await must(forget())).stdout, /mx1 is forgotten/);
  for (const left of ['ledger', 'outcomes', 'folders_seen', 'workers'])
    t.equal(await count(`mandat_private.${left} WHERE server = 'mx1'`), 0, left);
  t.equal(await count("pending WHERE server = 'mx1'"), 0);
  t.equal(await count("mandat_private.facts WHERE name LIKE '%@mx1'"), 0);
  t.notMatch((await mx2.mandat('status', '--all')).stdout, /^mx1/m);
  await waitFor('who had it has it on the new server', 30_000, () => access(mx2, 'carol', 'bob'));
  const said = "mandat_private.audit WHERE action = 'server-forgotten'";
  await waitFor('it is in the trail', 20_000, async () => (await count(said)) === 1);
  t.ok((await count('mandat_private.audit')) > trail, 'which has lost nothing');
  await must(mx2.mandat('audit', 'verify'));
});
