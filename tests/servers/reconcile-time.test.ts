/** Time and conditions: the sidecar wakes by itself when a start, an end or a lapse comes due; what is suspended comes back. R13, R14. */
import t, { type Test } from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { type Inside, runInside, sync } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS } from './rows.ts';
import { at, DOMAIN, type Site, startSite } from './site.ts';
import { entries, granted, seen, sharedName } from './wire.ts';

const LIMIT_MS = 60_000;
/** Ahead of now, as the table writes it. Near enough to wait for, far enough to be noticed before it comes. */
const soon = (ms = 1500) => new Date(Date.now() + ms).toISOString();

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol', 'dave', 'erin'], postfix: false });
    t.teardown(() => site.stop());
    await site.register('alice', 'bob', 'carol', 'dave');
    const sidecar = await runInside(site);
    t.teardown(() => sidecar.stop());
    await sidecar.idle();
    await t.test('a start', (t) => start(t, site, sidecar));
    await t.test('an end', (t) => ends(t, site, sidecar, 'ends'));
    await t.test('a credential that lapses', (t) => ends(t, site, sidecar, 'lapses'));
    await t.test('conditions fail and hold again', (t) => conditions(t, site));
    await t.test('an end while no sidecar ran', (t) => whileDown(t, site, sidecar));
  });
}

const has = (site: Site) =>
  waitFor('bob to have the mailbox', LIMIT_MS, async () => (await seen(site, 'alice', 'bob')).Sent !== undefined);
const hasNot = (site: Site) =>
  waitFor('bob to have nothing', LIMIT_MS, async () => Object.keys(await seen(site, 'alice', 'bob')).length === 0);

/** When the log first tells of such a step after that instant. */
const firstStep = (sidecar: Inside, kind: string, since: string) =>
  String(
    sidecar.log().find(({ msg, when, login }) => msg === kind && login === at('bob') && String(when) > since)?.when,
  );

async function start(t: Test, site: Site, sidecar: Inside): Promise<void> {
  const since = new Date().toISOString();
  const startsAt = soon();
  await site.sql(
    `INSERT INTO delegation (mailbox, delegate, starts_at) VALUES ('${at('alice')}', '${at('bob')}', '${startsAt}')`,
  );
  await has(site);
  t.ok(firstStep(sidecar, 'set-entry', since) >= startsAt, 'not before');
  await site.settled();
  await waitFor('the whole of it', LIMIT_MS, async () => sameAs(await seen(site, 'alice', 'bob'), granted()));
  await revokeRow(site, 'alice', 'bob');
  await site.settled();
}

const sameAs = (one: object, other: object) =>
  JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

async function ends(t: Test, site: Site, sidecar: Inside, how: 'ends' | 'lapses'): Promise<void> {
  await grantRow(site, 'alice', 'bob', 'carol');
  await site.settled();
  const bob = await site.login('bob');
  t.equal((await bob.command(`SELECT ${sharedName('alice', 'INBOX')}`)).status, 'OK');
  const since = new Date().toISOString();
  const until = soon();
  await site.sql(
    how === 'ends'
      ? `UPDATE delegation SET ends_at = '${until}' WHERE delegate = '${at('bob')}'`
      : `UPDATE delegate SET credential_valid_until = '${until}' WHERE id = '${at('bob')}'`,
  );
  t.match(await bob.waitForBye(LIMIT_MS), /\S/, 'their open session ends');
  await hasNot(site);
  t.ok(firstStep(sidecar, 'delete-entry', since) >= until, 'not before');
  // While an entry of the same tree is being changed, Dovecot's LIST may be empty for the others for a moment.
  await waitFor('the pass to end', LIMIT_MS, () =>
    sidecar.log().some(({ msg, when }) => msg === 'verified' && String(when) > until),
  );
  t.same(await seen(site, 'alice', 'carol'), granted(), 'a co-delegate is not concerned');
  t.equal((await site.sql('SELECT count(*) FROM delegation')).trim(), '2', 'the row stays');
  if (how === 'lapses') {
    await site.sql(`UPDATE delegate SET credential_valid_until = '${soon(3_600_000)}' WHERE id = '${at('bob')}'`);
    await has(site);
    await site.sql(`UPDATE delegate SET credential_valid_until = NULL WHERE id = '${at('bob')}'`);
  }
  await revokeRow(site, 'alice', 'bob', 'carol');
  await site.settled();
  bob.close();
}

async function conditions(t: Test, site: Site): Promise<void> {
  await grantRow(site, 'alice', 'bob');
  await site.settled();
  const changes: readonly (readonly [string, string, string])[] = [
    ['the delegate is suspended', `UPDATE delegate SET state = 'suspended'`, `UPDATE delegate SET state = 'active'`],
    ['the mailbox is not eligible', 'UPDATE mailbox SET eligible = 0', 'UPDATE mailbox SET eligible = 1'],
    [
      'its domain is not open (R26)',
      `INSERT INTO domain (domain, eligible) VALUES ('${DOMAIN}', 0)`,
      'UPDATE domain SET eligible = 1',
    ],
    ['it is not a personal one', `UPDATE mailbox SET kind = 'ORG'`, `UPDATE mailbox SET kind = 'PER'`],
  ];
  for (const [why, off, on] of changes) {
    await site.sql(off);
    await site.settled();
    t.same(await seen(site, 'alice', 'bob'), {}, why);
    t.same(new Set(Object.values(await entries(site, 'alice')).flatMap(Object.keys)), new Set(), 'no entry stays');
    await site.sql(on);
    await site.settled();
    t.same(await seen(site, 'alice', 'bob'), granted(), 'and back');
  }
}

async function whileDown(t: Test, site: Site, sidecar: Inside): Promise<void> {
  await sidecar.stop();
  await site.sql(`UPDATE delegation SET ends_at = '${soon(20)}'`);
  await sync(site);
  const again = await runInside(site);
  await hasNot(site);
  await again.stop();
  t.pass('it ends when one runs');
}

t.test('the limit of delegates is that of the configuration', async (t) => {
  const site = await startSite({
    users: ['alice', 'bob', 'carol', 'dave'],
    postfix: false,
    extraToml: '[policy]\nmax_delegates = 2',
  });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob', 'carol', 'dave');
  await sync(site);
  await grantRow(site, 'alice', 'bob', 'carol');
  await t.rejects(grantRow(site, 'alice', 'dave'), /MANDAT_LIMIT/);
  await site.sql(`UPDATE delegate SET state = 'suspended' WHERE id = '${at('bob')}'`);
  await t.rejects(grantRow(site, 'alice', 'dave'), /MANDAT_LIMIT/, 'one who is suspended counts');
  await sync(site);
  t.same(await seen(site, 'alice', 'carol'), granted());
  t.same(await seen(site, 'alice', 'dave'), {});
});
