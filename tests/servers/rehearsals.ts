/** `sync --dry-run` prints exactly the steps that `sync` then performs. */
import type { Test } from 'tap';
import type { Step } from '../../bridge/reconcile/steps.ts';
import { dryRun, sync, verify } from './inside.ts';
import { grantRow, revokeRow, type Variant } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, sharedName } from './wire.ts';

export async function rehearsals(t: Test, variant: Variant): Promise<void> {
  const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol', 'dave', 'erin'], postfix: false });
  t.teardown(() => site.stop());
  await does(site, 'alice', 'CREATE Projets', 'CREATE Projets/2024', 'CREATE "Un dossier"');
  await site.register('alice', 'bob', 'carol', 'erin');
  await site.register('dave', 'bob');
  await t.test('the first grant of a site', (t) => first(t, site, variant.inherit));
  for (const [what, change] of CHANGES) {
    await t.test(what, async (t) => {
      await change(site);
      await agrees(t, site);
    });
  }
  await t.test('as the command line prints them', (t) => printed(t, site));
}

/** What happens to the site, one after the other. */
const CHANGES: readonly (readonly [string, (site: Site) => Promise<unknown>])[] = [
  ['a grant', (site) => grantRow(site, 'alice', 'bob')],
  ['a second delegate', (site) => grantRow(site, 'alice', 'carol')],
  ['nothing', async () => {}],
  [
    'folders by everybody',
    // One after the other: docs/server-notes.md, CREATE beside another session's.
    async (site) => {
      await does(site, 'alice', 'CREATE Neuf', 'CREATE Neuf/Dessous', 'CREATE Sent/2023');
      await does(site, 'bob', `CREATE "${sharedName('alice', 'Projets/De Bob')}"`);
    },
  ],
  ['a renamed tree', (site) => does(site, 'alice', 'RENAME Projets Affaires', 'DELETE "Un dossier"')],
  ['an entry taken from INBOX', (site) => does(site, 'alice', `DELETEACL INBOX ${at('bob')}`)],
  ['entries altered', (site) => does(site, 'alice', `SETACL Neuf ${at('bob')} lr`, `SETACL Sent ${at('carol')} lrx`)],
  ['INBOX altered', (site) => does(site, 'alice', `SETACL INBOX ${at('carol')} lr`)],
  ['a subscription of their own', (site) => does(site, 'bob', `UNSUBSCRIBE "${sharedName('alice', 'Neuf')}"`)],
  ['somebody else in the way', (site) => does(site, 'alice', `SETACL Neuf "-${at('bob')}" r`)],
  ['a suspension', (site) => site.sql(`UPDATE delegate SET state = 'suspended' WHERE id = '${at('bob')}'`)],
  ['entries that are not ours', (site) => does(site, 'alice', `SETACL Affaires ${at('bob')} lrs`)],
  ['a resumption', (site) => site.sql(`UPDATE delegate SET state = 'active' WHERE id = '${at('bob')}'`)],
  [
    'one leaves, one comes',
    async (site) => [await revokeRow(site, 'alice', 'bob'), await grantRow(site, 'alice', 'erin')],
  ],
  [
    'two mailboxes at once',
    async (site) => [await grantRow(site, 'dave', 'bob'), await grantRow(site, 'alice', 'bob')],
  ],
  ['the way free again', (site) => does(site, 'alice', `DELETEACL Neuf "-${at('bob')}"`)],
  ['another login', (site) => site.sql(`UPDATE delegate SET login = 'nobody@lab.test' WHERE id = '${at('erin')}'`)],
  ['a mailbox that goes', (site) => site.sql(`DELETE FROM mailbox WHERE address = '${at('dave')}'`)],
  ['the last revokes', (site) => revokeRow(site, 'alice', 'bob', 'carol', 'erin')],
];

async function agrees(t: Test, site: Site): Promise<void> {
  const said = await dryRun(site);
  const done = await sync(site);
  // Within a mailbox the order counts; between mailboxes it is the schedule's.
  const ordered = ({ steps }: Pick<typeof said, 'steps'>) => {
    const of = (name: string) =>
      steps.filter((step) => ['owner' in step && step.owner, 'address' in step && step.address].includes(at(name)));
    return [
      inAnyOrder(of('alice')),
      inAnyOrder(of('dave')),
      steps
        .filter(({ kind }) => kind === 'cut')
        .map((step) => step.login)
        .sort(),
    ];
  };
  t.same(ordered(said), ordered(done));
  t.same([...said.notices].sort(), [...done.notices].sort());
  t.same([...said.failures].sort(), [...done.failures].sort());
}

/** Entries of one person that follow one another are written several at a time: by folder, as the server's lists may be in another order next time. */
function inAnyOrder(steps: readonly Step[]): readonly Step[] {
  const runs: Step[][] = [];
  for (const step of steps) {
    const before = runs.at(-1)?.[0];
    if (isEntry(step) && before !== undefined && isEntry(before) && ofOne(step) === ofOne(before))
      runs.at(-1)?.push(step);
    else runs.push([step]);
  }
  return runs.flatMap((run) => run.sort((one, other) => (folderOf(one) < folderOf(other) ? -1 : 1)));
}

const isEntry = ({ kind }: Step) => kind === 'set-entry' || kind === 'delete-entry';
const folderOf = (step: Step) => ('folder' in step ? step.folder : '');
const ofOne = (step: Step) => JSON.stringify([step.kind, 'owner' in step && step.owner, step.login]);

/** Without an entry anywhere there is nothing to inherit, so the dry run can't know; it says so and names the larger set. */
async function first(t: Test, site: Site, inherit: boolean): Promise<void> {
  await grantRow(site, 'alice', 'bob');
  const said = await dryRun(site);
  t.match(said.notices, [/^inheritance-unknown: /]);
  const done = await sync(site);
  const unneeded = said.steps.filter(
    (step) => !done.steps.some((other) => JSON.stringify(other) === JSON.stringify(step)),
  );
  t.equal(said.steps.length - unneeded.length, done.steps.length, 'all that is done was said');
  t.same(
    unneeded.map((step) => step.kind === 'set-entry' && step.folder),
    inherit ? ['Un dossier', 'Projets', 'Projets/2024'] : [],
  );
  await revokeRow(site, 'alice', 'bob');
  await agrees(t, site);
  t.same(await verify(site), []);
}

async function printed(t: Test, site: Site): Promise<void> {
  await grantRow(site, 'alice', 'bob');
  const { stdout, status, stderr } = await site.mandat('sync', '--dry-run');
  t.match({ status, stderr }, { status: 0, stderr: '' });
  const { steps } = await sync(site);
  const lines = stdout.trimEnd().split('\n');
  t.equal(lines.length, steps.length);
  t.equal(lines[0], `SETACL INBOX ${at('bob')} lrswipkxte   as ${at('alice')}`);
  t.equal(lines[1], `let ${at('bob')} send as ${at('alice')}`);
  t.match(stdout, `SUBSCRIBE ${at('alice')}'s Sent   as ${at('bob')}\n`);
  t.equal(lines.at(-1), `end the open sessions of ${at('bob')}`);
}
