/**
 * The sender rules in the site's PostgreSQL, for every Postfix that asks there (config/postfix/mandat-pgsql.cf): the rules of this server's mailboxes as
 * the map has them. Unlike the other outputs it isn't made anew as a whole: there may be a million rules, and those of other servers beside them.
 */
import type { SenderRule } from '../../acl/desired.ts';
import { PORTION_ROWS } from '../shared/portions.ts';
import { SENDER_VIEW, type SharedRules } from '../store/postgres/sender-rules.ts';
import type { Behind } from '../store/published/copied-map.ts';
import type { PublishedMap } from '../store/published/sender-map.ts';
import type { SenderOutput } from './outputs.ts';

const NAME = `the view ${SENDER_VIEW} in PostgreSQL`;

export function postgresRules(map: PublishedMap, shared: SharedRules): SenderOutput {
  let agreed = false;
  const before = map.copied.behind(Number.MAX_SAFE_INTEGER); // of an earlier process
  return {
    name: NAME,
    follow: async () => {
      if (!agreed) await agree(map, shared, before);
      agreed = true;
      await catchUp(map, shared);
    },
  };
}

/** Where it is configured no more: what nobody keeps up to date would let people send who have been revoked since. */
export function noPostgresRules(shared: SharedRules): SenderOutput {
  let seen = false;
  return {
    name: NAME,
    follow: async () => {
      if (!seen && (await shared.copyOf()) !== undefined) await shared.withdraw();
      seen = true;
    },
  };
}

async function catchUp(map: PublishedMap, shared: SharedRules): Promise<void> {
  for (;;) {
    const behind = map.copied.behind(PORTION_ROWS);
    if (behind.length === 0) return;
    await shared.make(behind.map(({ mailboxId }) => ({ mailboxId, rules: map.rules(mailboxId) })));
    map.copied.has(behind);
  }
}

/** From then on it is known which mailboxes the one has and the other hasn't. */
async function agree(map: PublishedMap, shared: SharedRules, before: readonly Behind[]): Promise<void> {
  const id = map.copied.id();
  const of = await shared.copyOf();
  if (of === id) return;
  if (of === undefined) await copyAll(map, shared);
  else {
    // This server's sidecar has worked elsewhere since, beside another map: what that one published is what holds.
    map.copied.has(before);
    await takeOver(map, shared);
  }
  await shared.setCopyOf(id);
}

/** Whatever is known of who has what: every rule of this server's as the map has it, and no other. */
export async function copyAll(map: Pick<PublishedMap, 'mailboxIds' | 'rules'>, shared: SharedRules): Promise<void> {
  await everyMailbox(map.mailboxIds, async (ids) =>
    shared.make(ids.map((mailboxId) => ({ mailboxId, rules: map.rules(mailboxId) }))),
  );
  await everyMailbox(shared.mailboxIds, async (ids) => {
    const strange = ids.filter((mailboxId) => map.rules(mailboxId).length === 0);
    if (strange.length > 0) await shared.make(strange.map((mailboxId) => ({ mailboxId, rules: [] })));
  });
}

async function takeOver(map: PublishedMap, shared: SharedRules): Promise<void> {
  const own = async (ids: readonly number[]) => {
    for (const { mailboxId, rules } of await shared.of(ids)) makeOwn(map, mailboxId, rules);
  };
  await everyMailbox(map.mailboxIds, own);
  await everyMailbox(shared.mailboxIds, own);
}

/** But what has been published here meanwhile is newer. */
function makeOwn(map: PublishedMap, mailboxId: number, rules: readonly SenderRule[]): void {
  if (!map.copied.isBehind(mailboxId)) map.publish(mailboxId, rules);
}

async function everyMailbox(
  page: (after: number, most: number) => readonly number[] | Promise<readonly number[]>,
  work: (ids: readonly number[]) => Promise<void>,
): Promise<void> {
  for (let after = 0; ; ) {
    const ids = await page(after, PORTION_ROWS);
    if (ids.length > 0) await work(ids);
    after = ids.at(-1) ?? after;
    if (ids.length < PORTION_ROWS) return;
  }
}
