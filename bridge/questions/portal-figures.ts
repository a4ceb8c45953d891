/** What the portal has counted since it began, for /metrics: noted where the sidecar reads it. No figure names anybody. */
import { isHeardOf } from '../shared/heard-of.ts';
import { jsonFact, type ServerFacts, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';

export interface PortalFigures {
  readonly sessions: number;
  /** By route, as it is declared (`GET /api/v1/mailboxes/:mailbox`; `other` where nothing is), and status. */
  readonly requests: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** By what came of them. */
  readonly signIns: Readonly<Record<string, number>>;
  /** When it was last heard of: it says so once a minute. */
  readonly heard: string;
}

/** Undefined: it has ended as it should. */
export async function notePortal(state: StateDb, figures: PortalFigures | undefined): Promise<void> {
  await setJsonFact(state, 'portal', figures);
}

/** Undefined where none is there now. */
export async function portalSeen(state: ServerFacts, now: Date): Promise<PortalFigures | undefined> {
  const seen = await jsonFact<PortalFigures>(state, 'portal');
  return seen !== undefined && isHeardOf(seen.heard, now.getTime()) ? seen : undefined;
}
