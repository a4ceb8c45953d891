/** What a Unix user may do to a file by its owner, group and mode, without being that user. ACLs beyond the modes aren't looked at. */
import { spawnSync } from 'node:child_process';
import { type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { asRoot } from '../shared/unix-user.ts';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gids: ReadonlySet<number>;
}

export type Wish = 'read' | 'write' | 'search';
const BIT: Readonly<Record<Wish, number>> = { read: 4, write: 2, search: 1 };

/** The user as the system knows them (files, LDAP, ...), by name or number; undefined when there is none. */
export function userNamed(name: string | number): User | undefined {
  const [called = '', , uid = ''] = entry('passwd', name);
  if (uid === '') return undefined;
  const groups = spawnSync('id', ['-G', '--', called], { encoding: 'utf8' });
  return { name: called, uid: Number(uid), gids: new Set(groups.stdout.trim().split(/\s+/).map(Number)) };
}

/** By one inode alone; the way to it is {@link barrier}'s. */
export function may(user: User, stat: Pick<Stats, 'uid' | 'gid' | 'mode'>, wish: Wish): boolean {
  if (user.uid === 0) return true;
  const shift = stat.uid === user.uid ? 6 : user.gids.has(stat.gid) ? 3 : 0;
  return ((stat.mode >> shift) & BIT[wish]) !== 0;
}

/** The first directory on the way to `path` that they can't pass through, or undefined. `path` itself isn't looked at. */
export function barrier(user: User, path: string): string | undefined {
  const above = dirname(resolve(path));
  const before = above === dirname(above) ? undefined : barrier(user, above);
  if (before !== undefined) return before;
  const stat = asRoot(() => statSync(above)); // which the data's owner may not even see
  return may(user, stat, 'search') ? undefined : above;
}

/** `640`, `2770`. */
export function modeOf({ mode }: Pick<Stats, 'mode'>): string {
  return (mode & 0o7777).toString(8);
}

/** `mandat:postfix`, numbers where there is no name. */
export function ownersOf({ uid, gid }: Pick<Stats, 'uid' | 'gid'>): string {
  return `${entry('passwd', uid)[0] ?? uid}:${entry('group', gid)[0] ?? gid}`;
}

const entries = new Map<string, readonly string[]>();

/** The fields of one line, none where there is none. They don't change while we look. */
function entry(database: 'passwd' | 'group', key: string | number): readonly string[] {
  const known = entries.get(`${database} ${key}`);
  if (known !== undefined) return known;
  const found = spawnSync('getent', [database, String(key)], { encoding: 'utf8' });
  const fields = found.status === 0 ? found.stdout.split(':') : [];
  entries.set(`${database} ${key}`, fields);
  return fields;
}
