/** What somebody holds by hand, beside what a grant gives. */
import t from 'tap';
import { canonical, NONE } from '../../acl/rights.ts';
import { holding, isAUsers } from '../../acl/standing-entries.ts';

const FOLDERS = [
  { name: 'INBOX', specialUse: false },
  { name: 'Sent', specialUse: true },
];
const GIVEN = canonical('lrswipkxte');
const of = (inbox: string, sent: string) => {
  const rights = new Map([
    ['INBOX', canonical(inbox)],
    ['Sent', canonical(sent)],
  ]);
  return holding(FOLDERS, (folder) => rights.get(folder) ?? NONE, GIVEN);
};

t.test('whole, partial, more', async (t) => {
  t.match(of('lrswipkxte', 'lrswipkte'), { extent: 'whole', folders: 2, of: 2, rights: canonical('lrswipkxte') });
  t.match(of('lrs', 'lrs'), { extent: 'partial' });
  t.match(of('lrswipkxte', ''), { extent: 'partial', folders: 1 });
  t.match(of('lrswipkxte', 'lrswipkxte'), { extent: 'more' }, 'Sent could be deleted');
  t.match(of('lra', ''), { extent: 'more' }, 'a is more, whatever else is missing');
});

t.test('whose entry is one person’s', async (t) => {
  for (const one of ['bob@lab.test', 'bob']) t.ok(isAUsers(one, 'alice@lab.test'), one);
  for (const one of [
    '-bob',
    '#bob',
    '$nurses',
    '!$nurses',
    'anyone',
    'authenticated',
    'owner',
    'anonymous',
    'alice@lab.test',
  ])
    t.notOk(isAUsers(one, 'alice@lab.test'), one);
});
