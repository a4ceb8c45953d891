/** Drift that isn't put right: because it is only to be told of, or because another program undoes each repair. What the table says goes on. */
import { readFile, writeFile } from 'node:fs/promises';
import Database from 'better-sqlite3';
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { runInside, type Synced, sync, verify } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entries, FULL, granted, seen } from './wire.ts';

const bob = at('bob');
const USERS = ['alice', 'bob', 'carol'];

const bobIn = async (site: Site, folder: string) => (await entries(site, 'alice'))[folder]?.[bob];

async function configured(site: Site, onDrift: 'repair' | 'report'): Promise<void> {
  const text = await readFile(site.configFile, 'utf8');
  await writeFile(site.configFile, text.replace(/on_drift = "\w+"/, `on_drift = "${onDrift}"`));
}

async function started(inherit: boolean, onDrift: 'repair' | 'report'): Promise<Site> {
  const extraToml = `[reconcile]\non_drift = "${onDrift}"\n`;
  const site = await startSite({ users: USERS, postfix: false, senderRules: false, inherit, extraToml });
  t.teardown(() => site.stop());
  await does(site, 'alice', 'CREATE Projets', 'CREATE Projets/2024');
  await site.register('alice', 'bob', 'carol');
  await grantRow(site, 'alice', 'bob');
  t.match(await sync(site), { failures: [], notices: [] });
  return site;
}

const audited = (site: Site) => {
  const state = new Database(site.stateFile, { readonly: true });
  try {
    return state.prepare("SELECT detail FROM audit WHERE action = 'drift-left' ORDER BY id").pluck().all() as string[];
  } finally {
    state.close();
  }
};

/** What somebody does by hand, and what of it is told. */
const BY_HAND: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['INBOX: taken away', [`DELETEACL INBOX ${bob}`], /the entry of bob@lab\.test is gone from INBOX\b.* gave \w/],
  ['INBOX: narrowed', [`SETACL INBOX ${bob} lr`], /bob@lab\.test gives lr in INBOX.* instead of/],
  ['INBOX: widened', [`SETACL INBOX ${bob} lrswipkxtea`], /gives \w*a\w* in INBOX.* instead of/],
  ['a folder: narrowed', [`SETACL Projets ${bob} l`], /gives l in Projets instead of/],
  ['a folder: widened', [`SETACL Projets/2024 ${bob} lrswipkxtea`], /in Projets\/2024 instead of/],
  ['a special folder: widened', [`SETACL Sent ${bob} lrswipkxte`], /gives \w*x\w* in Sent instead of/],
];

for (const inherit of [true, false]) {
  t.test(`on_drift = "report", ${inherit ? 'with' : 'without'} inheritance`, async (t) => {
    const site = await started(inherit, 'report');
    const right = await entries(site, 'alice');
    for (const [what, lines, told] of BY_HAND) {
      await t.test(what, async (t) => {
        const known = audited(site).length;
        await does(site, 'alice', ...lines);
        const changed = await entries(site, 'alice');
        const first = await sync(site);
        t.match(first, { failures: [] });
        t.equal(first.notices.length, 1, first.notices.join('\n'));
        t.match(first.notices[0], /^drift-reported: /);
        t.match(first.notices[0], told);
        t.strictSame(first.steps, [], 'nothing is written');
        t.strictSame(await entries(site, 'alice'), changed, 'and it stands as it was changed');
        t.not((await verify(site)).length, 0, 'which verify sees');
        t.match((await sync(site)).notices, first.notices, 'it is told as long as it stands');
        t.equal(audited(site).length, known + 1, 'and once in the trail');
        await configured(site, 'repair');
        t.match(await sync(site), { failures: [], notices: [] }, 'a switch to repair puts it right');
        t.strictSame(await seen(site, 'alice', 'bob'), granted('Projets', 'Projets/2024'));
        await configured(site, 'report');
        t.strictSame((await entries(site, 'alice')).INBOX, right.INBOX);
      });
    }

    await t.test('what the table says goes on, beside what is left', async (t) => {
      await does(
        site,
        'alice',
        `SETACL INBOX ${bob} lr`,
        `SETACL Projets ${bob} l`,
        'CREATE Neuf',
        'CREATE Projets/Neuf',
      );
      await grantRow(site, 'alice', 'carol');
      const done = await sync(site);
      t.match(done, { failures: [] });
      t.match(done.notices.join(), /gives lr in INBOX/);
      const now = await seen(site, 'alice', 'bob');
      t.match(now.Neuf, FULL, 'a folder that came beside it is given');
      t.match(now['Projets/Neuf'], FULL);
      t.strictSame(await seen(site, 'alice', 'carol'), granted('Projets', 'Projets/2024', 'Neuf', 'Projets/Neuf'));
      t.match(await site.mandat('status'), { stdout: /gives lr in INBOX.*on_drift = "report".*SIGHUP/ });
      t.match(await site.mandat('explain', at('alice'), bob), { stdout: /gives lr in INBOX.*SIGHUP/ });
      await does(site, 'alice', `SETACL Neuf ${bob} l`);
      t.match((await sync(site)).notices.join(), /gives l in .*Neuf/, 'later it is a folder like any other');
      t.equal(await bobIn(site, 'Neuf'), 'l');
      await site.sql(`UPDATE delegation SET suspended = 1 WHERE delegate = '${bob}'`);
      t.match(await sync(site), { failures: [], notices: [] });
      t.strictSame(await seen(site, 'alice', 'bob'), {}, 'a suspension takes all of it');
      await site.sql(`UPDATE delegation SET suspended = 0 WHERE delegate = '${bob}'`);
      t.match(await sync(site), { failures: [], notices: [] });
      t.strictSame(await seen(site, 'alice', 'bob'), granted('Projets', 'Projets/2024', 'Neuf', 'Projets/Neuf'));
      await does(site, 'alice', `SETACL INBOX ${bob} lrswipkxtea`, `SETACL Sent ${bob} lrswipkxtea`);
      t.match((await sync(site)).notices.length, 2);
      await revokeRow(site, 'alice', 'bob');
      t.match(await sync(site), { failures: [], notices: [] });
      t.strictSame(await seen(site, 'alice', 'bob'), {}, 'and a revoke');
      t.notOk(Object.values(await entries(site, 'alice')).some((there) => bob in there));
    });

    await t.test('other rights by the configuration are given', async (t) => {
      await does(site, 'alice', `SETACL Projets ${at('carol')} l`);
      t.equal((await sync(site)).notices.length, 1);
      const text = await readFile(site.configFile, 'utf8');
      await writeFile(site.configFile, `${text}\n[policy]\nrights = "lrs"\n`);
      t.match(await sync(site), { failures: [], notices: [] });
      const now = await seen(site, 'alice', 'carol');
      t.strictSame([...new Set(Object.values(now))], ['lrs']);
    });
  });
}

t.test('another program undoes each repair: three, then it is told, and again after ten minutes', async (t) => {
  const site = await started(true, 'repair');
  const undo = async (): Promise<Synced> => {
    await does(site, 'alice', `SETACL Projets ${bob} l`);
    return sync(site); // each is an engine of its own: what was done before is remembered over a restart
  };
  for (let n = 1; n <= 3; n++) {
    t.match(await undo(), { failures: [], notices: [] });
    t.equal(await bobIn(site, 'Projets'), FULL, `repair ${n}`);
  }
  const fourth = await undo();
  t.match(fourth, {
    failures: [],
    notices: [/^repaired-too-often: .*gives l in Projets.*3 times within 10 minutes.*Find/],
  });
  t.strictSame(fourth.steps, []);
  t.equal(await bobIn(site, 'Projets'), 'l');
  t.match(await site.mandat('status'), { stdout: /gives l in Projets.*Find the program/ });
  t.match(await site.mandat('explain', at('alice')), { stdout: /gives l in Projets.*Find the program/ });

  await t.test('other entries are put right meanwhile', async (t) => {
    await does(site, 'alice', `DELETEACL INBOX ${bob}`);
    t.match((await sync(site)).notices.length, 1);
    t.equal(await bobIn(site, 'INBOX'), FULL);
    t.equal(await bobIn(site, 'Projets'), 'l');
  });
  await t.test('a folder of the same name that is made anew is another', async (t) => {
    await does(site, 'alice', 'DELETE Projets/2024', 'DELETE Projets', 'CREATE Projets', `SETACL Projets ${bob} l`);
    t.match(await sync(site), { failures: [], notices: [] });
    t.equal(await bobIn(site, 'Projets'), FULL);
  });
  await t.test('a revoke takes what is left', async (t) => {
    for (let n = 0; n < 4; n++) await undo();
    await undo();
    t.equal(await bobIn(site, 'Projets'), 'l');
    await revokeRow(site, 'alice', 'bob');
    t.match(await sync(site), { failures: [], notices: [] });
    t.equal(await bobIn(site, 'Projets'), undefined);
    await grantRow(site, 'alice', 'bob');
    t.match(await sync(site), { failures: [], notices: [] }, 'and a new grant gives it, whatever was put right before');
    t.equal((await seen(site, 'alice', 'bob')).Projets, FULL);
  });
  await t.test('after ten minutes it is put right by itself', async (t) => {
    t.match((await undo()).notices.length, 1);
    const state = new Database(site.stateFile);
    const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
    state.prepare('UPDATE repairs SET at = ?').run(ago(598_000)); // but for two seconds
    state.close();
    const sidecar = await runInside(site);
    t.teardown(() => sidecar.stop());
    await sidecar.idle();
    await waitFor('it is put right', 20_000, async () => (await bobIn(site, 'Projets')) === FULL || undefined);
    await waitFor(
      'status says nothing of it',
      20_000,
      async () => !(await site.mandat('status')).stdout.includes('Find the program') || undefined,
    );
  });
});
