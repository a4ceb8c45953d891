/** A delegate's account: `me`, or the identifier of whom an administrator acts for. R38 to R45, R50 to R53, R56. */
import * as z from 'zod';
import {
  type AccountView,
  acceptTerms,
  accountOf,
  activateAccount,
  askForContact,
  cancelAccountRequest,
  confirmAccount,
  refuseMails,
} from '../../acting/accounts.ts';
import type { Acting } from '../../acting/site.ts';
import { type Operation, operation } from './operation.ts';
import { QuestionProblem } from './problem.ts';
import * as schemas from './schemas.ts';

const none = z.object({});
const ofAccount = z.object({ delegate: schemas.delegate.meta({ description: '`me`, or an identifier' }) });

/** What all of these have in common. */
const own = { as: ['delegate', 'admin', 'owner'], params: ofAccount, query: none, status: 200 } as const;

export const ACCOUNT_OPERATIONS: readonly Operation[] = [
  operation({
    ...own,
    id: 'readAccount',
    method: 'get',
    path: '/accounts/{delegate}',
    summary: 'Who a delegate is, how they are reached, what they accepted, what has been delegated to them',
    body: undefined,
    answer: schemas.account,
    run: async ({ acting, params }) => accountSeen(await accountOf(acting, whose(acting, params))),
  }),
  operation({
    ...own,
    id: 'activateAccount',
    method: 'post',
    path: '/accounts/{delegate}/activation',
    summary: 'Asks for an account to be activated: a code is mailed to the address',
    body: schemas.activation,
    answer: schemas.codeAsked,
    run: async ({ acting, params, body }) => ({
      ...(await activateAccount(acting, whose(acting, params), body)),
      changed: true,
    }),
  }),
  operation({
    ...own,
    id: 'setAccountContact',
    method: 'put',
    path: '/accounts/{delegate}/contact',
    summary: 'Asks for another contact address: a code is mailed to it, and the old one hears of it',
    body: schemas.contactAsked,
    answer: schemas.codeAsked,
    run: async ({ acting, params, body }) => {
      const delegate = whose(acting, params);
      const asked = await askForContact(acting, delegate, body);
      if (asked !== null) return { ...asked, changed: true };
      const { holder, account } = await accountOf(acting, delegate);
      return { delegate: holder.identifier, contact: account.contact ?? '', until: null, changed: false };
    },
  }),
  operation({
    ...own,
    id: 'confirmAccount',
    method: 'post',
    path: '/accounts/{delegate}/confirmation',
    summary: 'The code that was mailed: the address counts, and the account is active',
    body: schemas.code,
    answer: schemas.confirmed,
    run: ({ acting, params, body }) => confirmAccount(acting, whose(acting, params), body.code),
  }),
  operation({
    ...own,
    id: 'cancelAccountRequest',
    method: 'delete',
    path: '/accounts/{delegate}/request',
    summary: 'Forgets the address that waits to be confirmed; everything stays as it was',
    body: undefined,
    answer: schemas.cancelled,
    run: ({ acting, params }) => cancelAccountRequest(acting, whose(acting, params)),
  }),
  operation({
    ...own,
    id: 'acceptTerms',
    method: 'post',
    path: '/accounts/{delegate}/terms',
    summary: 'Accepts a new version of the terms of use',
    body: schemas.termsVersion,
    answer: schemas.termsAccepted,
    run: ({ acting, params, body }) => acceptTerms(acting, whose(acting, params), body.version),
  }),
  operation({
    ...own,
    id: 'setOptOuts',
    method: 'put',
    path: '/accounts/{delegate}/opt-outs',
    summary: "Refuses mails that aren't about their delegations, or no longer; what is left out stays",
    body: schemas.optOuts,
    answer: schemas.refused,
    run: async ({ acting, params, body }) => {
      const delegate = whose(acting, params);
      for (const what of ['surveys', 'newsletters'] as const) {
        const refuses = body[what];
        if (refuses !== undefined) await refuseMails(acting, delegate, what, refuses);
      }
      const { account } = await accountOf(acting, delegate);
      return { surveys: account.refusesSurveys, newsletters: account.refusesNewsletters };
    },
    current: async ({ acting, params }) => {
      const { account } = await accountOf(acting, whose(acting, params));
      return { surveys: account.refusesSurveys, newsletters: account.refusesNewsletters };
    },
  }),
];

function whose({ actor }: Acting, { delegate }: z.output<typeof ofAccount>): string {
  if (delegate !== 'me') return delegate;
  if (actor.kind !== 'admin') return actor.identifier;
  throw new QuestionProblem(422, 'WHICH_DELEGATE', 'an administrator names whose account: an identifier, not "me"');
}

function accountSeen({ holder, identity, account, waiting, terms }: AccountView): z.input<typeof schemas.account> {
  return {
    ...identity,
    login: holder.login,
    state: holder.state,
    since: holder.stateSince,
    contact: account.contact,
    contactSince: account.contactSince,
    language: account.language,
    waiting,
    accepted: holder.termsVersion === null ? null : { version: holder.termsVersion, at: holder.termsAt },
    terms,
    refuses: { surveys: account.refusesSurveys, newsletters: account.refusesNewsletters },
    ownMailbox: holder.ownMailbox,
    delegated: [...holder.delegated],
  };
}
