import t from 'tap';
import { entryName, provesOwner } from '../../acl/entry-name.ts';
import { negativeEntries } from '../../acl/entry-plan.ts';
import { deciding, lettingIn, named, withInherited } from '../../acl/foreign-entries.ts';
import { otherEntries } from '../../acl/other-entries.ts';
import { canonical } from '../../acl/rights.ts';

const FULL = canonical('lrswipkxte');
const acl = (entries: Record<string, string>) =>
  new Map(Object.entries(entries).map(([identifier, rights]) => [identifier, canonical(rights)]));

t.test('an identifier, taken apart', async (t) => {
  const table: readonly (readonly [string, boolean, boolean, string, string])[] = [
    ['bob', false, false, 'user', 'bob'],
    ['-bob', true, false, 'user', 'bob'],
    ['#bob', false, true, 'user', 'bob'],
    ['-#bob', true, true, 'user', 'bob'],
    ['anyone', false, false, 'everybody', 'anyone'],
    ['#authenticated', false, true, 'everybody', 'authenticated'],
    ['$nurses', false, false, 'group', 'nurses'],
    ['-$nurses', true, false, 'group', 'nurses'],
    ['!$nurses', false, false, 'override', 'nurses'],
    ['-#!$nurses', true, true, 'override', 'nurses'],
    ['!bob', false, false, 'user', '!bob'],
    ['', false, false, 'user', ''],
    ['#a\nb', false, true, 'user', 'a\nb'],
  ];
  for (const [identifier, negative, sites, whom, name] of table)
    t.same(entryName(identifier), { negative, sites, whom, name }, JSON.stringify(identifier));
});

t.test('whose session it is', async (t) => {
  const proves = (inbox: Record<string, string>) => provesOwner(acl(inbox), 'alice', 'bridge');
  t.ok(proves({ alice: 'lra' }), "the owner's own entry");
  t.ok(proves({ '#alice': 'lra', bob: 'lr' }), 'a line for owners in the global file');
  t.ok(proves({ alice: 'lra', '#bridge': 'lr' }), 'the master user may look everywhere, by the site');
  t.notOk(proves({ alice: 'lr' }), 'without a: anybody may have that');
  t.notOk(proves({ '-alice': 'lra', '-#alice': 'a' }));
  t.notOk(
    proves({ '#bridge': 'lra', '#alice': 'lra' }),
    "the administrator's own INBOX, and a line for alice everywhere",
  );
  t.notOk(proves({ bridge: 'lr', '#alice': 'lra' }));
  t.notOk(proves({ '#bridge': 'lra' }), "the administrator's own");
  t.notOk(proves({ '!alice': 'a', $alice: 'a', '#$alice': 'a' }), 'a group of that name');
});

t.test('which entries decide', async (t) => {
  const decide = (entries: Record<string, string>, seen: string, own = FULL) =>
    deciding(acl(entries), 'bob', own, canonical(seen));
  const table: readonly (readonly [Record<string, string>, string, readonly string[], string])[] = [
    [{ bob: FULL, '-bob': 'w' }, 'lrsipkxte', ['-bob'], 'a negative one for them'],
    [{ bob: FULL, '-bob': FULL }, '', ['-bob'], 'for everything'],
    [{ bob: FULL, '-#anyone': 'e' }, 'lrswipkxt', ['-#anyone'], "the site's, for everybody"],
    [{ bob: FULL, '-$nurses': 'e', '-bob': 'w' }, 'lrsipkxt', ['-$nurses', '-bob'], 'two together'],
    [{ bob: FULL, '-$nurses': 'e', '-bob': 'w' }, 'lrsipkxte', ['-bob'], 'not a member of the group'],
    [{ bob: FULL, '!$nurses': 'lr' }, 'lr', ['!$nurses'], 'group-override beats their own'],
    [{ bob: FULL, '#!$nurses': 'lra' }, 'lra', ['#!$nurses'], "the site's likewise, and gives more"],
    [{ bob: FULL, '#anyone': 'lr' }, 'lr', ['#anyone'], "the site's beat every local one"],
    [{ bob: FULL, '#bob': 'lr', '#anyone': 'l' }, 'lr', ['#bob'], 'which of several'],
    [{ bob: FULL, '!$nurses': 'lrw', '-bob': 'w' }, 'lr', ['!$nurses', '-bob'], 'what a group gives, lessened'],
    [{ bob: FULL, '#bob': FULL }, FULL, [], 'nothing to explain'],
    [{ bob: FULL, '!$nurses': 'lr' }, '', [], 'of a group they are not in: something else'],
    [{ bob: FULL, $nurses: 'lr', anyone: 'lr' }, 'lr', [], 'weaker ones decide nothing'],
    [{ bob: FULL, '-carol': 'w', '#carol': 'lr' }, 'lr', [], "other people's"],
    [{ bob: FULL }, '', [], 'no entry at all'],
  ];
  for (const [entries, seen, names, why] of table) t.same(decide(entries, seen), names, why);
});

t.test('who lets somebody in', async (t) => {
  const there = acl({ alice: 'lra', $nurses: 'lr', '#anyone': 'l', '-bob': 'r', carol: 'lr', '#!$staff': 'i' });
  t.same(lettingIn(there, 'bob', canonical('lr')), ['$nurses', '#anyone']);
  t.same(lettingIn(acl({ bob: 'lr' }), 'bob', canonical('lr')), [], 'not their own');
  const both = withInherited(acl({ bob: 'l' }), acl({ bob: 'lr', $nurses: 'lr' }));
  t.same([...both], [...acl({ bob: 'l', $nurses: 'lr' })], "the folder's own before INBOX's");
  t.same([...withInherited(undefined, undefined)], []);
});

t.test('as they are named', async (t) => {
  t.equal(named(['-bob']), 'foreign entry: "-bob"');
  t.match(named(['#anyone', '-bob']), /^foreign entry: "#anyone, -bob" \(the site's, /);
});

t.test("the site's entries count among other people's; the owner's do not", async (t) => {
  const inbox = acl({
    '#alice': 'lra',
    '#anyone': 'lr',
    '#bob': 'lr',
    bob: FULL,
    '-#anyone': 'l',
    '#owner': 'lra',
    '#!$n': 'i',
  });
  t.same(
    otherEntries([inbox], 'alice', new Set(['bob'])).map(({ identifier }) => identifier),
    ['#anyone', '#bob'],
    "what the site gives a delegate isn't mandat's",
  );
});

t.test('negative entries, the site among them', async (t) => {
  const there = ['-bob', '-#bob', '-#anyone', '-authenticated', '-$nurses', '-#carol', '#bob'];
  t.same(negativeEntries(there, 'bob'), ['-bob', '-#bob', '-#anyone', '-authenticated']);
});
