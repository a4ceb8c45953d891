/** What a server may have made of a login, and what is said then. */
import t from 'tap';
import { isAlike, naming, OtherLogin } from '../../bridge/shared/other-login.ts';

t.test('what may have been made of a login', async (t) => {
  for (const [login, made, alike] of [
    ['alice@lab.test', 'alice', true],
    ['alice', 'alice@lab.test', true],
    ['alice@lab.test', 'Alice@Lab.test', true],
    ['alice@lab.test', 'ALICE', true],
    ['alice@lab.test', 'alice@lab.test', false],
    ['alice@lab.test', 'alice@other.test', false],
    ['alice@lab.test', 'bridge', false],
    ['alice@lab.test', 'alice2', false],
  ] as const)
    t.equal(isAlike(login, made), alike, `${login}, ${made}`);
});

t.test('the command that corrects it, where one can', async (t) => {
  const command = 'mandat mailbox set alice@lab.test';
  t.match(
    naming(new OtherLogin('alice@lab.test', 'alice'), command).hint,
    /: mandat mailbox set alice@lab\.test --login alice$/,
  );
  const { message, hint } = naming(new OtherLogin('alice@lab.test', 'Alice'), command);
  t.match(message, /makes Alice of the login alice@lab\.test/);
  t.notMatch(hint, /mandat mailbox/, 'the table takes no capitals');
  t.match(hint, /auth_username_format/);
  t.equal(naming(new Error('else'), command).code, 'internal', 'anything else stays what it is');
});
