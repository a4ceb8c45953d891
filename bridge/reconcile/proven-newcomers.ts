/**
 * Who is about to arrive is asked for first: their login must open their own account before anything is written for them. An entry for a
 * name that the server knows otherwise, or not at all, would be nobody's, until somebody comes who is called so. What is taken away waits
 * for none of this.
 */

import { naming } from '../shared/other-login.ts';
import { giveBack, portions } from '../shared/portions.ts';
import { asDelegate } from './delegate-sessions.ts';
import type { Gate } from './login-turns.ts';
import type { Pass, Target } from './pass.ts';

/** Many mailboxes are often granted to one delegate at once. */
const REMEMBERED_MS = 10_000;

/** So many log in at a time for one mailbox: what is more would keep a revoke from the server's processor. */
const AT_ONCE = 3;

/** Of each login the proof that was begun last: whether it is one, and when it was, by the clock of `performance.now`. */
const proofs = new WeakMap<Gate, Map<string, { readonly proven: Promise<boolean>; at: number }>>();

/** Notes in the pass who could not be proven, and why. Never rejects. */
export async function proveNewcomers(pass: Pass, work: readonly Target[]): Promise<void> {
  await giveBack(); // whoever is logged in as the owner goes first
  const logins = new Set(work.flatMap(({ arriving }) => arriving.map(({ login }) => login)));
  for (const some of portions([...logins], AT_ONCE)) {
    await pass.letBy();
    await Promise.all(some.map((login) => proveNewcomer(pass, login)));
  }
}

async function proveNewcomer(pass: Pass, login: string): Promise<void> {
  const { gate, cutter, policy } = pass.site;
  const known = proofs.get(gate) ?? new Map<string, { readonly proven: Promise<boolean>; at: number }>();
  proofs.set(gate, known);
  for (const [one, { at }] of known) {
    if (performance.now() - at < REMEMBERED_MS) break;
    known.delete(one); // the oldest first: no more are kept than count
  }
  // Another mailbox's pass may be at it just now.
  if (await known.get(login)?.proven) return;
  let tell = (_proven: boolean) => {};
  const proof = {
    proven: new Promise<boolean>((resolve) => {
      tell = resolve;
    }),
    at: performance.now(),
  };
  known.delete(login);
  known.set(login, proof);
  let proven = false;
  try {
    await asDelegate(pass, login, async () => {}, cutter !== undefined && policy.cutAtGrant);
    proven = true;
  } catch (error) {
    pass.strangers.add(login);
    pass.failures.push(naming(error, `mandat delegate set ${pass.identifiers.get(login) ?? login}`));
  } finally {
    if (!proven && known.get(login) === proof) known.delete(login);
    tell(proven);
  }
}
