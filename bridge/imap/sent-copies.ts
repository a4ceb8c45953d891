/** An owner's Sent folder on the server: is this message there, and putting it there. */
import { folderOfUse, type SiteNames } from '../../acl/special-folders.ts';
import { Failure } from '../shared/failure.ts';
import { type Fingerprint, fingerprinting } from '../submission/fingerprint.ts';
import type { SentFolder, SentFolders } from '../submission/sent-folder.ts';
import type { Lying } from '../submission/twins.ts';
import { atom, literal, octetsOf, text } from './arguments.ts';
import type { Connection, Untagged } from './connection.ts';
import type { DialectOf } from './dialect.ts';
import { everything } from './listing.ts';
import type { OpenAs } from './mail-server.ts';
import { isAtHome } from './namespaces.ts';
import type { Value } from './plain-lines.ts';
import { must, ownListed } from './replies.ts';

/** @param siteNames how the folder may be called where none has the special use \Sent (RFC 6154), beside the usual names */
export function sentFolders(
  dialectOf: DialectOf,
  adminUser: string,
  openAs: OpenAs,
  siteNames: SiteNames,
): SentFolders {
  return {
    open: async (login) => {
      const connection = await openAs(login);
      try {
        const dialect = await dialectOf(connection);
        await dialect.proven(connection, login, adminUser, openAs); // or the copy might land in somebody else's mailbox
        return sentFolder(connection, login, await sentOf(connection, login, siteNames));
      } catch (error) {
        connection.close();
        throw error;
      }
    },
  };
}

/** The same one that a delegate may not delete or rename (acl/special-folders.ts). */
async function sentOf(connection: Connection, login: string, siteNames: SiteNames): Promise<string> {
  const listed = await everything(connection, undefined, `list the folders of ${login}`);
  const namespaces = await connection.namespaces(); // whose owner delegated to them has a Sent too
  const all = ownListed(listed, namespaces);
  const beside = all.filter(({ name }) => isAtHome(name, namespaces)); // not one among archives, nor a virtual one
  const found = folderOfUse(beside, 'sent', siteNames) ?? folderOfUse(all, 'sent', siteNames);
  if (found !== undefined) return found.name;
  throw new Failure(
    'config',
    `the mailbox of ${login} has no folder for sent messages: none has the special use \\Sent, none is called ${[...(siteNames.sent ?? []), 'Sent'].join(', ')} or as such folders usually are`,
    'make one there (mail clients do when they first send), or add its name to [submission] sent_folders',
  );
}

function sentFolder(connection: Connection, login: string, folder: string): SentFolder {
  return {
    find: async (messageId, since, size) => {
      must(await connection.run('SELECT', [text(folder)]), `open ${folder} of ${login}`);
      const criteria = [atom('SINCE'), atom(dayOf(since)), atom('HEADER'), atom('Message-ID'), text(messageId)];
      const [hits] = must(await connection.run('UID SEARCH', criteria, 'SEARCH'), `search ${folder} of ${login}`);
      const uids = (hits?.values ?? []).map(Number).sort((a, b) => a - b);
      if (uids.length === 0) return [];
      const set = atom(uids.slice(-MOST_COMPARED).join(','));
      const items = [atom('UID'), atom('RFC822.SIZE'), atom('ENVELOPE')];
      const fetched = await connection.run('UID FETCH', [set, items], 'FETCH');
      const lying: Lying[] = [];
      for (const response of must(fetched, `read ${folder} of ${login}`)) {
        // HEADER finds parts of a value too (RFC 3501 section 6.4.4).
        if (messageIdOf(response) !== messageId) continue;
        const uid = Number(item(response, 'UID'));
        const length = Number(item(response, 'RFC822.SIZE'));
        const print = Math.abs(length - size) > MOST_ADDED ? undefined : await printOf(uid, length);
        if (print !== undefined) lying.push({ uid, print });
      }
      return lying;
    },
    append: async (message, at) => {
      const reply = await connection.run('APPEND', [
        text(folder),
        [atom('\\Seen')],
        text(dateTime(at)),
        literal(message),
      ]);
      if (reply.ok) return;
      throw new Failure(
        reply.code === 'OVERQUOTA' || reply.code === 'LIMIT' ? 'retry' : 'config',
        `the IMAP server refused the copy for ${folder} of ${login}: ${reply.status} ${reply.code} ${reply.text}`.trim(),
        reply.code === 'OVERQUOTA'
          ? 'the mailbox is full: make room in it, or raise its quota'
          : 'the server log says more',
        { rule: reply.code },
      );
    },
    replace: async (twin, by) => {
      if (!connection.has('UIDPLUS')) return false; // EXPUNGE alone takes away what others have marked
      const told = must(
        await connection.run('UID FETCH', [atom(String(twin.uid)), [atom('FLAGS')]], 'FETCH'),
        `read ${folder} of ${login}`,
      );
      const flags = told.filter(isOf(twin.uid)).flatMap((response) => item(response, 'FLAGS') ?? []);
      const given = flags.map(String).filter((flag) => !/^\\(?:recent|deleted)$/i.test(flag));
      const mark = async (uid: number, names: readonly string[]) =>
        must(
          await connection.run('UID STORE', [atom(String(uid)), atom('+FLAGS.SILENT'), names.map(atom)]),
          `mark messages in ${folder} of ${login}`,
        );
      if (given.length > 0) await mark(by.uid, given);
      await mark(twin.uid, ['\\Deleted']);
      must(await connection.run('UID EXPUNGE', [atom(String(twin.uid))]), `take a copy out of ${folder} of ${login}`);
      return true;
    },
    close: connection.close,
  };

  /** Read in pieces: it may be as large as ours, which is held already. */
  async function printOf(uid: number, length: number): Promise<Fingerprint | undefined> {
    const print = fingerprinting();
    for (let at = 0; at < length; at += PIECE) {
      const piece = [atom(String(uid)), [octetsOf(at, PIECE)]];
      const told = must(await connection.run('UID FETCH', piece, 'FETCH'), `read ${folder} of ${login}`);
      const octets = told.filter(isOf(uid)).map((response) => item(response, 'BODY'))[0];
      if (typeof octets !== 'string') return undefined; // it has gone
      print.update(Buffer.from(octets, 'latin1'));
    }
    return print.end();
  }
}

const MOST_COMPARED = 50;
/** By how much a twin may differ in length: Sender, Received, and Bcc with many names. */
const MOST_ADDED = 256 * 1024;
const PIECE = 1024 * 1024;

/** Where an ENVELOPE has it: the last of ten (RFC 3501 section 7.4.2). */
const MESSAGE_ID_AT = 9;

function messageIdOf(response: Untagged): Value | undefined {
  const envelope = item(response, 'ENVELOPE');
  return Array.isArray(envelope) ? envelope[MESSAGE_ID_AT] : undefined;
}

/** A server tells of other messages as well. RFC 3501 section 7.4.2. */
const isOf = (uid: number) => (response: Untagged) => item(response, 'UID') === String(uid);

/** Of a FETCH response: what stands behind this name. */
function item({ values }: Untagged, name: string): Value | undefined {
  const items = values.find((value) => Array.isArray(value)) as readonly Value[] | undefined;
  const at = items?.findIndex((value, index) => index % 2 === 0 && value === name) ?? -1;
  return at < 0 ? undefined : items?.[at + 1];
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dayOf(at: Date): string {
  return `${at.getUTCDate()}-${MONTHS[at.getUTCMonth()]}-${at.getUTCFullYear()}`;
}

/** RFC 3501 date-time: the day takes two places. */
function dateTime(at: Date): string {
  return `${dayOf(at).padStart(11)} ${at.toISOString().slice(11, 19)} +0000`;
}
