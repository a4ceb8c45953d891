/** Whose mailbox a hint may be about: by the name that a delegate has for an owner's folder, whatever the prefix and the separator are. */
import t from 'tap';
import { concerned } from '../../bridge/events/concerned.ts';
import { beginGrant } from '../../bridge/store/state/ledger.ts';
import { freshState } from '../store/fresh.ts';

const OWNERS = ['alice@lab.test', 'carol@lab.test', 'carol@other.test', 'erin', 'jean.luc@lab.test', 'Zoe@lab.test'];

t.test('found by the ledger', async (t) => {
  const state = await freshState(t);
  for (const [n, ownerLogin] of OWNERS.entries()) {
    const of = { mailboxId: n + 1, delegateId: 1, address: `m${n}`, server: 'main', ownerLogin, login: 'bob@lab.test' };
    await beginGrant(
      state,
      { ...of, inboxBefore: undefined, foldersBefore: [], given: [] },
      '2026-11-29T03:00:00.000Z',
    );
  }
  const ids = async (user: string, ...folders: string[]) =>
    [...(await concerned(state, 'main', { user, folders }))].sort().map((id) => OWNERS[id - 1]);
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['alice@lab.test', ['Projets'], ['alice@lab.test']],
    ['ALICE@lab.test', ['Projets'], ['alice@lab.test']],
    ['erin', [], ['erin']],
    ['bob@lab.test', ['shared/alice@lab.test/Projets'], ['alice@lab.test']],
    ['bob@lab.test', ['INBOX.shared.alice@lab.test.Projets'], []],
    ['bob@lab.test', ['INBOX.shared.erin.Projets'], ['erin']],
    ['bob@lab.test', ['user^erin^x'], ['erin']],
    ['bob@lab.test', ['shared/carol/Projets'], ['carol@lab.test']],
    ['x@other.test', ['shared/carol/Projets'], ['carol@other.test']],
    ['x@third.test', ['shared/carol/Projets'], ['carol@lab.test', 'carol@other.test']],
    ['x@third.test', ['shared/other.test/carol/Projets'], ['carol@other.test']],
    ['bob@lab.test', ['shared/jean.luc/x'], ['jean.luc@lab.test']],
    ['bob@lab.test', ['shared/alice@lab.test/A', 'shared/erin/B'], ['alice@lab.test', 'erin']],
    ['bob@lab.test', ['Projets'], []],
    ['stranger@lab.test', ['shared/nobody@lab.test'], []],
    ['stranger@lab.test', [], []],
    ["' OR 1 --", ["' OR 1 --", '%', '_'], []],
    ['x', [`${'/'.repeat(5000)}erin`], []],
  ];
  for (const [user, folders, owners] of cases)
    t.strictSame(await ids(user, ...folders), owners, `${user.slice(0, 30)}: ${folders.join().slice(0, 60)}`);
  t.equal((await ids('bob@lab.test')).length, OWNERS.length, 'where no folder is told, all that the delegate has');
  t.equal((await concerned(state, 'other', { user: 'erin', folders: [] })).size, 0);
});
