/** Who acts: --as, or the user at the keyboard as an admin. R3, R53. */
import { userInfo } from 'node:os';
import type { Actor } from '../acl/actor.ts';
import type { Identity } from '../bridge/acting/identity.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { shown } from './arguments.ts';

const HINT = 'write owner:ID, delegate:ID or admin:NAME';

/** `typed` as given behind --as. Fails as wrong usage. */
export function readActor(typed: string | undefined, identity: Identity): Actor {
  if (typed === undefined) return { kind: 'admin', name: keyboard() };
  const [, kind, name = ''] = /^(owner|delegate|admin):(.*)$/s.exec(typed) ?? [];
  if (kind === 'admin') {
    if (!/^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u.test(name)) {
      throw new Failure('config', `--as ${shown(typed)}: this is no name`, 'letters, digits and . _ @ + -, at most 64');
    }
    return { kind, name };
  }
  if (kind === 'owner' || kind === 'delegate') return { kind, identifier: identity.find(name) };
  throw new Failure('config', `--as ${shown(typed)}: this is nobody`, HINT);
}

/** Behind sudo it isn't root. */
export function keyboard(): string {
  return process.env.SUDO_USER || userInfo().username;
}
