/** All that may be asked, in the order of openapi.json. */
import * as z from 'zod';
import { ACCOUNT_OPERATIONS } from './account-operations.ts';
import { ADMIN_OPERATIONS } from './admin-operations.ts';
import { DELEGATION_OPERATIONS } from './delegation-operations.ts';
import { MAILBOX_OPERATIONS } from './mailbox-operations.ts';
import { type Operation, operation } from './operation.ts';
import * as schemas from './schemas.ts';

export const OPERATIONS: readonly Operation[] = [
  operation({
    id: 'readMe',
    method: 'get',
    path: '/me',
    summary: 'Who asks, and what they are here',
    as: [],
    params: z.object({}),
    query: z.object({}),
    body: undefined,
    status: 200,
    answer: schemas.me,
    run: async ({ caller: { identifier, name, roles } }) => ({ identifier, name, roles }),
  }),
  ...DELEGATION_OPERATIONS,
  ...MAILBOX_OPERATIONS,
  ...ACCOUNT_OPERATIONS,
  ...ADMIN_OPERATIONS,
];
