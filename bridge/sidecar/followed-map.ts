/**
 * While a sidecar stands by, its own Postfix is asked who may send all the same: the map beside it follows what the one that works has done, as the
 * ledger and the trail tell it, so that it is right when this one takes over. Nothing else is written meanwhile.
 */
import type { Logger } from 'pino';
import { desired, type SenderRule } from '../../acl/desired.ts';
import type { Config } from '../../config/schema.ts';
import { policyOf } from '../configured/site-policy.ts';
import { openState, openTable } from '../configured/stores.ts';
import { withdrawStale } from '../reconcile/first-phase.ts';
import { inEffect } from '../safeguards/withdrawn.ts';
import { openSenders, socketmapOf } from '../sender/configured-outputs.ts';
import type { Senders } from '../sender/outputs.ts';
import { startSocketmap } from '../sender/socketmap.ts';
import { failureOf } from '../shared/failure.ts';
import { giveBack, PORTION_ROWS } from '../shared/portions.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { pairsOf, standingFirst } from '../store/state/ledger-pairs.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { tablePortions, unknownAmong } from '../store/state/swept-mailboxes.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { readMailbox } from '../store/table/rows.ts';
import type { Meanwhile } from './standing-by.ts';

/** By which the trail tells that a sender rule may have come or gone. */
const TOLD = ['publish', 'withdraw', 'in-force', 'withdrawn', 'ended'];

/** Without [sender_rules] there is nothing to follow. */
export function followedMap(log: Logger): Meanwhile {
  return async (config) => {
    if (config.senderRules === undefined) return async () => {};
    const files = dataFiles(config.dataDir);
    const table = await openTable(config, { readonly: true });
    const state = await openState(config, { readonly: true });
    const senders = openSenders(config, files, () => {});
    const place = socketmapOf(config, files);
    const socketmap = place && (await startSocketmap(place));
    const follow = following(config, { table, state, senders });
    let trouble = '';
    const failed = (error: unknown) => {
      const { code, message, hint } = failureOf(error);
      if (message !== trouble) log.warn({ code, hint }, `the sender map can't follow: ${message}`);
      trouble = message;
    };
    let leaving = false;
    const round = follow.round(() => leaving).catch(failed);
    let last: Promise<void> = Promise.resolve();
    const look = () => {
      last = last.then(follow.news).catch(failed);
      return last;
    };
    const timer = setInterval(() => void look(), config.schedule.pollIntervalMs);
    return async (how) => {
      clearInterval(timer);
      if (how === 'take over') {
        await round;
        await look();
      }
      leaving = true;
      await round;
      await last;
      await socketmap?.close();
      senders?.close();
      await table.close();
      await state.close();
    };
  };
}

interface Ground {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly senders: Senders | undefined;
}

function following(config: Config, { table, state, senders }: Ground) {
  let seen: number | undefined;
  const bring = async (mailboxId: number): Promise<void> => {
    await senders?.publish(mailboxId, await rulesOf(config, { table, state, senders }, mailboxId));
  };
  const end = async () => {
    const row = await state.query
      .selectFrom('audit')
      .select(({ fn }) => fn.max('id').as('id'))
      .executeTakeFirst();
    return row?.id ?? 0;
  };
  const clearAway = () => withdrawStale(senders, (ids) => unknownAmong(table, state, ids));
  return {
    /** All there is, once. */
    round: async (leaving: () => boolean): Promise<void> => {
      seen ??= await end();
      await clearAway();
      for await (const ids of tablePortions(table)) {
        for (const id of ids) {
          if (leaving()) return;
          await bring(id);
        }
        await giveBack();
      }
    },
    /** What has been done since. */
    news: async (): Promise<void> => {
      for (seen ??= await end(); ; ) {
        const rows = await state.query
          .selectFrom('audit')
          .select(['id', 'mailbox', 'action'])
          .where('id', '>', seen)
          .orderBy('id')
          .limit(PORTION_ROWS)
          .execute();
        const addresses = [
          ...new Set(rows.flatMap(({ mailbox, action }) => (TOLD.includes(action) ? (mailbox ?? []) : []))),
        ];
        const there = await table.query
          .selectFrom('mailboxes')
          .select(['id', 'address'])
          .where('address', 'in', addresses)
          .execute();
        for (const { id } of there) await bring(id);
        if (there.length < addresses.length) await clearAway();
        seen = rows.at(-1)?.id ?? seen;
        if (rows.length < PORTION_ROWS) return;
        await giveBack();
      }
    },
  };
}

/** Of those who are in force by the ledger, the rules that the table wants; of whom the guard holds, theirs. The owner's own always. */
async function rulesOf(
  config: Config,
  { table, state, senders }: Ground,
  mailboxId: number,
): Promise<readonly SenderRule[]> {
  const { rows, server } = await readMailbox(table, mailboxId);
  const pairs = await pairsOf(state, mailboxId);
  if (server !== config.server.name && pairs.every((pair) => pair.server !== config.server.name)) return [];
  const standing = new Set(
    pairs.filter(({ phase }) => phase === 'in-force' || phase === 'verified').map(({ login }) => login),
  );
  const policy = await inEffect(policyOf(config), state);
  if (rows === undefined) return (senders?.rules(mailboxId) ?? []).filter(({ login }) => standing.has(login));
  const held = [...standing].filter((login) => !rows.delegateIds.has(login));
  const want = desired(rows, policy, new Date().toISOString(), standingFirst(pairs), held).senders;
  return want.filter(({ login }) => login === rows.login || standing.has(login));
}
