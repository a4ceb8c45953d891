/** Whose mailbox a page is about, and as whom whoever looks at it acts: its owner, or an administrator. R3, R33 */
import type { Actor } from '../../../../acl/actor.ts';
import { mailboxesOf, type OwnedMailbox } from '../../../acting/delegation-states.ts';
import type { Acting } from '../../../acting/site.ts';
import { Failure } from '../../../shared/failure.ts';
import type { PortalContext } from '../page.ts';

export interface Desk {
  readonly mailbox: OwnedMailbox;
  /** To look with. */
  readonly acting: Acting;
  /** False for an administrator who only reads. */
  readonly mayAct: boolean;
  /** An administrator acts for the owner, and says who that is. */
  readonly admin: boolean;
}

/** Undefined where it is not theirs or not there: both look the same from outside. */
export async function deskAt(c: PortalContext): Promise<Desk | undefined> {
  const address = c.req.param('mailbox') ?? '';
  const { identifier, roles } = c.get('person');
  const asks: readonly { readonly as: Actor; readonly open: boolean }[] = [
    { as: { kind: 'owner', identifier }, open: roles.owner },
    { as: { kind: 'admin', name: identifier }, open: roles.admin !== 'none' },
  ];
  for (const { as, open } of asks) {
    if (!open) continue;
    const acting = c.get('acting')(as);
    const mailbox = await mailboxNamed(acting, address);
    const admin = as.kind === 'admin';
    if (mailbox !== undefined) return { mailbox, acting, admin, mayAct: !admin || roles.admin === 'acts' };
  }
  return undefined;
}

/** Looked for behind all addresses that come before it. */
async function mailboxNamed(acting: Acting, address: string): Promise<OwnedMailbox | undefined> {
  const found = await mailboxesOf(acting, { after: address.slice(0, -1) });
  return found.find((one) => one.address === address);
}

/** Who owns it, as the table names them. */
export const ownerIdentifier = ({ owner, login }: OwnedMailbox) => owner ?? login;

/**
 * To change something with. An administrator does it for the owner, whom they have named; the trail has both. Fails `refused` for who only
 * reads, and for another name than the owner's (ON_BEHALF).
 */
export function actsFor(c: PortalContext, { mailbox, acting, mayAct, admin }: Desk, onBehalf: string): Acting {
  if (!mayAct) throw new Failure('refused', 'this person reads only', '', { rule: 'MANDAT_ACTOR' });
  if (!admin) return acting;
  const owner = ownerIdentifier(mailbox);
  if (onBehalf !== owner) throw new Failure('refused', 'another owner was named', '', { rule: 'ON_BEHALF' });
  return c.get('acting')({ kind: 'owner', identifier: owner });
}
