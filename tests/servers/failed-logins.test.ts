/**
 * Failed logins, counted in Dovecot's own log, where fail2ban's stock filter counts them: accounts that aren't there, and a password that
 * is wrong, cost a few and no more, and neither keeps a revoke of anybody else waiting.
 */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { configOf, type Inside, runInside } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { entriesOf } from './wire.ts';

const LIMIT_MS = 60_000;
/** What passes by itself is tried every second, so that it shows what isn't. */
const SCHEDULE = `[schedule]
retry_min_seconds = 1
retry_max_seconds = 1
folder_look_seconds = 1
folder_looks_per_second = 100
login_retry_seconds = 3600
`;
const GHOSTS = ['ghost1', 'ghost2', 'ghost3', 'ghost4', 'ghost5'];
const OWNERS = ['dora', 'emil', 'fred', 'gina', 'hugo'];

/** As fail2ban's filter.d/dovecot.conf has it: the auth process' line, `passwd-file(login,address,<session>): unknown user`. */
function failedLogins({ lab }: Site): number {
  const lines = readFileSync(lab.logs().dovecot, 'utf8').split('\n');
  return lines.filter((line) =>
    /auth: .*[a-z-]+\([^()]*,127\.0\.0\.[0-9]+,.*\): (unknown user|Password mismatch)/.test(line),
  ).length;
}

async function site(t: Test, users: readonly string[]): Promise<Site> {
  const started = await startSite({ users, postfix: false, extraToml: SCHEDULE });
  t.teardown(() => started.stop());
  return started;
}

async function running(t: Test, here: Site): Promise<Inside> {
  const one = await runInside(here);
  t.teardown(() => one.stop());
  return one;
}

/** How often passes over a mailbox have failed, by what the log says. */
const failures = (one: Inside, name: string) =>
  one.log().filter(({ address, level, attempt }) => address === at(name) && level === 50 && attempt !== undefined)
    .length;

const tried = (one: Inside, times: number, ...names: readonly string[]) =>
  waitFor(`${names} to have failed ${times} times`, LIMIT_MS, () =>
    names.every((name) => failures(one, name) >= times),
  );

const inForce = (here: Site, owner: string, delegate: string) =>
  waitFor(`${delegate} to have ${owner}`, LIMIT_MS, async () => 'INBOX' in (await entriesOf(here, owner, delegate)));

function lastRound({ stateFile }: Site): unknown {
  const state = new Database(stateFile, { readonly: true });
  try {
    return state.prepare("SELECT value FROM facts WHERE name = 'folder-look'").pluck().get();
  } finally {
    state.close();
  }
}

t.test('accounts that are not there', async (t) => {
  const here = await site(t, ['alice', 'bob', 'carol']);
  await here.register('alice', 'bob', 'carol');
  for (const ghost of GHOSTS) await here.register(ghost, 'bob');
  const one = await running(t, here);
  await one.idle();
  const before = failedLogins(here);
  for (const ghost of GHOSTS) await grantRow(here, ghost, 'bob');
  await tried(one, 2, ...GHOSTS);
  const began = Date.now();
  await grantRow(here, 'alice', 'bob', 'carol');
  await inForce(here, 'alice', 'carol');
  while (Date.now() - began < 3000) {
    await revokeRow(here, 'alice', 'bob');
    await waitFor('bob to be out', LIMIT_MS, async () => !('INBOX' in (await entriesOf(here, 'alice', 'bob'))));
    await grantRow(here, 'alice', 'bob');
    await inForce(here, 'alice', 'bob');
  }
  t.equal(failedLogins(here) - before, 2 * GHOSTS.length, 'two each');
  t.ok(configOf(here).schedule.loginRetrySeconds > 60, 'and the next in minutes');

  await t.test('woken by the mailbox row', async () => {
    t.match(await here.mandat('mailbox', 'set', at('ghost1'), '--login', at('carol'), '--no-wait'), { status: 0 });
    await inForce(here, 'carol', 'bob');
  });
  await t.test('made on the server: woken by sync', async (t) => {
    await here.lab.addUser(at('ghost2'), 'pw-ghost2');
    const { status, stdout } = await here.mandat('sync', at('ghost2'));
    t.equal(status, 0, stdout);
    await inForce(here, 'ghost2', 'bob');
  });
  await t.test('woken by SIGHUP', async (t) => {
    await here.lab.addUser(at('ghost3'), 'pw-ghost3');
    await one.sidecar.reload(configOf(here));
    await inForce(here, 'ghost3', 'bob');
    t.pass();
  });
});

t.test('an account that goes: it is not looked at each minute', async (t) => {
  const here = await site(t, ['alice', 'bob']);
  await here.register('alice', 'bob');
  const one = await running(t, here);
  await one.idle();
  await grantRow(here, 'alice', 'bob');
  await here.settled();
  const before = failedLogins(here);
  const users = path.join(here.lab.directory, 'dovecot/users');
  const text = readFileSync(users, 'utf8');
  await writeFile(users, text.replace(/^alice@.*\n/m, ''));
  await tried(one, 2, 'alice');
  for (let round = 0; round < 3; round++) {
    const last = lastRound(here);
    await waitFor('a round of looks', LIMIT_MS, () => lastRound(here) !== last);
  }
  t.ok(failedLogins(here) - before <= 3, `${failedLogins(here) - before} failed logins, three rounds of looks later`);
  await writeFile(users, text);
});

t.test('a delegate of many mailboxes that is not there', async (t) => {
  const here = await site(t, OWNERS);
  for (const owner of OWNERS) await here.register(owner, 'ghost1');
  const one = await running(t, here);
  await one.idle();
  const before = failedLogins(here);
  for (const owner of OWNERS) await grantRow(here, owner, 'ghost1');
  await tried(one, 2, ...OWNERS);
  t.ok(
    failedLogins(here) - before <= 6,
    `${failedLogins(here) - before} failed logins, of one account, for five mailboxes`,
  );
});

t.test("mandat's own password is wrong", async (t) => {
  const here = await site(t, [...OWNERS, 'bob', 'alice']);
  for (const owner of [...OWNERS, 'alice']) await here.register(owner, 'bob');
  const secret = path.join(here.lab.directory, 'imap.secret');
  const right = readFileSync(secret, 'utf8');
  const changed = (to: string) => writeFile(secret, to, { mode: 0o600 });

  await t.test('from the start', async (t) => {
    await changed('wrong\n');
    const one = await running(t, here);
    const before = failedLogins(here);
    for (const owner of OWNERS) await grantRow(here, owner, 'bob');
    await tried(one, 2, ...OWNERS);
    t.ok(failedLogins(here) - before <= 4, `${failedLogins(here) - before} failed logins for five mailboxes`);
    const said = await here.mandat('status');
    t.match(said.stdout, /so it is for every mailbox/);
    await changed(right);
    for (const owner of OWNERS) await inForce(here, owner, 'bob');
    await here.settled();
    await one.stop();
  });

  await t.test('changed on the server while it runs, and in the file later', async (t) => {
    const one = await running(t, here);
    await one.idle();
    const passwd = path.join(here.lab.directory, 'dovecot/mandat/master.passwd');
    const master = readFileSync(passwd, 'utf8');
    await writeFile(passwd, master.replace(/\{PLAIN\}[^:]+/, '{PLAIN}another'));
    await waitFor('Dovecot to have seen it', LIMIT_MS, async () => {
      const { status } = await here.mandat('verify', at('dora'));
      return status !== 0;
    });
    const before = failedLogins(here);
    for (const owner of OWNERS) await revokeRow(here, owner, 'bob');
    await tried(one, 2, ...OWNERS);
    t.ok(failedLogins(here) - before <= 5, `${failedLogins(here) - before} failed logins for five revokes`);
    await changed('another\n');
    for (const owner of OWNERS)
      await waitFor(
        `bob to be out of ${owner}`,
        LIMIT_MS,
        async () => !('INBOX' in (await entriesOf(here, owner, 'bob'))),
      );
    await here.settled();
  });
});
