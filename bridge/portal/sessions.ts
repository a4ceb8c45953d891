/**
 * Who is signed in. Sessions are kept in memory alone, by a digest of their secret: a restart has everybody sign in again, and nothing on the
 * disk opens one. Each ends after a time without a click, after a longer one in any case, and at once when the provider says so.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Person } from './sign-in/person.ts';

export interface Session {
  readonly person: Person;
  /** For the trail and for people: no secret. */
  readonly name: string;
  /** What a form of this session must bring. */
  readonly csrf: Buffer;
  readonly idToken: string;
}

export interface Limits {
  readonly idleMs: number;
  readonly mostMs: number;
  /** Of all people, and of one: the oldest goes. */
  readonly most?: number;
  readonly mostOfOne?: number;
}

export interface Sessions {
  /** A new one; what opens it is told once, for the cookie. */
  begin(person: Person, idToken: string): { readonly cookie: string; readonly session: Session };
  /** The session goes on from now. Undefined: there is none, or no more. */
  find(cookie: string | undefined): Session | undefined;
  /** What it is called, where there is one: it goes on no longer by that. */
  named(cookie: string | undefined): string | undefined;
  end(cookie: string | undefined): Session | undefined;
  /** As the provider says: that one of its sessions, or all of that subject. Answers how many there were. */
  endBy(told: {
    readonly subject?: string | undefined;
    readonly providerSession?: string | undefined;
  }): readonly Session[];
  readonly count: number;
}

interface Kept {
  readonly session: Session;
  readonly began: number;
  used: number;
}

const MOST = 10_000;
const MOST_OF_ONE = 20;

export function openSessions(
  { idleMs, mostMs, most = MOST, mostOfOne = MOST_OF_ONE }: Limits,
  now: () => number,
): Sessions {
  const open = new Map<string, Kept>();
  const close = (key: string) => {
    const kept = open.get(key);
    open.delete(key);
    return kept?.session;
  };
  const isOver = ({ began, used }: Kept) => now() - used >= idleMs || now() - began >= mostMs;
  const sweep = () => {
    for (const [key, kept] of open) if (isOver(kept)) close(key);
  };
  const makeRoom = (identifier: string) => {
    sweep();
    const theirs = [...open].filter(([, { session }]) => session.person.identifier === identifier);
    for (const [key] of theirs.slice(0, Math.max(0, theirs.length - mostOfOne + 1))) close(key);
    for (const [key] of open) {
      if (open.size < most) return;
      close(key);
    }
  };
  return {
    begin: (person, idToken) => {
      makeRoom(person.identifier);
      const secret = randomBytes(32).toString('base64url');
      const session = { person, idToken, name: randomBytes(5).toString('hex'), csrf: randomBytes(32) };
      open.set(keyOf(secret), { session, began: now(), used: now() });
      return { cookie: `${secret}.${markOf(secret, person.identifier)}`, session };
    },
    find: (cookie) => {
      const key = keyOf(secretOf(cookie));
      const kept = open.get(key);
      if (kept === undefined) return undefined;
      if (isOver(kept)) return void close(key);
      kept.used = now();
      return kept.session;
    },
    named: (cookie) => {
      const kept = open.get(keyOf(secretOf(cookie)));
      return kept === undefined || isOver(kept) ? undefined : kept.session.name;
    },
    end: (cookie) => close(keyOf(secretOf(cookie))),
    endBy: ({ subject, providerSession }) => {
      const theirs = [...open].filter(
        ([
          ,
          {
            session: { person },
          },
        ]) => (providerSession === undefined ? person.subject === subject : person.providerSession === providerSession),
      );
      return theirs.flatMap(([key]) => close(key) ?? []);
    },
    get count() {
      sweep();
      return open.size;
    },
  };
}

/** Whether a session that has ended was this person's, told by its cookie alone: it says whose what they had typed is, and opens nothing. */
export function wasOf(cookie: string, identifier: string): boolean {
  return cookie === `${secretOf(cookie)}.${markOf(secretOf(cookie), identifier)}`;
}

const secretOf = (cookie = '') => cookie.split('.')[0] ?? '';
const keyOf = (secret: string) => createHash('sha256').update(secret).digest('base64');
const markOf = (secret: string, identifier: string) =>
  createHash('sha256').update(`${secret} ${identifier}`).digest('base64url').slice(0, 22);
