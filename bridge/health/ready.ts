/** Whether the sidecar can do its work now: its databases are read, and the servers were seen. It says what it knows, and of when. */
import { sql } from 'kysely';
import { failureOf } from '../shared/failure.ts';
import { fact } from '../store/state/facts.ts';
import { filtersSeen } from '../submission/last-filter.ts';
import type { Known } from './contact.ts';
import type { Part } from './pulse.ts';
import type { Sight } from './sight.ts';
import type { StandsBy } from './signs.ts';

export interface Check extends Part {
  /** How old what is told is; 0: seen just now. */
  readonly ageSeconds: number;
}

/** A stand-by: ready to take over. What it doesn't look at it says nothing of. */
export function readyToTakeOver({ told, ok }: StandsBy): readonly Check[] {
  return [{ name: 'turn', ok, told, ageSeconds: 0 }];
}

/** `sight`: undefined while nothing is open. Never rejects. */
export async function readiness(
  sight: Sight | undefined,
  imap: Known | undefined,
  now: number = Date.now(),
): Promise<readonly Check[]> {
  const databases = await databasesRead(sight);
  const filter = sight === undefined || !databases.ok ? [] : await filterRuns(sight);
  return [databases, serverSeen(imap, now), ...filter];
}

async function databasesRead(sight: Sight | undefined): Promise<Check> {
  const name = 'databases';
  if (sight === undefined) return { name, ok: false, told: 'they are being opened', ageSeconds: 0 };
  try {
    await sql`SELECT max(id) FROM mailboxes`.execute(sight.table.query);
    await fact(sight.state, 'sidecar');
    return { name, ok: true, told: 'read', ageSeconds: 0 };
  } catch (error) {
    return { name, ok: false, told: `can't be read (${failureOf(error).code}): the log says more`, ageSeconds: 0 };
  }
}

function serverSeen(imap: Known | undefined, now: number): Check {
  const name = 'imap';
  if (imap === undefined) return { name, ok: false, told: 'the server was not spoken to yet', ageSeconds: 0 };
  const ageSeconds = Math.max(0, Math.round((now - imap.at) / 1000));
  if (!imap.up) return { name, ok: false, told: 'the server could not be reached: the log says more', ageSeconds };
  const told = imap.refused ? "the server takes no login by mandat's own name and password" : 'the server answered';
  return { name, ok: !imap.refused, told, ageSeconds };
}

/** Without it nobody can submit mail. */
async function filterRuns({ state, config }: Sight): Promise<readonly Check[]> {
  if (config().submission === undefined) return [];
  const filters = await filtersSeen(state, config()).catch(() => []);
  const ok = filters.some(({ runs }) => runs);
  return [{ name: 'submission filter', ok, told: ok ? 'runs' : 'is not running', ageSeconds: 0 }];
}
