/** For administrators, and for the programs that work for them. R3 */
import * as z from 'zod';
import { heldWithdrawals, letHeldGo, markOf } from '../../acting/held-waves.ts';
import { historyOf, MOST_HISTORY } from '../../acting/history.ts';
import { explained, siteStatus } from '../../acting/site-status.ts';
import type { Status } from '../../acting/status/status.ts';
import { address } from '../../acting/typed.ts';
import { type Operation, operation } from './operation.ts';
import * as schemas from './schemas.ts';

const none = z.object({});
const instant = z.iso.datetime();

const status = z.object({
  here: z.string(),
  running: z.boolean(),
  servers: z.array(
    z.object({
      server: z.string(),
      mailboxes: z.int(),
      inForce: z.int(),
      waiting: z.int(),
      failing: z.int(),
      held: z.int(),
      lastSweep: z.string().nullable(),
    }),
  ),
  paused: z.object({ since: z.string(), by: z.string(), reason: z.string().nullable(), all: z.boolean() }).nullable(),
  restored: z.boolean().meta({ description: 'The table is older than the one last seen: it gives nobody access' }),
  withdrawnSince: z.string().nullable(),
  needsSomebody: z.boolean().meta({ description: 'Something failed, is held or broken, or nobody works' }),
  own: z
    .object({
      waiting: z.int(),
      oldest: z.string().nullable(),
      lateCount: z.int(),
      late: z.array(z.object({ mailbox: z.string().nullable(), since: z.string().nullable() })),
      failing: z.int(),
      failures: z.array(
        z.object({
          mailbox: z.string(),
          code: z.string(),
          message: z.string(),
          hint: z.string(),
          attempts: z.int(),
          at: z.string(),
          retryAt: z.string().nullable(),
        }),
      ),
      noticed: z.int(),
      notices: z.array(z.object({ mailbox: z.string(), code: z.string(), login: z.string(), message: z.string() })),
      copies: z.array(
        z.object({
          mailbox: z.string(),
          count: z.int(),
          since: z.string(),
          code: z.string(),
          message: z.string(),
          queued: z.boolean(),
        }),
      ),
      outbox: z.object({
        waiting: z.int(),
        failed: z.int(),
        noAddressCount: z.int(),
        noAddress: z.array(
          z.object({ id: z.int(), kind: z.string(), subject: z.string(), mailbox: z.string().nullable() }),
        ),
      }),
      filterRuns: z.boolean().nullable().meta({ description: 'Null where no submission filter is configured' }),
      otherEntries: z.object({ entries: z.int(), mailboxes: z.int() }),
      trailBroken: z.string().nullable(),
      foreignState: z.string().nullable(),
      rulesChanged: z.array(z.object({ object: z.string(), how: z.string() })),
      nextDue: z.string().nullable(),
      lastSweep: z.string().nullable(),
    })
    .meta({ description: 'Of the mail server of this machine, as "mandat status" says it; of each list the first' }),
});

const explanation = z.object({
  mailbox: z.string(),
  identifier: z.string().nullable(),
  login: z.string(),
  inForce: z.boolean(),
  why: z.string(),
  conditions: z.array(
    z.object({
      why: z.string(),
      holds: z.boolean(),
      sentence: z.string(),
      since: z.string().nullable(),
      until: z.string().nullable(),
    }),
  ),
  phase: z.string().nullable(),
  held: z.string().nullable(),
  trouble: z.object({ code: z.string(), message: z.string() }).nullable(),
});

const shownStatus = ({ failures, outbox, filter, ...own }: Status): z.infer<typeof status>['own'] => ({
  ...{ waiting: own.waiting, oldest: own.oldest, lateCount: own.lateCount, failing: own.failing, noticed: own.noticed },
  late: own.late.map(({ mailbox, since }) => ({ mailbox, since })),
  failures: failures.map(({ version, ...one }) => one),
  notices: own.notices.map(({ mailbox, code, login, message }) => ({ mailbox, code, login, message })),
  copies: own.copies.map(({ hint, ...one }) => one),
  outbox: {
    waiting: outbox.waiting,
    failed: outbox.failed,
    noAddressCount: outbox.noAddressCount,
    noAddress: outbox.noAddress,
  },
  filterRuns: filter === null ? null : filter.running !== null,
  ...{ otherEntries: own.otherEntries, trailBroken: own.trailBroken, foreignState: own.foreignState },
  ...{ rulesChanged: own.rulesChanged, nextDue: own.nextDue, lastSweep: own.lastSweep },
});

export const ADMIN_OPERATIONS: readonly Operation[] = [
  operation({
    id: 'readStatus',
    method: 'get',
    path: '/status',
    summary: 'How the site fares, by counts: what waits, fails, is held back',
    as: ['admin'],
    params: none,
    query: none,
    body: undefined,
    status: 200,
    answer: status,
    run: async ({ acting }) => {
      const { servers, own, ...site } = await siteStatus(acting);
      const counts = servers.map(({ server, mailboxes, inForce, waiting, failing, held, lastSweep }) => ({
        ...{ server, mailboxes, inForce, waiting, failing, held, lastSweep },
      }));
      return { ...site, servers: counts, own: shownStatus(own) };
    },
  }),
  operation({
    id: 'explain',
    method: 'get',
    path: '/mailboxes/{mailbox}/explanation',
    summary: 'Why delegations are in force or not; asks the mail server',
    as: ['owner', 'admin', 'delegate'],
    params: z.object({ mailbox: schemas.mailbox }),
    query: z.strictObject({ delegate: schemas.delegate.optional() }),
    body: undefined,
    status: 200,
    answer: z.object({
      delegations: z.array(explanation),
      others: z.array(z.object({ identifier: z.string(), rights: z.string(), folders: z.int() })),
    }),
    run: async ({ acting, params, query }) => {
      const { delegations, others } = await explained(acting, address(params.mailbox), query.delegate);
      return {
        delegations: delegations.map(({ conditions, trouble, ...one }) => ({
          ...{ mailbox: one.mailbox, identifier: one.identifier, login: one.login, inForce: one.inForce, why: one.why },
          conditions: conditions.map(({ why, holds, sentence, since, until }) => ({
            why,
            holds,
            sentence,
            since,
            until,
          })),
          ...{ phase: one.phase, held: one.held },
          trouble: trouble && { code: trouble.code, message: trouble.message },
        })),
        others: others.map(({ identifier, rights, folders }) => ({ identifier, rights, folders })),
      };
    },
  }),
  operation({
    id: 'readAudit',
    method: 'get',
    path: '/audit',
    summary: `The last entries of the audit trail that match, in their order; ${MOST_HISTORY} at most`,
    as: ['admin'],
    params: none,
    query: z.strictObject({
      mailbox: schemas.mailbox.optional(),
      delegate: schemas.delegate.optional(),
      since: instant.optional(),
      limit: z.coerce.number().int().min(1).max(MOST_HISTORY).default(100),
    }),
    body: undefined,
    status: 200,
    answer: z.object({ items: z.array(schemas.entry) }),
    run: async ({ acting, query: { mailbox, since, ...rest } }) => ({
      items: [
        ...(await historyOf(acting, {
          ...rest,
          mailbox: mailbox === undefined ? undefined : address(mailbox),
          since: since === undefined ? undefined : new Date(since).toISOString(),
        })),
      ],
    }),
  }),
  operation({
    id: 'listHeld',
    method: 'get',
    path: '/held',
    summary: 'Withdrawals that the guard holds back, because so many were to go at once',
    as: ['admin'],
    params: none,
    query: none,
    body: undefined,
    status: 200,
    answer: z.object({
      items: z.array(z.object({ mailbox: z.string(), login: z.string() })),
      mark: z.string().meta({ description: 'Of just these, in a few letters: to let them go, and nobody else' }),
    }),
    run: async ({ acting }) => {
      const held = await heldWithdrawals(acting);
      return { items: [...held], mark: markOf(held) };
    },
  }),
  operation({
    id: 'letHeldGo',
    method: 'post',
    path: '/held/release',
    summary: 'Lets go what is held; seen: the mark of those that were shown',
    as: ['admin'],
    params: none,
    query: none,
    body: z.strictObject({ seen: z.string().min(1).max(100) }),
    status: 200,
    answer: z.object({ released: z.int() }),
    run: async ({ acting, body }) => ({ released: await letHeldGo(acting, body.seen) }),
  }),
];
