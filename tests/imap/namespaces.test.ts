/** Names on both sides: what the owner's private namespace begins with is taken off, what the shared one begins with put on. */
import t from 'tap';
import { belowTheOwner, home, isAtHome, isForeign, type Namespace } from '../../bridge/imap/namespaces.ts';

const space = (prefix: string, delimiter = '/'): Namespace => ({ prefix, delimiter });

/** Own, shared, the owner as written there, and pairs of names: the owner's, the delegate's. */
const SITES: readonly (readonly [string, Namespace, Namespace, string, readonly (readonly [string, string])[]])[] = [
  [
    'no prefix',
    space(''),
    space('shared/'),
    'a@x',
    [
      ['INBOX', 'shared/a@x'],
      ['Work/Sub', 'shared/a@x/Work/Sub'],
      ['INBOX/below', 'shared/a@x/INBOX/below'],
      ['INBOX.Work', 'shared/a@x/INBOX.Work'],
    ],
  ],
  [
    'INBOX. with dots',
    space('INBOX.', '.'),
    space('shared.', '.'),
    'a',
    [
      ['INBOX', 'shared.a'],
      ['INBOX.Work.Sub', 'shared.a.Work.Sub'],
      ['INBOX.inbox', 'shared.a.inbox'],
      ['INBOX.INBOX.deep', 'shared.a.INBOX.deep'],
    ],
  ],
  [
    'dots here, slashes there',
    space('INBOX.', '.'),
    space('shared/'),
    'a@x.org',
    [
      ['INBOX', 'shared/a@x.org'],
      ['INBOX.Work.Sub', 'shared/a@x.org/Work/Sub'],
    ],
  ],
  [
    'the shared tree within the private one',
    space('INBOX/'),
    space('INBOX/others/'),
    'a@x',
    [
      ['INBOX', 'INBOX/others/a@x'],
      ['INBOX/Work', 'INBOX/others/a@x/Work'],
      ['INBOX/others-not', 'INBOX/others/a@x/others-not'],
    ],
  ],
  [
    'a prefix of another name',
    space('Mail/'),
    space('Shared/x.org/'),
    'a',
    [
      ['INBOX', 'Shared/x.org/a'],
      ['Mail/Sent', 'Shared/x.org/a/Sent'],
    ],
  ],
];

for (const [name, own, shared, written, pairs] of SITES) {
  t.test(name, async (t) => {
    const names = belowTheOwner(shared, written, { personal: [own] });
    for (const [mine, theirs] of pairs) {
      t.equal(names.nameOf(mine), theirs);
      t.equal(names.folderOf(theirs), mine);
      t.equal(isForeign(mine, { personal: [own], foreign: [shared] }), false, `${mine} is the owner's`);
      t.equal(isForeign(theirs, { personal: [own], foreign: [shared] }), true, `${theirs} is not`);
    }
    t.equal(names.folderOf(`${shared.prefix}somebody`), undefined);
    t.equal(names.folderOf(`${shared.prefix}${written}-else${shared.delimiter}Work`), undefined);
  });
}

t.test('an INBOX that is a folder of its own there', async (t) => {
  const names = belowTheOwner(space('shared/'), { owner: 'a', inbox: 'INBOX' }, { personal: [space('')] });
  t.equal(names.nameOf('INBOX'), 'shared/a/INBOX');
  t.equal(names.folderOf('shared/a/INBOX'), 'INBOX');
  t.equal(names.folderOf('shared/a'), 'INBOX', 'by its other name too');
  t.same(names.subscriptions('INBOX').toSorted(), ['shared/a', 'shared/a/INBOX']);
});

t.test('a part with what separates folders on the other side has no name there', async (t) => {
  const names = belowTheOwner(space('shared/'), 'a', { personal: [space('INBOX.', '.')] });
  t.equal(names.nameOf('INBOX.und/oder'), undefined);
  t.equal(names.folderOf('shared/a/v1.2'), undefined);
});

t.test('several private namespaces', async (t) => {
  const personal = [space('virtual/'), space('Archives/'), space('')];
  t.equal(home({ personal }).prefix, '');
  const names = belowTheOwner(space('shared/'), 'a', { personal });
  for (const name of ['Archives', 'Archives/2023', 'virtual/all']) {
    t.equal(isAtHome(name, { personal }), false, name);
    t.equal(names.nameOf(name), undefined, `${name} is not what lies below that name in the shared tree`);
  }
  for (const name of ['INBOX', 'Work', 'Archives2', 'virtually/all']) t.equal(isAtHome(name, { personal }), true, name);
  t.equal(home({ personal: [space('Old/'), space('INBOX/')] }).prefix, 'INBOX/');
});
