/** Open sessions: cut at a grant and at a revoke, said plainly where they can't be. R49. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { RawImap } from '../../config/lab/raw-imap.ts';
import { routeDoveadmThrough } from './configure.ts';
import { startGate } from './gate.ts';
import { runInside, stepsIn, sync } from './inside.ts';
import { failure } from './outcomes.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, type SiteOptions, startSite } from './site.ts';
import { entriesOf, granted, list, seen, sharedName } from './wire.ts';

const LIMIT_MS = 60_000;
const INBOX = `"${sharedName('alice', 'INBOX')}"`;
const schedule = '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1';

async function siteWith(t: Test, options: Partial<SiteOptions> = {}): Promise<Site> {
  const site = await startSite({
    reuse: false, // as Debian ships it: what is cut here are processes
    users: ['alice', 'bob', 'bob2'],
    postfix: false,
    extraToml: schedule,
    ...options,
  });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob', 'bob2');
  return site;
}

const isAlive = async (session: RawImap) => (await session.command('NOOP')).status === 'OK';

t.test('cut at a grant, once, so that their clients look anew', async (t) => {
  const site = await siteWith(t);
  const bob = await site.login('bob');
  const other = await site.login('bob2');
  t.same(await list(bob, 'shared/*'), []);
  await grantRow(site, 'alice', 'bob');
  const { steps } = await sync(site);
  t.equal(steps.filter(({ kind }) => kind === 'cut').length, 1);
  t.match(await bob.waitForBye(LIMIT_MS), /\S/);
  t.ok(await isAlive(other), 'a login that begins alike is not touched');
  const again = await site.login('bob');
  t.not((await list(again, 'shared/*')).length, 0);
  t.same((await sync(site)).steps, [], 'the next pass leaves them alone');
  t.ok(await isAlive(again));
  for (const session of [again, other]) session.close();
});

t.test('on_grant = "leave"', async (t) => {
  const site = await siteWith(t, { extraSessions: 'on_grant = "leave"' });
  const bob = await site.login('bob');
  await grantRow(site, 'alice', 'bob');
  t.notOk((await sync(site)).steps.some(({ kind }) => kind === 'cut'));
  t.ok(await isAlive(bob), 'a grant leaves their session alone');
  t.strictSame(await seen(site, 'alice', 'bob'), granted());
  await revokeRow(site, 'alice', 'bob');
  await sync(site);
  t.match(await bob.waitForBye(LIMIT_MS), /\S/, 'a revoke does not');
});

t.test('the API is down at a revoke', async (t) => {
  const site = await siteWith(t);
  const gate = await startGate(Number(new URL(site.lab.doveadm.url).port));
  t.teardown(() => gate.close());
  await routeDoveadmThrough(site, gate);
  await grantRow(site, 'alice', 'bob');
  const sidecar = await runInside(site);
  t.teardown(() => sidecar.stop());
  await site.settled();
  await sidecar.idle();
  const bob = await site.login('bob');
  t.equal((await bob.command(`SELECT ${INBOX}`)).status, 'OK');

  gate.shut();
  await revokeRow(site, 'alice', 'bob');
  t.match(await failure(site, 'alice'), { code: 'retry', message: /doveadm.*can't be reached/, hint: /sessions\.url/ });
  t.same(await entriesOf(site, 'alice', 'bob'), {}, 'their entries go anyway');
  t.same(await seen(site, 'alice', 'bob'), {}, 'a new login sees nothing');
  t.ok(await isAlive(bob), 'but their session goes on');
  t.equal(await site.sql('SELECT count(*) FROM pending'), '1\n', 'so it is not over');
  gate.open();
  t.match(await bob.waitForBye(LIMIT_MS), /\S/, 'until the API is back');
  await site.settled();

  await t.test('and at a grant', async (t) => {
    gate.shut();
    await grantRow(site, 'alice', 'bob');
    t.match(await failure(site, 'alice'), { code: 'retry', message: /doveadm/ });
    t.strictSame(await seen(site, 'alice', 'bob'), granted(), 'it is in force');
    gate.open();
    await site.settled();
    t.equal(stepsIn(sidecar.log()).at(-1)?.kind, 'cut');
  });
});

t.test('a key that is wrong', async (t) => {
  const site = await siteWith(t);
  await writeFile(path.join(site.lab.directory, 'doveadm.secret'), 'wrong\n', { mode: 0o600 });
  await grantRow(site, 'alice', 'bob');
  const [said] = (await sync(site)).failures;
  t.match(said, /: config: .*refused the API key/);
  t.notMatch(said, /wrong/);
});

t.test('without [sessions]', async (t) => {
  const site = await siteWith(t, { sessions: false });
  const sidecar = await site.run();
  t.match(sidecar.log(), [{ level: 40, msg: /\[sessions\] is not configured/ }], 'run says so');
  const bob = await site.login('bob');
  t.match(await site.mandat('grant', at('alice'), at('bob')), { status: 0, stderr: /\[sessions\] is not configured/ });
  t.ok(await isAlive(bob));
  t.equal((await bob.command(`SELECT ${INBOX}`)).status, 'OK');
  const revoked = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
  t.match(revoked, { status: 0, stderr: /outlive/ }, 'and so does a revoke');
  t.equal((await bob.command('UID SEARCH ALL')).status, 'OK', 'which is true');
  t.same(await entriesOf(site, 'alice', 'bob'), {});
  t.match(await site.mandat('status'), { stdout: /bob@lab\.test.*outlive/ });
  bob.close();
  t.equal(await sidecar.end(), 0);
});
