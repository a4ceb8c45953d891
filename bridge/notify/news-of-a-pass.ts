/**
 * What has become of a mailbox's delegations, for those whom it concerns. It is found out before the outcome is recorded, and written
 * with it, in one transaction: a crash loses none of it and doubles none. What the guard holds isn't told as revoked, nor is what a
 * table from the past doesn't hold. R9, R24, A4.
 */
import type { Transaction } from 'kysely';
import type { Instant } from '../../acl/delegation-facts.ts';
import { type Told, tidings } from '../../acl/notice-events.ts';
import type { Pass } from '../reconcile/pass.ts';
import { withdrawn } from '../safeguards/withdrawn.ts';
import { setOwnerContact } from '../store/state/contacts.ts';
import { fact } from '../store/state/facts.ts';
import { forget, remember, type ToldRow, toldOf } from '../store/state/last-notified.ts';
import { enqueue } from '../store/state/outbox.ts';
import type { StateDatabase } from '../store/state/state-db.ts';
import type { News, Row, Rows, Subject } from './news.ts';
import { addressed } from './recipients.ts';

/** Writes it, in the transaction that records the outcome. */
export type Tell = (query: Transaction<StateDatabase>) => Promise<void>;

/** Undefined where there is nothing to write. */
export async function telling(pass: Pass, now: Instant): Promise<Tell | undefined> {
  const { state, noticeRules: rules } = pass.site;
  if (pass.mailbox.movedTo !== undefined) return undefined; // its new server tells what becomes of it
  if ((await withdrawn(state))?.quiet === true) return undefined; // nor remembered: its end is no news either
  const before = new Map((await toldOf(state, pass.mailboxId)).map((row) => [row.delegationId, row]));
  const rows = standing(pass);
  const waiting = strangersOf(pass);
  const news: News[] = [];
  const keep: ToldRow[] = [];
  const drop: number[] = [];
  const from = [...rows.keys()].every((id) => before.has(id)) ? 0 : Number((await fact(state, 'told-from')) ?? 0);
  const upTo = rules === undefined || rules.endingDays === 0 ? null : daysAfter(now, rules.endingDays);
  for (const [id, { subject, row }] of rows) {
    const told = before.get(id);
    // Ids are given anew after a table from the past was put back.
    const known = told?.delegateId === subject.delegateId ? told : undefined;
    const outcome = tidings(known ?? (id <= from ? asIfTold(row) : undefined), row, upTo);
    if (outcome.told !== undefined && differs(known, { ...outcome.told, login: subject.login })) {
      keep.push({ ...subject, ...outcome.told });
    }
    if (outcome.tidings.length > 0) news.push({ subject, tidings: outcome.tidings, row });
  }
  for (const told of before.values()) {
    if (rows.get(told.delegationId)?.subject.delegateId === told.delegateId) continue;
    if (waiting.has(told.delegationId)) continue;
    if (pass.held.has(told.login) || !pass.mayGive) continue;
    const outcome = tidings(told, undefined, null);
    if (outcome.tidings.length > 0) news.push({ subject: told, tidings: outcome.tidings, row: undefined });
    if (!rows.has(told.delegationId)) drop.push(told.delegationId);
  }
  const notices = rules === undefined || news.length === 0 ? [] : await addressed(pass, rules, news, rows, now);
  // With a mailbox goes what its owner gave for it.
  const ends = pass.mailbox.rows === undefined && pass.mayGive && pass.held.size === 0;
  if (drop.length + keep.length + notices.length === 0 && !ends) return undefined;
  return async (query) => {
    await forget({ query }, drop);
    for (const row of keep) await remember({ query }, row);
    if (rules !== undefined) await enqueue({ query }, notices, now, rules.domain);
    if (ends) await setOwnerContact({ query }, pass.mailboxId, { address: null, language: null });
  };
}

/** Delegations that were to be given and are not yet, since the delegate's login isn't proven: told of when it is. */
function strangersOf({ mailbox: { rows }, strangers }: Pass): ReadonlySet<number> {
  return new Set([...strangers].flatMap((login) => rows?.delegationIds.get(login) ?? []));
}

/** The delegations of the table by their ids, but for those that a table from the past would give and isn't allowed to. */
function standing({ mailbox, mailboxId, desired, strangers }: Pass): Rows {
  const { rows } = mailbox;
  const found = new Map<number, { subject: Subject; row: Row }>();
  for (const { delegate, startsAt, endsAt } of rows?.delegations ?? []) {
    const { login, credentialValidUntil } = delegate;
    const granted = rows?.granted.get(login);
    const delegationId = rows?.delegationIds.get(login);
    const withheld = desired.withheld.find((one) => one.login === login);
    const given = desired.delegates.some((one) => one.login === login) && !strangers.has(login);
    if (rows === undefined || granted === undefined || delegationId === undefined || !(given || withheld)) continue;
    const delegateId = rows.delegateIds.get(login) ?? 0;
    const { person, createdBy } = granted;
    found.set(delegationId, {
      subject: { delegationId, mailboxId, delegateId, address: rows.address, login, person },
      row: {
        verdict: withheld === undefined ? { inForce: true } : { inForce: false, why: withheld.why },
        startsAt,
        endsAt,
        credentialValidUntil,
        createdBy,
      },
    });
  }
  return found;
}

/** One that was there before anybody was told of any: only what becomes of it is news. */
function asIfTold({ verdict }: Row): Told {
  return verdict.inForce
    ? { standing: 'in-force', why: null, ending: null }
    : { standing: 'withheld', why: verdict.why, ending: null };
}

function differs(
  known: ToldRow | undefined,
  { standing, why, ending, login }: Pick<ToldRow, 'standing' | 'why' | 'ending' | 'login'>,
): boolean {
  if (known === undefined) return true;
  return known.standing !== standing || known.why !== why || known.ending !== ending || known.login !== login;
}

const DAY_MS = 86_400_000;
const daysAfter = (now: Instant, days: number) => new Date(Date.parse(now) + days * DAY_MS).toISOString();
