/** What came of the looks that a pass left for later: recorded, unless the mailbox has changed since, or somebody sees something else. */
import { deciding } from '../configured/retrying.ts';
import type { Failure } from '../shared/failure.ts';
import { settleFolders } from '../store/state/folders-seen.ts';
import { noteVerifiedRights, recordCut, setPhase } from '../store/state/ledger.ts';
import { phasesOf } from '../store/state/ledger-pairs.ts';
import { type Notice, recordVerified } from '../store/state/outcomes.ts';
import { noteSubscribed, type Subscribed } from '../store/state/subscriptions.ts';
import { changedSince } from '../store/table/rows.ts';
import { record } from './acts.ts';
import type { Seen, Unseen } from './later-looks.ts';
import type { Result } from './mailbox.ts';
import type { LaterLook } from './pass.ts';
import type { Site } from './site.ts';

/**
 * No pass may work on the mailbox meanwhile, nor have worked on it since the one that left these looks. Undefined: it takes a pass.
 * @param beside another connection to state.db, for what is done again where a power cut takes it
 */
export async function recordLooks(
  site: Site,
  unseen: Unseen,
  seen: ReadonlyMap<LaterLook, Seen>,
  beside: Site['state'],
): Promise<Result | undefined> {
  const { mailboxId, address, version, looks } = unseen;
  if (site.stopping() || (await changedSince(site.table, mailboxId, version))) return undefined;
  const phases = await phasesOf(site.state, mailboxId);
  const arrived: LaterLook[] = [];
  const given: LaterLook[] = [];
  const subscribed = new Map<LaterLook, Subscribed>();
  const cut: LaterLook[] = [];
  const failures: Failure[] = [];
  const notices: Notice[] = [...unseen.notices];
  for (const look of looks) {
    const pair = phases.get(look.pairId);
    const phase = pair?.phase;
    const one = seen.get(look);
    if (one === undefined || one.kind === 'differs' || (phase !== 'in-force' && phase !== 'verified')) return undefined;
    if (one.kind === 'failed') failures.push(one.failure);
    else {
      if (phase === 'in-force') arrived.push(look);
      if (one.cut === true) cut.push(look);
      if (one.subscribed !== undefined) subscribed.set(look, one.subscribed);
      if (pair?.verifiedRights !== look.given) given.push(look);
      for (const message of one.outOfReach)
        if (!notices.some((told) => told.code === 'out-of-reach' && told.message === message))
          notices.push({ code: 'out-of-reach', login: look.owner, message });
    }
  }
  const acts = () => [
    ...site.acts(),
    ...cut.map(({ login }) => ({ kind: 'cut' as const, login })),
    ...[...subscribed].flatMap(([{ login, owner }, { done }]) =>
      done.map((folder) => ({ kind: 'subscribe' as const, login, owner, folder })),
    ),
  ];
  const now = site.clock.now();
  const verified = arrived.map(({ login }) => ({ action: 'verified' as const, login }));
  const ids = arrived.map(({ pairId }) => pairId);
  await (arrived.length + given.length + unseen.unsettled.size > 0 ? site.state : beside).write(async (query) => {
    for (const [{ pairId }, folders] of subscribed) await noteSubscribed({ query }, pairId, folders);
    for (const { pairId } of cut) await recordCut({ query }, pairId);
    await setPhase({ query }, ids, 'verified', now);
    for (const { pairId: id, given: rights } of given) await noteVerifiedRights({ query }, { id }, rights);
    if (failures.length === 0) {
      await recordVerified({ query, server: site.state.server }, unseen, notices, now);
      for (const owner of unseen.unsettled) await settleFolders({ query }, site.server.name, owner);
    }
    await record({ ...unseen, site: { ...site, acts } }, verified, { query });
  });
  const [first, ...others] = failures;
  if (first !== undefined) return { kind: 'failed', version, address, ...deciding([first, ...others], false) };
  return { kind: 'verified', version, address, notices };
}
