/** A mail server that speaks IMAP with ACLs (RFC 4314), whichever it is: sessions as an owner or a delegate, the identity proven. */
import type { SiteNames } from '../../acl/special-folders.ts';
import { UNTIED } from '../../acl/tied-rights.ts';
import type { MailServer } from '../reconcile/driver-interfaces.ts';
import type { Connection } from './connection.ts';
import { delegateView } from './delegate-view.ts';
import type { DialectOf, Learnt } from './dialect.ts';
import { withForesight } from './foresight.ts';
import { offered } from './offered-rights.ts';
import { type KnownOwner, knownBy, ownersBy } from './owner-facts.ts';
import { aboutTree, ownerView } from './owner-view.ts';

/** Opens a connection that is logged in as somebody (bridge/imap/impersonation.ts). */
export type OpenAs = (login: string) => Promise<Connection>;

export interface Ways {
  /** {@link MailServer.prepare} */
  readonly prepare?: () => void;
  /** How special folders may be called here, beside the usual names. */
  readonly siteNames?: SiteNames;
  /** Opens a session as a login that nobody has, which must count for no other login. Default: as any other. */
  readonly openNobody?: OpenAs;
  /** Finds out about an owner, where a session of theirs is open elsewhere already. */
  readonly known?: ((owner: string) => Promise<KnownOwner>) | undefined;
}

export function imapServer(
  name: string,
  dialectOf: DialectOf,
  adminUser: string,
  openAs: OpenAs,
  { prepare = () => {}, siteNames = {}, openNobody = openAs, known }: Ways = {},
): MailServer {
  const learnt: Learnt = { forms: new Map(), spaces: new Map() };
  const lookAt = async (login: string) => {
    const connection = await openAs(login);
    try {
      const dialect = await dialectOf(connection);
      await dialect.proven(connection, login, adminUser, openNobody);
      return await knownBy(connection, dialect.proofId);
    } finally {
      connection.close();
    }
  };
  const owners = ownersBy(known ?? lookAt);
  return {
    name,
    prepare,
    asOwner: async (login, patience, looks = false) => {
      const connection = withForesight(await openAs(login));
      return orClosed(connection, async () => {
        const dialect = await dialectOf(connection);
        const prove = () => {
          if (looks && connection.has('ACL')) {
            connection.foresee(aboutTree(connection, dialect, owners.folders(login)));
            connection.namespaces().catch(() => {}); // whoever asks for them hears of it
          }
          return dialect.proven(connection, login, adminUser, openNobody);
        };
        const inbox = await (patience === undefined ? prove() : connection.patiently(patience, prove));
        const offer = dialect.asksTies ? await offered(connection) : UNTIED;
        return ownerView(connection, dialect, login, { inbox, siteNames, owners, offer });
      });
    },
    asDelegate: async (login) => {
      const connection = await openAs(login);
      return orClosed(connection, async () => {
        const dialect = await dialectOf(connection);
        const proof = dialect.proven(connection, login, adminUser, openNobody);
        const namespaces = connection.namespaces(); // on its way beside the proof
        namespaces.catch(() => {});
        await proof;
        return delegateView(connection, dialect, login, await namespaces, { owners, learnt });
      });
    },
  };
}

/** Whatever fails before somebody has the view that they would close. */
async function orClosed<View>(connection: Connection, open: () => Promise<View>): Promise<View> {
  try {
    return await open();
  } catch (error) {
    connection.close();
    throw error;
  }
}
