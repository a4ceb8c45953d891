/** A delegate's own account, as the pages about it find it. */
import type { Context } from 'hono';
import { type AccountView, accountOf } from '../../../acting/accounts.ts';
import type { Acting } from '../../../acting/site.ts';
import type { PortalEnv } from '../../context.ts';

export interface OwnAccount {
  readonly acting: Acting;
  readonly identifier: string;
  readonly view: AccountView;
}

/** Undefined for whoever is no delegate. */
export async function ownAccount(c: Context<PortalEnv>): Promise<OwnAccount | undefined> {
  const { identifier, roles } = c.get('person');
  if (!roles.delegate) return undefined;
  const acting = c.get('acting')({ kind: 'delegate', identifier });
  return { acting, identifier, view: await accountOf(acting, identifier) };
}
