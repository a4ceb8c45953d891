/** Somebody else changed what we had set: found and mended by the next pass, and other people's entries stay. */
import t, { type Test } from 'tap';
import { runInside, sync, verify } from './inside.ts';
import { forgetRepairs, grantRow, named, VARIANTS } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entries, granted, seen, sharedName, withLogin } from './wire.ts';

const bob = at('bob');
const FOLDERS = ['Projets', 'Projets/2024'];

/** What the owner does by hand, and why it matters. */
const DRIFTS: readonly (readonly [string, readonly string[]])[] = [
  ['INBOX: the entry gone', [`DELETEACL INBOX ${bob}`]],
  ['INBOX: less', [`SETACL INBOX ${bob} lr`]],
  ['INBOX: the right to share on', [`SETACL INBOX ${bob} lrswipkxtea`]],
  ['INBOX: an entry without a right', [`SETACL INBOX ${bob} ""`]],
  ['a folder: less', [`SETACL Projets ${bob} l`]],
  ['a folder: hidden', [`SETACL Projets ${bob} ""`]],
  ['a folder: the right to share on', [`SETACL Projets/2024 ${bob} lrswipkxtea`]],
  ['Sent: may be deleted', [`SETACL Sent ${bob} lrswipkxte`]],
  [
    'every entry gone',
    ['INBOX', 'Sent', 'Drafts', 'Junk', 'Trash', ...FOLDERS].map((name) => `DELETEACL ${name} ${bob}`),
  ],
];

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol', 'dave'], postfix: false });
    t.teardown(() => site.stop());
    await does(site, 'alice', ...FOLDERS.map((folder) => `CREATE ${folder}`));
    await does(site, 'alice', `SETACL Projets ${at('dave')} lrs`, `SETACL Sent "-${at('dave')}" l`);
    await site.register('alice', 'bob', 'carol');
    await grantRow(site, 'alice', 'bob', 'carol');
    await sync(site);
    const right = await entries(site, 'alice');
    for (const [what, lines] of DRIFTS) {
      await t.test(what, async (t) => {
        await does(site, 'alice', ...lines);
        forgetRepairs(site); // each is another's doing: the same entry would be left after three
        t.not((await verify(site)).length, 0, 'verify sees it');
        t.match(await sync(site), { failures: [], notices: [] });
        t.strictSame(await seen(site, 'alice', 'bob'), granted(...FOLDERS), 'they have what they should again');
        t.same(await verify(site), []);
        t.same(other(await entries(site, 'alice')), other(right), "and other people's entries stay");
      });
    }
    await t.test('a folder that nobody told us of', (t) => handedOver(t, site));
    await t.test('somebody who keeps them out', (t) => keptOut(t, site));
  });
}

function other(all: Awaited<ReturnType<typeof entries>>) {
  return Object.entries(all).map(([folder, there]) => [folder, { ...there, [bob]: undefined }]);
}

/** `mandat sync` beside a running sidecar has it do the work. */
async function handedOver(t: Test, site: Site): Promise<void> {
  const sidecar = await runInside(site);
  await sidecar.idle();
  await does(site, 'alice', 'CREATE Neuf', 'CREATE Neuf/Dessous', `SETACL Sent ${bob} l`);
  t.match(await site.mandat('sync', at('alice')), { status: 0, stdout: /sidecar/, stderr: '' });
  t.strictSame(await seen(site, 'alice', 'bob'), granted(...FOLDERS, 'Neuf', 'Neuf/Dessous'));
  await sidecar.stop();
}

async function keptOut(t: Test, site: Site): Promise<void> {
  await does(site, 'alice', `SETACL Neuf "-${bob}" r`);
  const before = await entries(site, 'alice');
  t.match(await sync(site), { failures: [], notices: [/^blocked-by-foreign-entry: .*-bob@lab\.test.*Neuf/] });
  t.match((await entries(site, 'alice')).Neuf, before.Neuf, 'it is reported, not removed');
  await withLogin(site, 'bob', async (imap) => {
    t.equal((await imap.command(`SELECT ${sharedName('alice', 'Neuf')}`)).status, 'NO', 'and true');
  });
  t.match(await site.mandat('sync'), { status: 0, stderr: /-bob@lab\.test/ });
  t.match(await site.mandat('status'), { stdout: /-bob@lab\.test/ });
  t.match(await site.mandat('verify'), { status: 1, stdout: /bob@lab\.test: Neuf/ });
  await does(site, 'alice', `DELETEACL Neuf "-${bob}"`);
  t.match(await sync(site), { failures: [], notices: [] });
  t.match(await seen(site, 'alice', 'bob'), granted('Neuf'));
}
