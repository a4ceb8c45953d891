/** Accesses such as a site of some hundred mailboxes has: sessions of a few commands each, dozens of folders, UIDs. */
import type { Access, Action } from '../../bridge/trace/access.ts';

export const KEY = Buffer.alloc(32, 7);

const DONE: readonly (readonly [Action, string])[] = [
  ['open', 'SELECT'],
  ['headers', 'UID FETCH'],
  ['read', 'UID FETCH'],
  ['read', 'UID FETCH'],
  ['flag', 'UID STORE'],
  ['search', 'UID SEARCH'],
  ['move', 'UID MOVE'],
];

/** Five in a row are of one session. */
export function madeAccess(n: number, at: number): Access {
  const session = Math.floor(n / 5);
  const owner = session % 400;
  const person = session % 150;
  const isOwner = session % 3 === 0;
  const [action, verb] = DONE[n % DONE.length] ?? ['open', 'SELECT'];
  const uid = 1000 + ((n * 7919) % 60_000);
  const messages =
    action === 'open' || action === 'search'
      ? null
      : ({ set: action === 'headers' ? `${uid}:${uid + 49}` : `${uid}`, by: 'uid', more: false } as const);
  const refused = n % 97 === 0;
  return {
    at,
    login: isOwner ? `owner${owner}@lab.test` : `delegate${person}@lab.test`,
    identifier: isOwner ? `81000000${owner}` : person === 5 ? '899700000005' : `82000000${person}`,
    relation: isOwner ? 'owner' : 'delegate',
    via: null,
    delegation: isOwner ? null : owner * 3 + 1,
    mailbox: `owner${owner}@lab.test`,
    owner: `81000000${owner}`,
    folder: ['INBOX', 'Sent', 'Archives/2026', `Patients ${n % 30}`][n % 4] ?? null,
    action,
    verb,
    answer: refused ? 'NO' : 'OK',
    said: refused ? '[NOPERM] Permission denied' : null,
    messages,
    uidValidity: null,
    target: action === 'move' ? { mailbox: 'same', folder: 'Trash', uidValidity: null, set: null } : null,
    address: `192.0.2.${person}`,
    session: `${session.toString(36).padStart(8, 'a')}GFhYKF/`,
  };
}
