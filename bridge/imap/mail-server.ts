/** A mail server that speaks IMAP with ACLs (RFC 4314), whichever it is: sessions as an owner or a delegate, the identity proven. */
import type { SiteNames } from '../../acl/special-folders.ts';
import type { MailServer } from '../reconcile/mail-server.ts';
import type { Connection } from './connection.ts';
import { delegateView } from './delegate-view.ts';
import type { DialectOf } from './dialect.ts';
import { ownerView } from './owner-view.ts';

/** Opens a connection that is logged in as somebody (bridge/imap/impersonation.ts). */
export type OpenAs = (login: string) => Promise<Connection>;

export interface Ways {
  /** {@link MailServer.prepare} */
  readonly prepare?: () => void;
  /** How special folders may be called here, beside the usual names. */
  readonly siteNames?: SiteNames;
}

export function imapServer(
  name: string,
  dialectOf: DialectOf,
  adminUser: string,
  openAs: OpenAs,
  { prepare = () => {}, siteNames = {} }: Ways = {},
): MailServer {
  return {
    name,
    prepare,
    asOwner: async (login) => {
      const connection = await openAs(login);
      return orClosed(connection, async () => {
        const dialect = await dialectOf(connection);
        return ownerView(connection, dialect, login, await dialect.proven(connection, login, adminUser), siteNames);
      });
    },
    asDelegate: async (login) => {
      const connection = await openAs(login);
      return orClosed(connection, async () => {
        const dialect = await dialectOf(connection);
        await dialect.proven(connection, login, adminUser);
        return delegateView(connection, dialect, login, await connection.namespaces());
      });
    },
  };
}

/** Whatever fails before somebody has the view that he would close. */
async function orClosed<View>(connection: Connection, open: () => Promise<View>): Promise<View> {
  try {
    return await open();
  } catch (error) {
    connection.close();
    throw error;
  }
}
