/** What else concerns an owner: whom to delegate to, what they answer for, what happened in their mailbox, where notices go. R3, R18 to R23. */
import * as z from 'zod';
import { historyOf, MOST_HISTORY } from '../../acting/history.ts';
import { mailboxContactOf, setMailboxContact } from '../../acting/mailbox-contact.ts';
import { RPPS_PORTAL, searchPeople } from '../../acting/people.ts';
import { RESPONSIBILITY, RESPONSIBILITY_VERSION } from '../../acting/responsibility.ts';
import { address } from '../../acting/typed.ts';
import { type Operation, operation } from './operation.ts';
import { cursorOf, readCursor } from './paging.ts';
import { QuestionProblem } from './problem.ts';
import * as schemas from './schemas.ts';

const none = z.object({});
const ofMailbox = z.object({ mailbox: schemas.mailbox });

export const MAILBOX_OPERATIONS: readonly Operation[] = [
  operation({
    id: 'searchPeople',
    method: 'get',
    path: '/people',
    summary: 'Finds a professional in the directory: at least two criteria, or a full identifier; the first 50',
    as: ['owner', 'admin'],
    params: none,
    query: schemas.criteria,
    body: undefined,
    status: 200,
    answer: schemas.people,
    run: async ({ acting, query }) => {
      const { people, total } = await searchPeople(acting, query);
      return { people: [...people], total, portal: RPPS_PORTAL };
    },
  }),
  operation({
    id: 'readResponsibility',
    method: 'get',
    path: '/responsibility',
    summary: "What an owner answers for with a grant, to be shown before it; 'required': a grant names its version",
    as: ['owner', 'admin', 'delegate'],
    params: none,
    query: none,
    body: undefined,
    status: 200,
    answer: schemas.responsibility,
    run: async ({ acting }) => ({
      version: RESPONSIBILITY_VERSION,
      ...RESPONSIBILITY,
      required: acting.config.grant.acknowledge,
    }),
  }),
  operation({
    id: 'readHistory',
    method: 'get',
    path: '/mailboxes/{mailbox}/history',
    summary: `Who did what in a mailbox, and what delegates sent for its owner; the last first, the last ${MOST_HISTORY} at most`,
    as: ['owner', 'admin', 'delegate'],
    params: ofMailbox,
    query: z.strictObject(schemas.page),
    body: undefined,
    status: 200,
    answer: schemas.listOf(schemas.entry),
    run: async ({ acting, params, query: { limit, cursor } }) => {
      const mailbox = address(params.mailbox);
      const { until, skip } = placeIn(cursor);
      const all = await historyOf(acting, { mailbox, until, limit: MOST_HISTORY });
      const newest = [...all].reverse();
      const items = newest.slice(skip, skip + limit);
      const more = newest.length > skip + limit;
      return { items, next: more ? cursorOf(`${until ?? newest[0]?.at} ${skip + limit}`) : null };
    },
  }),
  operation({
    id: 'readMailboxContact',
    method: 'get',
    path: '/mailboxes/{mailbox}/contact',
    summary: "The owner's second address for notices, outside the mailbox",
    as: ['owner', 'admin', 'delegate'],
    params: ofMailbox,
    query: none,
    body: undefined,
    status: 200,
    answer: schemas.contact,
    run: ({ acting, params }) => mailboxContactOf(acting, address(params.mailbox)),
  }),
  operation({
    id: 'setMailboxContact',
    method: 'put',
    path: '/mailboxes/{mailbox}/contact',
    summary: 'Changes it; null takes it away, what is left out stays',
    as: ['owner', 'admin', 'delegate'],
    params: ofMailbox,
    query: none,
    body: schemas.contactChange,
    status: 200,
    answer: schemas.contact,
    run: ({ acting, params, body }) => {
      const change = {
        ...(body.language === undefined ? {} : { language: body.language }),
        ...(body.address === undefined ? {} : { address: body.address === null ? null : address(body.address) }),
      };
      return setMailboxContact(acting, address(params.mailbox), change);
    },
    current: ({ acting, params }) => mailboxContactOf(acting, address(params.mailbox)),
  }),
];

/** Up to an instant, and how many of it were told already: the trail only grows at its end. */
function placeIn(cursor: string | undefined): { readonly until: string | undefined; readonly skip: number } {
  if (cursor === undefined) return { until: undefined, skip: 0 };
  const [, until, skip] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\d{1,5})$/.exec(readCursor(cursor)) ?? [];
  if (until === undefined) throw new QuestionProblem(422, 'BAD_CURSOR', 'this cursor is not one that a page has named');
  return { until, skip: Number(skip) };
}
