/**
 * Other people's entries on real servers: a delegate who was given `a` passes the mailbox on; it is taken from them, and whom they let in
 * stays and is named everywhere, the revoke's answer and notice included.
 */
import t from 'tap';
import { listNotices } from '../../bridge/store/state/outbox.ts';
import { openStateDb } from '../../bridge/store/state/state-db.ts';
import { must } from '../cli/desk.ts';
import { at, type Site, startSite } from './site.ts';
import { granted, seen } from './wire.ts';

let site: Site;
t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob', 'carol', 'dan', 'erin'],
    extraToml: `[notices]\nport = 1\ntls = "none"\nfrom = "${at('alice')}"\n`,
  });
  await site.register('alice', 'bob', 'dan');
});
t.teardown(() => site?.stop());

const json = async (...args: string[]) => JSON.parse((await site.mandat('--json', ...args)).stdout);
const PAIR = [at('alice'), at('bob')] as const;
const CAROL = /carol@lab\.test may lr in 1 folder, by an entry that isn't mandat's, seen since \d/;

/** Subjects and data of the notices to the owner, of one kind. */
async function toOwner(kind: string) {
  const state = openStateDb(site.stateFile);
  const all = await listNotices(state).finally(() => state.close());
  return all.filter((one) => one.kind === kind && one.part === 'owner');
}

t.test('a delegate who administers passes it on', async (t) => {
  await must(site.mandat('grant', ...PAIR));
  t.notMatch(await json('verify'), { others: [{}] });
  const alice = await site.login('alice');
  t.equal((await alice.command(`SETACL INBOX ${at('bob')} +a`)).status, 'OK');
  const bob = await site.login('bob');
  t.equal((await bob.command(`SETACL shared/${at('alice')} ${at('carol')} lr`)).status, 'OK');
  const carol = await site.login('carol');
  t.equal((await carol.command(`EXAMINE shared/${at('alice')}`)).status, 'OK', 'the third is in');

  t.match(
    (await site.mandat('verify')).stdout,
    /carol@lab\.test may lr in 1 folder, .*not seen by mandat before/,
    'seen before any pass',
  );
  await must(site.mandat('sync'));
  t.same(await seen(site, 'alice', 'bob'), granted(), 'no `a` any more');
  t.match(await bob.command(`SETACL shared/${at('alice')} ${at('erin')} lr`), { status: /NO|BYE/ });

  const trail = (await json('audit', '--mailbox', at('alice'))) as {
    action: string;
    delegate: string;
  }[];
  t.match(
    trail.filter(({ action }) => action === 'administer-taken' || action === 'other-entry'),
    [
      { action: 'other-entry', detail: /carol@lab.test.*"lr"/ },
      { action: 'administer-taken', delegate: at('bob'), detail: /INBOX/ },
    ],
  );
  t.match(await toOwner('administer'), [
    { subject: at('alice'), data: { identifier: at('bob'), others: at('carol') } },
  ]);
  await must(site.mandat('sync'));
  t.equal((await toOwner('administer')).length, 1, 'told once');
});

t.test('named everywhere while the delegation goes on', async (t) => {
  t.match((await must(site.mandat('verify'))).stdout, CAROL);
  t.match((await must(site.mandat('who', at('alice')))).stdout, CAROL);
  t.match((await must(site.mandat('explain', at('alice')))).stdout, CAROL);
  t.match((await site.mandat('status')).stdout, /others' access +1 entry that mandat didn't make, at 1 mailbox/);
  t.match(await json('status'), { otherEntries: { entries: 1, mailboxes: 1 } });
});

t.test('and by the revoke and after it', async (t) => {
  const revoked = await must(site.mandat('revoke', ...PAIR, '--yes'));
  t.match(revoked.stdout, /see nothing any more.*\n {2}who still has access:\n {4}carol@lab\.test may lr/);
  t.match(await toOwner('revoke'), [{ data: { others: at('carol') } }]);
  const carol = await site.login('carol');
  t.equal((await carol.command(`EXAMINE shared/${at('alice')}`)).status, 'OK', 'her entry stays');
  for (const words of [['verify'], ['verify', at('alice')], ['who', at('alice')], ['explain', at('alice')]])
    t.match((await must(site.mandat(...words))).stdout, CAROL, words.join(' '));
  t.match(await json('verify'), {
    others: [{ mailbox: at('alice'), identifier: at('carol'), rights: 'lr', folders: 1 }],
  });
  t.match(await json('who', at('alice')), { access: [], others: [{ identifier: at('carol') }] });
  t.match(await json('explain', at('alice')), [{ mailbox: at('alice'), others: [{ identifier: at('carol') }] }]);
  t.match((await site.mandat('status')).stdout, /others' access +1 entry/);
});

t.test('what stood there before a grant is such an entry again after it; gone ones are forgotten', async (t) => {
  const alice = await site.login('alice');
  for (const command of [
    `SETACL INBOX ${at('dan')} lr`,
    `DELETEACL INBOX ${at('carol')}`,
    'SETACL INBOX $nurses lr',
    `SETACL INBOX -${at('erin')} r`,
    `SETACL INBOX ${at('erin')} i`,
  ])
    t.equal((await alice.command(command)).status, 'OK', command);
  await must(site.mandat('grant', at('alice'), at('dan')));
  t.match(await json('who', at('alice')), { others: [{ identifier: '$nurses' }] }, 'theirs is ours now');
  const revoked = await json('revoke', at('alice'), at('dan'), '--yes');
  t.same(
    revoked.others.map(({ identifier }: { identifier: string }) => identifier),
    ['$nurses', at('dan')],
  );
  t.match((await toOwner('revoke')).at(-1), { data: { others: `$nurses, ${at('dan')}` } });
  for (const identifier of ['$nurses', at('dan')])
    t.equal((await alice.command(`DELETEACL INBOX ${identifier}`)).status, 'OK');
  await must(site.mandat('sync'));
  t.match(await json('status'), { otherEntries: { entries: 0 } });
  const gone = (await json('audit', '--mailbox', at('alice'))) as { action: string }[];
  t.equal(gone.filter(({ action }) => action === 'other-entry-gone').length, 3);
});

t.test('an identifier may hold anything: it does not reach the terminal as it is', async (t) => {
  const alice = await site.login('alice');
  t.equal((await alice.command('SETACL INBOX "eve\u202e@lab.test" lr')).status, 'OK');
  await must(site.mandat('grant', ...PAIR));
  for (const words of [['verify'], ['who', at('alice')], ['explain', at('alice')]]) {
    const { stdout } = await must(site.mandat(...words));
    t.match(stdout, /eve\ufffd@lab\.test may lr/, words.join(' '));
    t.notMatch(stdout, /\u202e/);
  }
});
