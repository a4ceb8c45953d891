/**
 * Whether a server tells one authorization identity from another. Some ignore it and answer OK (Courier), so that one is the administrator, in
 * a mailbox whose ACL may look like anybody's. It is tried with a login that nobody has: a server that knows them apart refuses it, or
 * names it as the owner of a mailbox, or gives a session without one.
 */
import { randomBytes } from 'node:crypto';
import { INBOX } from '../reconcile/driver-interfaces.ts';
import { failureOf } from '../shared/failure.ts';
import { text } from './arguments.ts';
import type { Connection } from './connection.ts';

/** `empty`: the session has no INBOX. Whose INBOX there is elsewhere is then not this one's; whether an account is missing can't be told. */
export type Honoured = 'refused' | 'named' | 'empty' | 'ignored';

type OpenAs = (login: string) => Promise<Connection>;

/** So long one trial counts: each may be a failed login in the server's log. */
const KEPT_MS = 600_000;

const tried = new WeakMap<OpenAs, { readonly until: number; readonly honoured: Promise<Honoured> }>();

/** `like`: the login for which it is asked; the one that nobody has is in the same domain. */
export function whatNobodyGets(openNobody: OpenAs, like: string): Promise<Honoured> {
  const known = tried.get(openNobody);
  if (known !== undefined && performance.now() < known.until) return known.honoured;
  const honoured = look(openNobody, `mandat-nobody-${randomBytes(6).toString('hex')}${like.replace(/^[^@]*/, '')}`);
  tried.set(openNobody, { until: performance.now() + KEPT_MS, honoured });
  const forget = () => void tried.delete(openNobody);
  honoured.then((what) => what === 'ignored' && forget(), forget);
  return honoured;
}

async function look(openNobody: OpenAs, nobody: string): Promise<Honoured> {
  let connection: Connection;
  try {
    connection = await openNobody(nobody);
  } catch (error) {
    if (isRefusal(error)) return 'refused';
    throw error;
  }
  try {
    const reply = await connection.run('GETACL', [text(INBOX)], 'ACL');
    if (!reply.ok) return 'empty';
    const named = reply.untagged.some(({ values }) => values.slice(1).includes(nobody));
    return named ? 'named' : 'ignored';
  } finally {
    connection.close();
  }
}

/** Of this very login: not what a guard says of all. */
const isRefusal = (error: unknown) => ['NO_ACCOUNT', 'LOGIN_REFUSED'].includes(failureOf(error).rule ?? '');
