/**
 * Dovecot's dialect (imap_acl plugin, shared namespace), as measured in docs/server-notes.md.
 * Owners see their folders as `Sent`; a delegate sees them as `shared/OWNER/Sent`, and the INBOX as `shared/OWNER`.
 */
import { canonical, NONE, type Rights } from '../../acl/rights.ts';
import { Failure } from '../failure.ts';
import { type DelegateView, type Entries, INBOX, type MailServer, type OwnerView } from '../reconcile/mail-server.ts';
import type { FolderName } from '../store/pairs.ts';
import { type Argument, atom, type Connection, type Namespaces, text } from './connection.ts';
import { entriesOf, flagsOf, foldersOf, must, refused } from './replies.ts';

/** Never a folder: asked for its MYRIGHTS, it tells what a folder without an entry of its own gives. */
const NO_SUCH_FOLDER = 'mandat-asks-what-is-inherited';

/** Opens a connection that is logged in as somebody (bridge/imap/impersonation.ts). */
export type OpenAs = (login: string) => Promise<Connection>;

export function dovecotServer(
  name: string,
  adminUser: string,
  openAs: OpenAs,
  prepare: () => void = () => {},
): MailServer {
  return {
    name,
    prepare,
    asOwner: async (login) => {
      const connection = await openAs(login);
      return orClosed(connection, async () => ownerView(connection, login, await proven(connection, login, adminUser)));
    },
    asDelegate: async (login) => {
      const connection = await openAs(login);
      return orClosed(connection, async () => {
        await proven(connection, login, adminUser);
        return delegateView(connection, login, await sharedNamespace(connection));
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

/**
 * Proves whose session it is before anything is written: an authzid may have been dropped without a word, and the session
 * then is the administrator's own. Dovecot's GETACL always names the owner of the INBOX, with `a`. Returns its entries.
 */
export async function proven(connection: Connection, login: string, adminUser: string): Promise<Entries> {
  if (!connection.has('ACL')) {
    connection.close();
    throw new Failure(
      'config',
      'the IMAP server offers no ACL (RFC 4314)',
      'load the acl and imap_acl plugins: config/dovecot/mandat.conf',
    );
  }
  const entries = entriesOf(await connection.run('GETACL', [text(INBOX)], 'ACL'));
  if (entries?.get(login)?.includes('a') === true && !entries.has(adminUser)) return entries;
  connection.close();
  throw new Failure(
    'unsafe',
    `the session that was asked for ${login} is not proven to be his: his INBOX names ${entries === undefined ? 'nobody' : [...entries.keys()].slice(0, 5).join(', ').slice(0, 500) || 'nobody'}`,
    'check imap.impersonate, that admin_user is a master user with its own mailbox left unused, and that the owner administers his own INBOX',
  );
}

function ownerView(connection: Connection, login: string, inbox: Entries): OwnerView {
  return {
    login,
    inbox,
    folders: async () => {
      // STATUS opens each folder, so that special-use folders declared `auto` exist after this (server facts, trap 7).
      const reply = await connection.run(
        'LIST',
        [
          text(''),
          text('*'),
          atom('RETURN'),
          [atom('SPECIAL-USE'), atom('SUBSCRIBED'), atom('STATUS'), [atom('X-GUID')]],
        ],
        'LIST',
        'STATUS',
      );
      const { foreign } = await connection.namespaces();
      return foldersOf(must(reply, `list the folders of ${login}`), foreign);
    },
    entries: async (folders, closed) => {
      const answers = await Promise.all(
        folders.map(async (folder) => {
          const reply = await connection.run('GETACL', [text(folder)], 'ACL');
          if (!reply.ok && reply.code === 'NOPERM') closed?.(folder);
          return [folder, !reply.ok && reply.code === 'NOPERM' ? undefined : entriesOf(reply)] as const;
        }),
      );
      return new Map(answers.filter((answer): answer is [FolderName, Entries] => answer[1] !== undefined));
    },
    set: (folder, identifier, rights) =>
      change(connection, 'SETACL', login, [text(folder), text(identifier), text(rights)]),
    remove: (folder, identifier) => change(connection, 'DELETEACL', login, [text(folder), text(identifier)]),
    subscribe: async (folder) => (await connection.run('SUBSCRIBE', [text(folder)])).ok,
    close: connection.close,
  };
}

function delegateView(connection: Connection, login: string, { prefix, delimiter }: Shared): DelegateView {
  const root = (owner: string) => `${prefix}${owner}`;
  const nameOf = (owner: string, folder: FolderName) =>
    folder === INBOX ? root(owner) : `${root(owner)}${delimiter}${folder}`;
  /** The owner's name of a folder that the delegate sees, or undefined when it is somebody else's. */
  const folderOf = (owner: string, name: string) => {
    if (name === root(owner)) return INBOX;
    return name.startsWith(root(owner) + delimiter) ? name.slice(root(owner).length + delimiter.length) : undefined;
  };
  const list = async (owner: string, selection: readonly Argument[]) => {
    const patterns = [text(root(owner)), text(`${root(owner)}${delimiter}*`)];
    const reply = await connection.run('LIST', [...selection, text(''), patterns], 'LIST');
    const names = must(reply, `list ${owner}'s folders as ${login}`)
      .filter((response) => !flagsOf(response).has('\\noselect') && !flagsOf(response).has('\\nonexistent'))
      .map((response) => folderOf(owner, String(response.values[2])));
    return new Set(names.filter((name): name is FolderName => name !== undefined));
  };
  const myRights = async (owner: string, folder: FolderName): Promise<Rights> => {
    const reply = await connection.run('MYRIGHTS', [text(nameOf(owner, folder))], 'MYRIGHTS');
    return reply.ok ? canonical(String(reply.untagged[0]?.values[1] ?? '')) : NONE;
  };
  const accepted = async (command: string, owner: string, folder: FolderName) =>
    (await connection.run(command, [text(nameOf(owner, folder))])).ok;
  return {
    login,
    listed: (owner) => list(owner, []),
    rights: async (owner, folders) =>
      new Map(await Promise.all(folders.map(async (folder) => [folder, await myRights(owner, folder)] as const))),
    inherited: (owner) => myRights(owner, NO_SUCH_FOLDER),
    // A subscription to a folder he can't see is listed with \NonExistent, so the flags say nothing here.
    subscribed: async (owner) => {
      const reply = await connection.run('LSUB', [text(''), text(`${root(owner)}*`)], 'LSUB');
      const names = must(reply, `list the subscriptions of ${login}`).map(({ values }) =>
        folderOf(owner, String(values[2])),
      );
      return new Set(names.filter((name): name is FolderName => name !== undefined));
    },
    subscribe: (owner, folder) => accepted('SUBSCRIBE', owner, folder),
    unsubscribe: (owner, folder) => accepted('UNSUBSCRIBE', owner, folder),
    close: connection.close,
  };
}

type Shared = NonNullable<Namespaces['otherUsers']>;

async function sharedNamespace(connection: Connection): Promise<Shared> {
  const { otherUsers } = await connection.namespaces();
  if (otherUsers !== undefined) return otherUsers;
  throw new Failure(
    'config',
    "the IMAP server has no namespace for other users' folders, so a grant would be invisible",
    'add the shared namespace of config/dovecot/mandat.conf',
  );
}

async function change(
  connection: Connection,
  command: string,
  owner: string,
  args: readonly Argument[],
): Promise<boolean> {
  const reply = await connection.run(command, args);
  if (reply.ok) return true;
  if (reply.code === 'NONEXISTENT') return false;
  throw refused(reply, `${command} in the mailbox of ${owner}`);
}
