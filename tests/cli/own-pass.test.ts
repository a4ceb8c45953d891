/** Commands where no sidecar runs: each makes the passes for what it changed itself, and says what it saw. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { takeLock } from '../../bridge/store/files/lock.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { at, type Site, startSite } from '../servers/site.ts';
import { granted, seen } from '../servers/wire.ts';
import { must } from './desk.ts';

const OWNERS = ['alice', 'carol'];
let site: Site;
t.before(async () => {
  site = await startSite({ users: [...OWNERS, 'bob', 'dan'] });
  for (const owner of OWNERS) await site.register(owner, 'bob', 'dan');
});
t.teardown(() => site?.stop());

const json = async (...args: string[]) => JSON.parse((await site.mandat('--json', ...args)).stdout);
const PAIR = [at('alice'), at('bob')] as const;

t.test('grant and revoke: in force, verified, and the open session ends', async (t) => {
  const given = await site.mandat('grant', ...PAIR);
  t.match(given, {
    status: 0,
    stderr: '',
    stdout:
      /^alice@lab\.test delegated to bob@lab\.test\n {2}No sidecar is running: this command made the pass itself\.\n {2}in force after .*\n {2}verified as the delegate sees it after .*\n$/,
  });
  t.same(await seen(site, 'alice', 'bob'), granted());
  const open = await site.login('bob');
  t.equal((await open.command(`SELECT shared/${at('alice')}`)).status, 'OK');
  const taken = await json('revoke', ...PAIR, '--yes');
  t.match(taken, { saved: true, sidecar: false, inForceMs: Number, verifiedMs: Number, failure: null, putBack: null });
  t.equal((await open.command('NOOP')).status, 'BYE');
  t.same(await seen(site, 'alice', 'bob'), {});
  await must(site.mandat('verify', at('alice')));
});

t.test('whatever else takes access away', async (t) => {
  const cases: readonly (readonly [take: readonly string[], giveBack: readonly string[] | undefined])[] = [
    [
      ['suspend', ...PAIR],
      ['resume', ...PAIR],
    ],
    [
      ['delegate', 'set', at('bob'), '--state', 'suspended'],
      ['delegate', 'set', at('bob'), '--state', 'active'],
    ],
    [
      ['delegate', 'credential', at('bob'), '--revoked'],
      ['delegate', 'credential', at('bob'), '--valid-until', 'never'],
    ],
    [
      ['mailbox', 'set', at('alice'), '--not-eligible'],
      ['mailbox', 'set', at('alice'), '--eligible'],
    ],
    [
      ['domain', 'set', 'lab.test', '--not-eligible'],
      ['domain', 'set', 'lab.test', '--eligible'],
    ],
    [['account', 'end', at('bob'), '--yes'], undefined],
  ];
  await must(site.mandat('grant', ...PAIR));
  for (const [take, giveBack] of cases) {
    const open = await site.login('bob');
    t.equal((await open.command(`SELECT shared/${at('alice')}`)).status, 'OK', take.join(' '));
    t.match((await must(site.mandat(...take))).stdout, /this command made the pass itself/);
    t.equal((await open.command('NOOP')).status, 'BYE', take.join(' '));
    t.same(await seen(site, 'alice', 'bob'), {}, take.join(' '));
    if (giveBack === undefined) continue;
    t.match((await must(site.mandat(...giveBack))).stdout, /this command made the pass itself/);
    t.same(await seen(site, 'alice', 'bob'), granted(), giveBack.join(' '));
  }
  await must(site.mandat('delegate', 'remove', at('bob'), '--yes'));
  await site.sql(`INSERT INTO delegates (identifier, login, state) VALUES ('${at('bob')}', '${at('bob')}', 'active')`);
});

t.test('a file of them', async (t) => {
  const from = path.join(site.lab.directory, 'many.csv');
  writeFileSync(from, `mailbox,delegate\n${OWNERS.map((owner) => `${at(owner)},${at('bob')}\n`).join('')}`);
  t.match(await site.mandat('grant', '--from', from), {
    status: 0,
    stdout: /made the pass itself\.\n2 of 2 granted\n {2}verified at 2 of 2 mailboxes\n/,
  });
  for (const owner of OWNERS) t.same(await seen(site, owner, 'bob'), granted());
  t.match(await json('revoke', '--from', from, '--yes'), { saved: 2, verified: 2, failures: [] });
  for (const owner of OWNERS) t.same(await seen(site, owner, 'bob'), {});
});

t.test('--no-wait only saves', async (t) => {
  t.match(await site.mandat('grant', ...PAIR, '--no-wait'), { status: 0, stdout: /saved\. No sidecar is running/ });
  t.same(await seen(site, 'alice', 'bob'), {});
  await must(site.mandat('sync'));
  const saved = await must(site.mandat('delegate', 'set', at('bob'), '--state', 'suspended', '--no-wait'));
  t.match(saved.stdout, /changed\. No sidecar is running: it takes effect when one does/);
  t.same(await seen(site, 'alice', 'bob'), granted());
  await must(site.mandat('delegate', 'set', at('bob'), '--state', 'active'));
});

t.test('what the pass could not do is said, and that nobody goes on', async (t) => {
  await site.lab.stopDovecot();
  t.match(await site.mandat('revoke', ...PAIR, '--yes'), {
    status: 5,
    stdout:
      /^alice@lab\.test no longer delegated to bob@lab\.test\n {2}No sidecar is running: this command made the pass itself\.\n$/,
    stderr:
      /this is saved, but access has not been withdrawn yet, because: .*can't be reached[\s\S]*nobody tries again/,
  });
  t.match(await json('mailbox', 'set', at('alice'), '--not-eligible'), {
    sidecar: false,
    verified: 0,
    failures: [{ mailbox: at('alice'), code: 'retry' }],
  });
  await site.lab.startDovecot();
  await must(site.mandat('mailbox', 'set', at('alice'), '--eligible'));
  t.same(await seen(site, 'alice', 'bob'), {});
});

t.test('a sync that is at work is waited for; a sidecar that starts meanwhile does it', async (t) => {
  const lockFile = path.join(path.dirname(site.stateFile), 'sidecar.lock');
  const lock = takeLock(lockFile, 'sync');
  const waiting = site.mandat('grant', ...[at('alice'), at('dan')]);
  await waitFor('the row is there', 10_000, async () => (await json('list')).length === 1);
  lock.release();
  t.match(await waiting, { status: 0, stdout: /made the pass itself\.\n.*in force after/ });

  const again = takeLock(lockFile, 'sync');
  const revoke = site.mandat('revoke', at('alice'), at('dan'), '--yes', '--wait', '5');
  await waitFor('the row is gone', 10_000, async () => (await json('list')).length === 0);
  writeFileSync(`${lockFile}.pid`, `${process.pid}\n`); // from now on the holder is a sidecar
  t.match(await revoke, {
    status: 5,
    stdout: 'alice@lab.test no longer delegated to dan@lab.test\n',
    stderr: /saved, but access has not been withdrawn yet, after 5 s\n.*the sidecar goes on trying/,
  });
  again.release();
  const sidecar = await site.run();
  await site.settled();
  t.same(await seen(site, 'alice', 'dan'), {});
  t.equal(await sidecar.end(), 0);
});
