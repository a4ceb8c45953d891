/** mandat pause: nothing is written to the servers meanwhile, but what is taken by name; what was due is done after it. */
import { writeFile } from 'node:fs/promises';
import t from 'tap';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { configOf } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entriesOf, granted, seen, serverFiles, subscribed } from './wire.ts';

const LIMIT_MS = 60_000;
const REASON = 'the disk of the mail server is exchanged';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'erin', 'bob', 'carol', 'dave'], reuse: false });
  await does(site, 'alice', 'CREATE Projets');
  await site.register('alice', 'bob', 'carol', 'dave');
  await site.register('erin');
});
t.teardown(() => site?.stop());

const json = async (...args: string[]) => JSON.parse((await site.mandat('--json', ...args)).stdout);
/** As Postfix reads it. */
function senderRules(): readonly string[] {
  const map = openSenderMap(dataFiles(configOf(site).dataDir).senderDirectory, { readonly: true });
  try {
    return map.all().map(({ address, login }) => `${address} ${login}`);
  } finally {
    map.close();
  }
}

const resumed = () => site.mandat('resume');

t.test('it is for admins, and asks for a reason that says something', async (t) => {
  t.match(await site.mandat('--as', `owner:${at('alice')}`, 'pause'), { status: 3 });
  t.match(await site.mandat('--as', `owner:${at('alice')}`, 'resume'), { status: 3, stderr: /for admins/ });
  t.match(await site.mandat('pause', '--reason', ' '), { status: 2 });
  t.match(await resumed(), { status: 0, stdout: /not paused/ });
  t.match(await site.mandat('resume', at('alice')), { status: 2, stderr: /missing required argument 'delegate'/ });
});

for (const sidecar of [true, false]) {
  t.test(sidecar ? 'while a sidecar runs' : 'without a sidecar', async (t) => {
    if (sidecar) await site.run();
    t.match(await site.mandat('grant', at('alice'), at('bob')), { status: 0 });
    t.match(await site.mandat('grant', at('erin'), at('bob')), { status: 0 });
    t.match(await site.mandat('pause', '--reason', REASON), {
      status: 0,
      stdout: /^paused: [\s\S]*exchanged/,
      stderr: '',
    });
    const before = serverFiles(site);
    const rules = senderRules();

    t.comment('a grant is saved, says that it is paused, and writes nothing');
    const granting = await site.mandat('grant', at('alice'), at('carol'));
    t.match(granting, {
      status: 1,
      stdout: /saved, and not in force: mandat is paused by admin:.*exchanged.*mandat resume/,
    });
    t.match(await json('grant', at('erin'), at('carol')), {
      saved: true,
      paused: { reason: REASON },
      verifiedMs: null,
    });
    t.match(await site.mandat('grant', at('erin'), at('dave'), '--no-wait'), { status: 0, stdout: /paused/ });
    await revokeRow(site, 'erin', 'bob'); // by another program: not by name
    t.match(await site.mandat('sync'), { status: 3, stderr: /paused.*MANDAT_PAUSED[\s\S]*mandat resume/ });
    t.match(await site.mandat('withdraw', '--all', '--yes'), { status: 3, stderr: /MANDAT_PAUSED/ });
    t.match(await site.mandat('sync', '--dry-run'), { stdout: /carol/, stderr: /paused/ });
    t.match(await site.mandat('mailbox', 'alias', 'add', at('erin'), at('erin2')), { stderr: /paused/ });

    t.comment('status, doctor and verify say so');
    t.match(await site.mandat('status'), { status: 1, stdout: /^PAUSED: mandat is paused by admin:.*exchanged/ });
    t.match(await json('status'), { paused: { reason: REASON, all: false } });
    t.match((await site.mandat('doctor')).stdout, /WARN +pause +mandat is paused[\s\S]*-> .*mandat resume/);
    t.match((await site.mandat('explain', at('alice'), at('carol'))).stderr, /is paused by/);
    t.match((await site.mandat('verify')).stdout, /^mandat is paused by/);
    t.match((await site.mandat('doctor', '--probe', at('alice'))).stdout, /FAIL +probe +.*paused/);
    if (sidecar) {
      await site.stopSidecars();
      await site.run(); // a restart does not end it
    }
    t.same(serverFiles(site), before, 'nothing was written');
    t.same(senderRules(), rules, 'nor into the sender map');
    t.same(await entriesOf(site, 'alice', 'carol'), {});

    t.comment('what is taken by name goes all the same, and nothing else');
    t.match(await site.mandat('suspend', at('alice'), at('bob')), {
      status: 0,
      stdout: /taken away, nothing of it is left/,
    });
    t.same(await seen(site, 'alice', 'bob'), {});
    t.same(subscribed(site, 'alice', 'bob'), []);
    t.same(await entriesOf(site, 'alice', 'carol'), {}, 'the grant in the same mailbox waits');
    t.same(await seen(site, 'erin', 'bob'), granted(), 'and so does what another program deleted');

    t.comment('with --all not even that');
    await site.mandat('resume', at('alice'), at('bob'));
    t.match(await resumed(), { status: 0, stdout: /^resumed, after mandat was paused by/ });
    await site.settled();
    t.same(await seen(site, 'alice', 'bob'), granted('Projets'));
    t.same(await seen(site, 'alice', 'carol'), granted('Projets'), 'what was due is done');
    t.same(await seen(site, 'erin', 'bob'), {});
    t.match(await site.mandat('verify'), { status: 0, stdout: /all as it should be/ });
    t.match(await site.mandat('pause', '--all'), { status: 0, stdout: /not even what is revoked by name/ });
    const all = serverFiles(site);
    t.match(await site.mandat('revoke', at('alice'), at('bob'), '--yes'), {
      status: 1,
      stdout: /WHO HAS ACCESS KEEPS IT/,
    });
    t.same(serverFiles(site), all);
    t.same(await seen(site, 'alice', 'bob'), granted('Projets'));
    t.match(await site.mandat('pause'), { status: 0 }, 'without --all from now on');
    if (sidecar)
      await waitFor(
        'the revoke goes through',
        LIMIT_MS,
        async () => Object.keys(await seen(site, 'alice', 'bob')).length === 0,
      );

    t.match(await resumed(), { status: 0 });
    await site.settled();
    t.same(await seen(site, 'alice', 'bob'), {});
    const trail = (await site.mandat('audit', '--limit', '200')).stdout;
    t.match(trail, /paused[\s\S]*exchanged[\s\S]*resumed/);
    t.match(await site.mandat('audit', 'verify'), { status: 0 });
    await site.sql('DELETE FROM delegation');
    await site.mandat('sync', '--force');
    await site.mandat('mailbox', 'alias', 'remove', at('erin'), at('erin2'));
    await site.stopSidecars();
  });
}

t.test('a pass in hand ends, and many at once are revoked by name', async (t) => {
  await site.run();
  await grantRow(site, 'alice', 'bob', 'carol');
  await site.settled();
  t.match(await site.mandat('pause'), { status: 0 });
  const file = `${site.lab.directory}/many.csv`;
  await writeFile(file, `mailbox,delegate\n${at('alice')},${at('bob')}\n${at('alice')},${at('carol')}\n`);
  t.match(await site.mandat('revoke', '--from', file, '--yes'), {
    status: 0,
    stdout: /^2 of 2 revoked[\s\S]*taken away/,
  });
  t.same(await seen(site, 'alice', 'bob'), {});
  t.match(await site.mandat('grant', '--from', file), { status: 1, stdout: /2 of 2 granted[\s\S]*paused/ });
  t.same(await seen(site, 'alice', 'carol'), {});
  await resumed();
  await site.settled();
  t.same(await seen(site, 'alice', 'carol'), granted('Projets'));
});
