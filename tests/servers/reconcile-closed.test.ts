/**
 * A folder in which an entry denies the owner the right to administer: nothing can be given or taken there, and all the others are
 * done. It is said with the remedy, and mended by itself once the right is back.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { runInside, verify } from './inside.ts';
import { failure, outcome } from './outcomes.ts';
import { grantRow, named, revokeRow, VARIANTS } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entriesOf, FULL, granted, seen } from './wire.ts';

const extraToml = '[schedule]\nretry_min_seconds = 1\nretry_max_seconds = 1';

/** What the hint says, as the administrator would. */
async function giveBack(site: Site, folder: string): Promise<void> {
  const conf = path.join(site.lab.directory, 'dovecot', 'dovecot.conf');
  await promisify(execFile)('doveadm', ['-c', conf, 'acl', 'delete', '-u', at('alice'), folder, `user=${at('alice')}`]);
}

/** Dovecot gives an owner's own entry the right back at once, but not so what denies it. */
const CLOSE = `SETACL Ferme -${at('alice')} a`;

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol'], postfix: false, extraToml });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Ferme', 'CREATE Projets', CLOSE);
    await site.register('alice', 'bob', 'carol');
    const sidecar = await runInside(site);
    t.teardown(() => sidecar.stop());
    await sidecar.idle();

    await grantRow(site, 'alice', 'bob');
    t.match(await failure(site, 'alice'), {
      code: 'config',
      message: /alice@lab\.test may not administer Ferme of their own, .*the other folders are done/,
      hint: /doveadm acl delete -u alice@lab\.test "Ferme" user=alice@lab\.test$/,
    });
    t.match(await seen(site, 'alice', 'bob'), { INBOX: FULL, Projets: FULL }, 'the others are open');
    t.match(await site.mandat('status'), { status: 1, stdout: /may not administer Ferme/ });
    t.match(await site.mandat('explain', at('alice'), at('bob')), {
      stdout:
        /^the last pass failed: config: .*may not administer Ferme.*\n.*doveadm acl get .*\n.*attempt \d+, again at /m,
    });

    await revokeRow(site, 'alice', 'bob');
    const { version } = await failure(site, 'alice');
    await grantRow(site, 'alice', 'carol');
    t.ok((await failure(site, 'alice')).version >= version, 'tried again and again');
    await giveBack(site, 'Ferme');
    await site.settled();
    t.equal((await outcome(site, 'alice'))?.failure, undefined);
    t.same(await entriesOf(site, 'alice', 'bob'), {}, 'bob has nothing anywhere');
    t.same(await seen(site, 'alice', 'bob'), {});
    t.strictSame(await seen(site, 'alice', 'carol'), granted('Ferme', 'Projets'), 'carol has all of it');

    // Taken away under a delegation in force: her entry there can't be reached, and all the others go.
    await does(site, 'alice', CLOSE);
    await revokeRow(site, 'alice', 'carol');
    await failure(site, 'alice');
    const left = Object.keys(await seen(site, 'alice', 'carol'));
    t.same(
      left.filter((folder) => folder !== 'Ferme'),
      [],
      'nothing but what nobody can reach',
    );
    await giveBack(site, 'Ferme');
    await site.settled();
    t.same(await entriesOf(site, 'alice', 'carol'), {});
    t.same(await verify(site), []);
  });
}
