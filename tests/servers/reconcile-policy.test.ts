/** The configuration changes under a running sidecar (SIGHUP): what stands follows. */
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { editConfig } from './configure.ts';
import { configOf, dryRun, runInside, sync, verify } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS } from './rows.ts';
import { startSite } from './site.ts';
import { does, entriesOf, FULL, granted, SPECIAL, SPECIALS, seen, sorted, subscribed } from './wire.ts';

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({
      ...variant,
      users: ['alice', 'bob'],
      postfix: false,
      extraToml: '[policy]\nrights = "lrs"\n[subscriptions]\nauto_subscribe = false',
    });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Projets');
    await site.register('alice', 'bob');
    await grantRow(site, 'alice', 'bob');
    const sidecar = await runInside(site);
    t.teardown(() => sidecar.stop());
    await site.settled();
    await sidecar.idle();
    const little = Object.fromEntries(['INBOX', 'Projets', ...SPECIALS].map((folder) => [folder, sorted('lrs')]));
    t.strictSame(await seen(site, 'alice', 'bob'), little);

    await editConfig(site, (toml) => toml.replace('rights = "lrs"', '').replace('auto_subscribe = false', ''));
    await sidecar.sidecar.reload(configOf(site));
    await waitFor('the sweep that follows', 20_000, async () => {
      const there = await seen(site, 'alice', 'bob');
      return there.INBOX === FULL && there.Projets === FULL && SPECIALS.every((folder) => there[folder] === SPECIAL);
    });
    await sidecar.stop();
    await sync(site);
    t.same(subscribed(site, 'alice', 'bob'), Object.keys(granted('Projets')).sort(), 'subscribed late, but subscribed');

    await editConfig(site, (toml) => toml.replace('[policy]', '[policy]\nrights = "lrs"'));
    const said = await dryRun(site);
    t.same((await sync(site)).steps, said.steps, 'rights that are taken back: as the dry run said');
    t.strictSame(await seen(site, 'alice', 'bob'), little);
    t.same(await verify(site), []);
    await revokeRow(site, 'alice', 'bob');
    await sync(site);
    t.same(await entriesOf(site, 'alice', 'bob'), {});
  });
}
