import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { identifierFault } from '../../acl/identifier.ts';
import { isAbandoned, nobodysLogin } from '../../bridge/doctor/nobodys-login.ts';
import { barrier, may, type User, userNamed, type Wish } from '../../bridge/doctor/permissions.ts';

const postfix: User = { name: 'postfix', uid: 100, gids: new Set([200, 201]) };
const root: User = { name: 'root', uid: 0, gids: new Set([0]) };

t.test('by owner, group and mode', async (t) => {
  const cases: readonly [
    user: User,
    uid: number,
    gid: number,
    mode: number,
    wish: Wish,
    allowed: boolean,
    why: string,
  ][] = [
    [postfix, 100, 9, 0o400, 'read', true, 'the owner may'],
    [postfix, 100, 200, 0o060, 'read', false, 'the owner may not, although their group may'],
    [postfix, 9, 200, 0o060, 'write', true, 'their first group'],
    [postfix, 9, 201, 0o060, 'write', true, 'another of their groups'],
    [postfix, 9, 200, 0o606, 'write', false, 'their group may not, although others may'],
    [postfix, 9, 9, 0o001, 'search', true, 'others may'],
    [postfix, 9, 9, 0o770, 'search', false, 'others may not'],
    [root, 9, 9, 0o000, 'write', true, 'root always may'],
  ];
  for (const [user, uid, gid, mode, wish, allowed, why] of cases)
    t.equal(may(user, { uid, gid, mode }, wish), allowed, why);
});

t.test('the way to a file', async (t) => {
  const top = t.testdir({});
  const inner = path.join(top, 'one/two');
  mkdirSync(inner, { recursive: true });
  const stranger: User = { name: 'stranger', uid: 54_321, gids: new Set([54_321]) };
  const file = path.join(inner, 'file');
  const first = barrier(stranger, top); // where the checkout itself is closed to strangers
  t.equal(barrier(stranger, file), first, 'open');
  chmodSync(path.join(top, 'one'), 0o700);
  t.equal(barrier(stranger, file), first ?? path.join(top, 'one'), 'closed on the way');
  t.equal(barrier(stranger, path.join(top, 'one')), first, 'what a path names is not on the way to it');
  t.equal(barrier(root, file), undefined);
});

t.test('users of the system', async (t) => {
  t.match(userNamed('root'), { name: 'root', uid: 0 });
  t.match(userNamed(0), { name: 'root', uid: 0 });
  t.equal(userNamed('no-such-user-here'), undefined);
  t.equal(userNamed('-u'), undefined, 'never an option');
});

t.test("nobody's login: never twice, a login like any other, and known for what it is when it is old", async (t) => {
  const one = nobodysLogin();
  t.not(one, nobodysLogin());
  t.equal(identifierFault(one), undefined);
  t.equal(isAbandoned(one), false, 'a doctor is at work with it');
  t.equal(isAbandoned(one, new Date(Date.now() + 3_600_000)), true);
  t.equal(isAbandoned(nobodysLogin(new Date('2059-01-01')), new Date('2059-01-02')), true, 'in years to come');
  for (const other of ['mandat-doctor-', 'mandat-doctor-house', 'mandat-doctor-0-01234567', 'alice@lab.test'])
    t.equal(isAbandoned(other), false, other);
});
