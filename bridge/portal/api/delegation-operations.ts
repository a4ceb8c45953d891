/** Mailboxes and their delegations: listing, granting, suspending, resuming, revoking, and what has become of it. R1, R4, R14 to R17, R47 to R49. */
import * as z from 'zod';
import type { OwnedMailbox, SeenDelegation } from '../../acting/delegation-states.ts';
import {
  type Changed,
  delegationOf,
  delegationsOf,
  grantDelegation,
  mailboxesOf,
  resumeDelegation,
  revokeDelegation,
  suspendDelegation,
} from '../../acting/delegations.ts';
import { mayDelegate } from '../../acting/permitted.ts';
import { progressOf } from '../../acting/progress.ts';
import type { Acting } from '../../acting/site.ts';
import { address, instant } from '../../acting/typed.ts';
import { noSuchDelegation } from '../../store/table/delegations.ts';
import type { Language } from '../context.ts';
import { toldOf } from '../pages/owner/follow.ts';
import { wordsIn } from '../pages/words/words.ts';
import { NO_TIME } from './errors.ts';
import { type Operation, operation } from './operation.ts';
import { cursorOf, pageOf, readCursor } from './paging.ts';
import { QuestionProblem } from './problem.ts';
import * as schemas from './schemas.ts';

const none = z.object({});
const ofMailbox = z.object({ mailbox: schemas.mailbox });
const ofPair = z.object({ mailbox: schemas.mailbox, delegate: schemas.delegate });
const paged = z.strictObject(schemas.page);

export const DELEGATION_OPERATIONS: readonly Operation[] = [
  operation({
    id: 'listMailboxes',
    method: 'get',
    path: '/mailboxes',
    summary: "An owner's mailboxes; to an administrator all, or those whose address has these letters",
    as: ['owner', 'admin', 'delegate'],
    params: none,
    query: z.strictObject({ ...schemas.page, part: z.string().max(100).optional() }),
    body: undefined,
    status: 200,
    answer: schemas.listOf(schemas.ownedMailbox),
    run: async ({ acting, query: { limit, cursor, part } }) => {
      const after = cursor === undefined ? undefined : readCursor(cursor);
      const found = await mailboxesOf(acting, { part, after, limit });
      const last = found.at(-1);
      return { items: found.map(mailboxSeen), next: found.length === limit && last ? cursorOf(last.address) : null };
    },
  }),
  operation({
    id: 'listDelegations',
    method: 'get',
    path: '/delegations',
    summary: 'What was delegated to whoever asks, or by them; an administrator names a delegate',
    as: ['delegate', 'owner', 'admin'],
    params: none,
    query: z.strictObject({ ...schemas.page, delegate: schemas.delegate.optional() }),
    body: undefined,
    status: 200,
    answer: schemas.listOf(schemas.delegation),
    run: async ({ acting, query: { delegate, ...page } }) => {
      if (acting.actor.kind === 'admin' && delegate === undefined) {
        throw new QuestionProblem(
          422,
          'WHICH_DELEGATE',
          'an administrator names a delegate, or a mailbox at /mailboxes',
        );
      }
      const found = (await delegationsOf(acting, { delegate })).map(delegationSeen);
      return pageOf(found, (one) => `${one.mailbox} ${one.delegate.identifier}`, page);
    },
  }),
  operation({
    id: 'listMailboxDelegations',
    method: 'get',
    path: '/mailboxes/{mailbox}/delegations',
    summary: 'The delegations of a mailbox, by identifier',
    as: ['owner', 'admin', 'delegate'],
    params: ofMailbox,
    query: paged,
    body: undefined,
    status: 200,
    answer: schemas.listOf(schemas.delegation),
    run: async ({ acting, params, query }) => {
      const mailbox = address(params.mailbox);
      await acting.table((db) => mayDelegate(acting, db, [mailbox]));
      const found = (await delegationsOf(acting, { mailbox })).map(delegationSeen);
      return pageOf(found, (one) => one.delegate.identifier, query);
    },
  }),
  operation({
    id: 'grantDelegation',
    method: 'post',
    path: '/mailboxes/{mailbox}/delegations',
    summary: 'Delegates a mailbox; whoever the directory lists becomes a delegate by it',
    as: ['owner', 'admin', 'delegate'],
    params: ofMailbox,
    query: none,
    body: schemas.grant,
    status: 201,
    answer: schemas.change,
    run: async ({ acting, params, body, language }) => {
      const { timezone } = acting.config.policy;
      const startsAt = time(body.startsAt, 'start', timezone, 'startsAt');
      const endsAt = time(body.endsAt, 'end', timezone, 'endsAt');
      const changed = await grantDelegation(acting, { ...body, mailbox: address(params.mailbox), startsAt, endsAt });
      return changeMade(language, changed);
    },
    location: ({ mailbox, delegate }) => placeOf(mailbox, delegate),
  }),
  operation({
    id: 'readDelegation',
    method: 'get',
    path: '/mailboxes/{mailbox}/delegations/{delegate}',
    summary: 'One delegation',
    as: ['owner', 'admin', 'delegate'],
    params: ofPair,
    query: none,
    body: undefined,
    status: 200,
    answer: schemas.delegation,
    run: async ({ acting, params }) => {
      const found = await oneOf(acting, params);
      if (found === undefined) throw noSuchDelegation(params.mailbox, params.delegate);
      return found;
    },
  }),
  operation({
    id: 'revokeDelegation',
    method: 'delete',
    path: '/mailboxes/{mailbox}/delegations/{delegate}',
    summary: 'Ends a delegation for good: access, sending and open sessions, at once',
    as: ['owner', 'admin', 'delegate'],
    params: ofPair,
    query: none,
    body: undefined,
    status: 200,
    answer: schemas.change,
    run: async ({ acting, params, language }) => changeMade(language, await revokeDelegation(acting, pairOf(params))),
    current: ({ acting, params }) => oneOf(acting, params),
  }),
  ...(['suspend', 'resume'] as const).map((verb) =>
    operation({
      id: `${verb}Delegation`,
      method: 'post',
      path: `/mailboxes/{mailbox}/delegations/{delegate}/${verb}`,
      summary:
        verb === 'suspend'
          ? 'Takes a delegation out of force for a time: the row stays, access and sending end at once'
          : 'Puts a suspended delegation in force again',
      as: ['owner', 'admin', 'delegate'],
      params: ofPair,
      query: none,
      body: undefined,
      status: 200,
      answer: schemas.change,
      run: async ({ acting, params, language }) =>
        changeMade(language, await (verb === 'suspend' ? suspendDelegation : resumeDelegation)(acting, pairOf(params))),
      current: ({ acting, params }) => oneOf(acting, params),
    }),
  ),
  operation({
    id: 'readProgress',
    method: 'get',
    path: '/mailboxes/{mailbox}/delegations/{delegate}/progress',
    summary: 'What has become of a change: waiting, in force, verified',
    as: ['owner', 'admin', 'delegate'],
    params: ofPair,
    query: z.strictObject({
      verb: z.enum(['grant', 'revoke', 'suspend', 'resume']),
      version: z.coerce.number().int().min(0),
    }),
    body: undefined,
    status: 200,
    answer: schemas.progress,
    run: async ({ acting, params, query, language }) => {
      const progress = await progressOf(acting, { ...pairOf(params), ...query });
      const { withheld, failure, notices, ...rest } = progress;
      return {
        ...rest,
        text: toldOf(wordsIn(language), query, progress).text,
        withheld: withheldIn(language, withheld),
        failure: failure && { code: failure.code, retryAt: failure.retryAt },
        notices: notices.map(({ code, login }) => ({ code, login })),
      };
    },
  }),
];

const pairOf = ({ mailbox, delegate }: z.output<typeof ofPair>) => ({ mailbox: address(mailbox), delegate });

async function oneOf(acting: Acting, params: z.output<typeof ofPair>) {
  const pair = pairOf(params);
  const { delegate } = await delegationOf(acting, pair);
  const [found] = await delegationsOf(acting, { mailbox: pair.mailbox, delegate: delegate.identifier });
  return found && delegationSeen(found);
}

/** Times are typed as at the command line; what is wrong with one is the question's mistake. */
function time(typed: string | undefined, edge: 'start' | 'end', timezone: string, at: string): string | undefined {
  if (typed === undefined) return undefined;
  try {
    return instant(typed, edge, timezone, at);
  } catch (error) {
    const message = error instanceof Error ? error.message : at;
    throw new QuestionProblem(422, 'BAD_QUESTION', message, { errors: [{ at: `body.${at}`, message: NO_TIME }] });
  }
}

const placeOf = (mailbox: string, delegate: string) =>
  `/mailboxes/${encodeURIComponent(mailbox)}/delegations/${encodeURIComponent(delegate)}`;

function withheldIn(language: Language, withheld: Changed['withheld']) {
  const { reasons } = wordsIn('fr').codes;
  return withheld.map(({ why, sentence }) => ({ why, sentence: language === 'fr' ? reasons[why] : sentence }));
}

function changeMade(
  language: Language,
  { verb, mailbox, delegate, written, withheld }: Changed,
): z.input<typeof schemas.change> {
  const { version, unchanged = false } = written;
  return {
    verb,
    mailbox,
    delegate,
    unchanged,
    version,
    withheld: withheldIn(language, withheld),
    progress: `/api/v1${placeOf(mailbox, delegate)}/progress?verb=${verb}&version=${version}`,
  };
}

function mailboxSeen({ address: at, owner, kind, delegates, limit, closed }: OwnedMailbox) {
  return { address: at, owner, kind, delegates, limit, closed };
}

function delegationSeen(one: SeenDelegation): z.input<typeof schemas.delegation> {
  const { identifier, login, firstName, lastName, profession } = one.delegate;
  const { state, reason, createdAt, createdBy, startsAt, endsAt, inForceSince, verified, suspended, note, sendMode } =
    one;
  return {
    mailbox: one.mailbox.address,
    delegate: { identifier, login, firstName, lastName, profession },
    ...{ state, reason, createdAt, createdBy, startsAt, endsAt, inForceSince, verified, suspended, note, sendMode },
  };
}
