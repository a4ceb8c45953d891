/** An owner's own session: their folders, and the entries in these. */
import type { Entries, OwnerView } from '../reconcile/mail-server.ts';
import type { FolderName } from '../store/pairs.ts';
import { type Argument, type Connection, text } from './connection.ts';
import type { Dialect } from './dialect.ts';
import { ownFolders } from './own-folders.ts';
import { entriesOf, refused } from './replies.ts';

export function ownerView(connection: Connection, dialect: Dialect, login: string, inbox: Entries): OwnerView {
  const change = async (command: string, args: readonly Argument[]): Promise<boolean> => {
    const reply = await connection.run(command, args);
    if (reply.ok) return true;
    if (dialect.isGone(reply)) return false;
    throw refused(reply, `${command} in the mailbox of ${login}`);
  };
  return {
    login,
    inbox,
    folders: () => ownFolders(connection, dialect, login),
    entries: async (folders, closed) => {
      const answers = await Promise.all(
        folders.map(async (folder) => {
          const reply = await connection.run('GETACL', [text(folder)], 'ACL');
          const denied = !reply.ok && dialect.isDenied(reply);
          if (denied) closed?.(folder);
          return [folder, denied ? undefined : entriesOf(reply, dialect)] as const;
        }),
      );
      return new Map(answers.filter((answer): answer is [FolderName, Entries] => answer[1] !== undefined));
    },
    set: (folder, identifier, rights) => change('SETACL', [text(folder), text(identifier), text(rights)]),
    remove: (folder, identifier) => change('DELETEACL', [text(folder), text(identifier)]),
    subscribe: async (folder) => (await connection.run('SUBSCRIBE', [text(folder)])).ok,
    close: connection.close,
  };
}
