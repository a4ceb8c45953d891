/**
 * A database in PostgreSQL that is older than the one last worked with: a dump put back, or a replica that was promoted and lacks the last commits. The table and
 * what is mandat's own come from the past together, so neither tells of the other; where the audit trail ended stands beside the key, outside of them.
 * It is obeyed only where it takes access away, until somebody accepts it, as an older table in a file is (table-from-the-past.ts).
 */
import type { Instant } from '../../acl/delegation-facts.ts';
import { portions } from '../shared/portions.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { openSenderMap, senderMapExists } from '../store/published/sender-map.ts';
import { setFact } from '../store/state/facts.ts';
import { setPhase } from '../store/state/ledger.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { headFileOf, NO_HEAD, readHead, writeHead } from '../store/trail/seal-head.ts';
import { auditHead, goesOnFrom } from '../store/trail/sealing.ts';

type Where = Pick<DataFiles, 'sealKey' | 'senderDirectory'>;

/**
 * Whether it is, from now on. What it says of who has access is from the past too: whoever has no sender rule any more has been revoked since, and is on
 * their way out instead of being given it again. Without sender rules that can't be told.
 */
export async function holdShorterTrail(
  { sealKey, senderDirectory }: Where,
  key: Buffer,
  state: StateDb,
  now: Instant,
): Promise<boolean> {
  const kept = readHead(headFileOf(sealKey), key);
  if (kept.kind !== 'kept' || (await goesOnFrom(kept.head, state))) return false;
  await setFact(state, 'restored', 'held');
  await leaveWithoutRule(senderDirectory, state, now);
  return true;
}

/** Whoever has no sender rule any more is on their way out, whatever an older ledger says. */
export async function leaveWithoutRule(senderDirectory: string, state: StateDb, now: Instant): Promise<void> {
  if (!senderMapExists(senderDirectory)) return;
  const map = openSenderMap(senderDirectory, { readonly: true });
  try {
    const pairs = await state.query
      .selectFrom('ledger')
      .select(['id', 'mailbox_id as mailboxId', 'login'])
      .where('server', '=', state.server)
      .where('phase', '<>', 'revoking')
      .execute();
    const gone = pairs.filter((pair) => !map.rules(pair.mailboxId).some(({ login }) => login === pair.login));
    for (const some of portions(gone)) {
      const ids = some.map(({ id }) => id);
      await setPhase(state, ids, 'revoking', now);
    }
  } finally {
    map.close();
  }
}

/** Its end counts from now on. Returns which entry was the last one before; undefined where nothing is missing. */
export async function acceptShorterTrail({ sealKey }: Where, key: Buffer, state: StateDb): Promise<number | undefined> {
  const file = headFileOf(sealKey);
  const kept = readHead(file, key);
  if (kept.kind !== 'kept' || (await goesOnFrom(kept.head, state))) return undefined;
  writeHead(file, key, (await auditHead(state)) ?? NO_HEAD);
  return kept.head.id;
}
