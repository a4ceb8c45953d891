/** An owner's own session: their folders, and the entries in these. */
import { covers, NONE, type Rights } from '../../acl/rights.ts';
import type { SiteNames } from '../../acl/special-folders.ts';
import { attainable, type Offer, written } from '../../acl/tied-rights.ts';
import { type Entries, INBOX, type OwnerView } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';
import { text } from './arguments.ts';
import { carriedOff } from './carried-off.ts';
import type { Connection } from './connection.ts';
import type { Dialect } from './dialect.ts';
import type { Question } from './foresight.ts';
import { allWith, takesMany } from './listing.ts';
import { ownFolders, ownNames } from './own-folders.ts';
import { idOf, knownBy, type Owners } from './owner-facts.ts';
import { entriesOf, must, refused } from './replies.ts';

/** What was found out before. */
interface Known {
  readonly inbox: Entries;
  readonly siteNames: SiteNames;
  readonly owners: Owners;
  readonly offer: Offer;
}

export function ownerView(
  connection: Connection,
  dialect: Dialect,
  login: string,
  { inbox, siteNames, owners, offer }: Known,
): OwnerView {
  /** `wanted`: what then is to stand there; undefined: nothing. */
  const change = async (command: string, [folder, identifier, ...rest]: Change, wanted?: Rights): Promise<boolean> => {
    const reply = await connection.run(command, [folder, identifier, ...rest].map(text));
    if (dialect.readsBack) {
      const there = entriesOf(await connection.run('GETACL', [text(folder)], 'ACL'), dialect);
      if (there === undefined) return false;
      const has = there.get(identifier);
      // Owners keep what is theirs by nature, whatever their entry says.
      if ((has ?? NONE) === (wanted ?? NONE) || (identifier === login && covers(has ?? NONE, wanted ?? NONE)))
        return true;
      if (reply.ok) throw notDone(command, folder, identifier, login, has);
    }
    if (reply.ok) return true;
    if (dialect.isGone(reply)) return false;
    throw refused(reply, `${command} in the mailbox of ${login}`);
  };
  return {
    login,
    inbox,
    withheld: dialect.withheld,
    inherits: dialect.asksInherited !== undefined,
    ties: offer.ties,
    together: connection.pipelines,
    folders: async (patience) => {
      const list = () => ownFolders(connection, dialect, login, { siteNames, offer });
      const folders = await (patience === undefined ? list() : connection.patiently(patience, list));
      const inbox = dialect.folderId === dialect.proofId ? folders.find(({ name }) => name === INBOX) : undefined;
      const proof = inbox && { folder: INBOX, id: inbox.id };
      const namespaces = await connection.namespaces();
      owners.note(login, proof ? { namespaces, proof } : await knownBy(connection, dialect.proofId));
      owners.noteFolders(
        login,
        folders.map(({ name }) => name),
      );
      return folders;
    },
    names: () => ownNames(connection, login),
    ids: async (folders) => {
      const ids = folders.map(
        async (folder) => [folder, (await idOf(connection, folder, dialect.folderId)) ?? folder] as const,
      );
      return new Map(await Promise.all(ids));
    },
    entries: async (folders, closed) => {
      const answers = await Promise.all(
        folders.map(async (folder) => {
          const { command, args, collect } = aboutEntries(folder);
          const reply = await connection.run(command, args, ...collect);
          const denied = !reply.ok && dialect.isDenied(reply);
          if (denied) closed?.(folder);
          return [folder, denied ? undefined : entriesOf(reply, dialect)] as const;
        }),
      );
      return new Map(answers.filter((answer): answer is [FolderName, Entries] => answer[1] !== undefined));
    },
    set: (folder, identifier, rights) =>
      change('SETACL', [folder, identifier, written(rights, offer)], attainable(rights, offer.ties)),
    remove: (folder, identifier) => change('DELETEACL', [folder, identifier]),
    carriedOff: () => (dialect.carriesOff === '' ? Promise.resolve([]) : carriedOff(connection, login)),
    subscribed: async () => {
      const reply = await connection.run('LSUB', [text(''), text('*')], 'LSUB');
      const names = must(reply, `list the subscriptions of ${login}`).map(({ values }) => String(values[2]));
      return new Set(names.map((name) => (name.toUpperCase() === INBOX ? INBOX : name)));
    },
    subscribe: async (folder) => (await connection.run('SUBSCRIBE', [text(folder)])).ok,
    close: connection.close,
  };
}

const aboutEntries = (folder: FolderName): Question => ({ command: 'GETACL', args: [text(folder)], collect: ['ACL'] });

/** All that a look at an owner's tree asks, as far as it is known before: whose session it is, the folders, the entries in those that were there. */
export function aboutTree(
  connection: Connection,
  dialect: Dialect,
  folders: readonly FolderName[],
): readonly Question[] {
  const list = takesMany(connection) ? [allWith(connection, dialect.folderId)] : [];
  return [aboutEntries(INBOX), ...list, ...folders.map(aboutEntries)];
}

/** Folder, identifier, rights. */
type Change = readonly [FolderName, string, ...(readonly string[])];

function notDone(
  command: string,
  folder: FolderName,
  identifier: string,
  login: string,
  has: Rights | undefined,
): Failure {
  return new Failure(
    'retry',
    `the IMAP server answered OK to ${command} for ${identifier} in ${folder} of ${login}, and ${has === undefined ? 'there is no entry' : `the entry is ${has || 'empty'}`}`,
    'is another program setting ACLs on the same mailbox? The server log may say more',
  );
}
