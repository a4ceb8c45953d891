/** Which logins are tried, and which fail at once as one before them did. */
import t from 'tap';
import { CREDENTIALS_REFUSED, openLoginGuard } from '../../bridge/imap/login-guard.ts';
import { Failure, failureOf } from '../../bridge/shared/failure.ts';

const refused = () => new Failure('config', 'refused', 'check the password', { rule: 'LOGIN_REFUSED' });
const absent = () => new Failure('absent', 'no account', 'make one', { rule: 'NO_ACCOUNT' });
const silent = () => new Failure('retry', 'silent');

/** A server on which `answers` says what becomes of a login, and a clock that the test moves. */
function bench(answers: (login: string) => Failure | undefined) {
  let at = 0;
  let stamp = 'first';
  const tried: string[] = [];
  const guard = openLoginGuard({ soonMs: 1000, laterMs: 100_000, stamp: () => stamp, now: () => at });
  return {
    guard,
    tried,
    pass: (ms: number) => {
      at += ms;
    },
    renew: () => {
      stamp = 'second';
    },
    /** The rule of the failure, `in` where there was none. */
    login: async (login: string) => {
      try {
        return await guard.attempt(login, async () => {
          tried.push(login);
          const failure = answers(login);
          if (failure !== undefined) throw failure;
          return 'in';
        });
      } catch (error) {
        return failureOf(error).rule ?? failureOf(error).code;
      }
    },
  };
}

t.test('the password is refused: two find out, one tries for all', async (t) => {
  const b = bench(refused);
  t.equal(await b.login('alice'), 'LOGIN_REFUSED');
  t.equal(await b.login('bob'), CREDENTIALS_REFUSED);
  for (const login of ['carol', 'dave', 'alice', 'bob']) t.equal(await b.login(login), CREDENTIALS_REFUSED);
  t.same(b.tried, ['alice', 'bob']);
  b.pass(1000);
  for (const login of ['carol', 'dave', 'alice']) t.equal(await b.login(login), CREDENTIALS_REFUSED);
  t.same(b.tried, ['alice', 'bob', 'carol'], 'once more soon');
  b.pass(99_999);
  t.equal(await b.login('alice'), CREDENTIALS_REFUSED);
  t.equal(b.tried.length, 3, 'then seldom');
  b.pass(1);
  t.equal(await b.login('alice'), CREDENTIALS_REFUSED);
  t.equal(b.tried.length, 4);
});

t.test('all at once: one after the other, until it is known', async (t) => {
  const b = bench(refused);
  const all = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(b.login));
  t.same(all, ['LOGIN_REFUSED', ...Array(4).fill(CREDENTIALS_REFUSED)]);
  t.same(b.tried, ['a', 'b']);
  const known = bench((login) => (login === 'ghost' ? absent() : undefined));
  await known.login('alice');
  t.same(await Promise.all(Array(5).fill('ghost').map(known.login)), Array(5).fill('NO_ACCOUNT'));
  t.same(known.tried, ['alice', 'ghost'], 'an account that is not there, too, is asked for once');
});

t.test('what mends it', async (t) => {
  for (const [what, mend] of [
    ['another password', (b: ReturnType<typeof bench>) => b.renew()],
    [
      'news, a while after the last attempt',
      (b: ReturnType<typeof bench>) => {
        b.pass(10_000);
        b.guard.invite();
      },
    ],
  ] as const) {
    let right = false;
    const b = bench(() => (right ? undefined : refused()));
    for (const login of ['alice', 'bob', 'carol']) await b.login(login);
    b.pass(1000);
    await b.login('alice');
    right = true;
    b.guard.invite();
    t.equal(await b.login('carol'), CREDENTIALS_REFUSED, 'news right after the last attempt come to nothing');
    mend(b);
    t.equal(await b.login('carol'), 'in', what);
    for (const login of ['alice', 'bob', 'dave']) t.equal(await b.login(login), 'in');
  }
});

t.test('strangers that are refused keep nobody out who has been in', async (t) => {
  const b = bench((login) => (login.startsWith('stranger') ? refused() : undefined));
  t.equal(await b.login('alice'), 'in');
  for (const login of ['stranger1', 'stranger2', 'stranger3']) await b.login(login);
  t.equal(await b.login('alice'), 'in');
  t.equal(await b.login('bob'), 'in', 'and their trouble is their own from then on');
});

t.test('who had been in is refused, and so is the next: the password has changed on the server', async (t) => {
  let right = true;
  const b = bench(() => (right ? undefined : refused()));
  for (const login of ['alice', 'bob', 'carol']) await b.login(login);
  right = false;
  t.equal(await b.login('alice'), 'LOGIN_REFUSED');
  t.equal(await b.login('bob'), CREDENTIALS_REFUSED);
  t.equal(await b.login('carol'), CREDENTIALS_REFUSED);
  t.equal(b.tried.length, 5);
});

t.test('an account that is not there is asked for again after a moment', async (t) => {
  let there = false;
  const b = bench((login) => (login === 'ghost' && !there ? absent() : undefined));
  t.equal(await b.login('ghost'), 'NO_ACCOUNT');
  t.equal(await b.login('ghost'), 'NO_ACCOUNT');
  t.equal(await b.login('alice'), 'in');
  t.same(b.tried, ['ghost', 'alice']);
  there = true;
  b.pass(1000);
  t.equal(await b.login('ghost'), 'in');
});

t.test('a server that can not be reached says nothing of the password', async (t) => {
  const b = bench(silent);
  for (const login of ['alice', 'bob', 'carol', 'alice']) t.equal(await b.login(login), 'retry');
  t.equal(b.tried.length, 4);
});

t.test('a login that hangs keeps nobody else for long', async (t) => {
  const guard = openLoginGuard({ soonMs: 1000, laterMs: 1000, stamp: () => '' });
  let answer: (value: string) => void = () => {};
  const hanging = guard.attempt('alice', () => new Promise<string>((resolve) => (answer = resolve)));
  t.equal(await guard.attempt('bob', async () => 'in'), 'in');
  answer('late');
  t.equal(await hanging, 'late');
});
