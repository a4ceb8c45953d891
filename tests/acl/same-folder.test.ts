import t from 'tap';
import { canonical } from '../../acl/rights.ts';
import { entriesOnce, knownById } from '../../acl/same-folder.ts';

const folder = (name: string, id: string, specialUse = false) => ({ name, id, specialUse });

t.test('special by one name is special by all', async (t) => {
  const plain = [folder('INBOX', '1'), folder('Sent', '2', true)];
  t.equal(knownById(plain), plain, 'nothing to be said of folders of one name');
  const names = ['Sent', 'Sent Items', 'Envoyes'];
  t.same(knownById([folder('INBOX', '1'), ...names.map((name) => folder(name, '2', name === 'Envoyes'))]), [
    folder('INBOX', '1'),
    ...names.map((name) => ({ ...folder(name, '2', true), names })),
  ]);
  t.same(
    knownById([folder('a', '1'), folder('b', '1')]).map(({ specialUse }) => specialUse),
    [false, false],
  );
});

t.test('one folder is counted once; two of one id are two', async (t) => {
  const acl = new Map([['carol', canonical('lr')]]);
  const other = new Map([['dan', canonical('lr')]]);
  const folders = ['a', 'b', 'c'].map((name) => folder(name, name === 'c' ? '2' : '1'));
  t.same([...entriesOnce(folders, () => acl)], [acl, acl]);
  t.same([...entriesOnce(folders, (name) => (name === 'b' ? other : acl))], [acl, other, acl]);
  t.same([...entriesOnce(folders, () => undefined)].length, 2);
});
