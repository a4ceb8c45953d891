/** What rights a server gives, and which of them only together: LISTRIGHTS of the INBOX (RFC 4314 section 3.4). */
import { type Offer, offerOf, UNTIED } from '../../acl/tied-rights.ts';
import { INBOX } from '../reconcile/driver-interfaces.ts';
import { text } from './arguments.ts';
import type { Connection } from './connection.ts';

/** An identifier like any delegate's; nobody has it, and nothing is given to it. */
const SOMEBODY = 'mandat-asks-what-is-tied';

export async function offered(connection: Connection): Promise<Offer> {
  const reply = await connection.run('LISTRIGHTS', [text(INBOX), text(SOMEBODY)], 'LISTRIGHTS');
  return reply.ok ? offerOf((reply.untagged[0]?.values ?? []).slice(2).map(String)) : UNTIED;
}
