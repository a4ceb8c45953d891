/** An owner's Sent folder on the server: is this message there, and putting it there. */
import { Failure } from '../failure.ts';
import type { SentFolder, SentFolders } from '../submission/copy.ts';
import { atom, type Connection, literal, text, type Untagged, type Value } from './connection.ts';
import { type OpenAs, proven } from './dovecot.ts';
import { folderName } from './folder-name.ts';
import { flagsOf, foldersOf, must } from './replies.ts';

/** @param names of folders to look for where none has the special use \Sent (RFC 6154), the first that is there */
export function sentFolders(adminUser: string, openAs: OpenAs, names: readonly string[]): SentFolders {
  return {
    open: async (login) => {
      const connection = await openAs(login);
      try {
        await proven(connection, login, adminUser); // or the copy might land in somebody else's mailbox
        return sentFolder(connection, login, await sentOf(connection, login, names));
      } catch (error) {
        connection.close();
        throw error;
      }
    },
  };
}

async function sentOf(connection: Connection, login: string, names: readonly string[]): Promise<string> {
  const selection = [text(''), text('*'), atom('RETURN'), [atom('SPECIAL-USE')]];
  const listed = must(await connection.run('LIST', selection, 'LIST'), `list the folders of ${login}`);
  const { foreign } = await connection.namespaces(); // whose owner delegated to him has a Sent too
  const own = listed.filter((response) => foldersOf([response], foreign).length > 0);
  const found = own.find((response) => flagsOf(response).has('\\sent')) ?? named(own, names);
  if (found !== undefined) return String(found.values[2]);
  throw new Failure(
    'config',
    `the mailbox of ${login} has no folder for sent messages: none has the special use \\Sent, none is called ${names.join(', ')}`,
    'make one there (mail clients do when they first send), or add its name to [submission] sent_folders',
  );
}

/** At top level, or below INBOX where a server keeps everything there. */
function named(folders: readonly Untagged[], names: readonly string[]): Untagged | undefined {
  const isCalled = ({ values: [, delimiter, name] }: Untagged, wanted: string) =>
    [wanted, `INBOX${delimiter}${wanted}`].includes(String(name));
  return names
    .map((name) => folders.find((folder) => isCalled(folder, folderName(name))))
    .find((folder) => folder !== undefined);
}

function sentFolder(connection: Connection, login: string, folder: string): SentFolder {
  return {
    holds: async (messageId, since) => {
      must(await connection.run('EXAMINE', [text(folder)]), `open ${folder} of ${login}`);
      const criteria = [atom('SINCE'), atom(dayOf(since)), atom('HEADER'), atom('Message-ID'), text(messageId)];
      const [hits] = must(await connection.run('SEARCH', criteria, 'SEARCH'), `search ${folder} of ${login}`);
      const numbers = (hits?.values ?? []).map(String).slice(-MOST_COMPARED);
      if (numbers.length === 0) return false;
      // HEADER finds parts of a value too (RFC 3501 section 6.4.4).
      const fetched = await connection.run('FETCH', [atom(numbers.join(',')), atom('ENVELOPE')], 'FETCH');
      return must(fetched, `read ${folder} of ${login}`).some((response) => messageIdOf(response) === messageId);
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
    close: connection.close,
  };
}

const MOST_COMPARED = 50;

/** Where an ENVELOPE has it: the last of ten (RFC 3501 section 7.4.2). */
const MESSAGE_ID_AT = 9;

function messageIdOf({ values }: Untagged): Value | undefined {
  const items = values.find((value) => Array.isArray(value)) as readonly Value[] | undefined;
  const envelope = items?.[items.indexOf('ENVELOPE') + 1];
  return Array.isArray(envelope) ? envelope[MESSAGE_ID_AT] : undefined;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dayOf(at: Date): string {
  return `${at.getUTCDate()}-${MONTHS[at.getUTCMonth()]}-${at.getUTCFullYear()}`;
}

/** RFC 3501 date-time: the day takes two places. */
function dateTime(at: Date): string {
  return `${dayOf(at).padStart(11)} ${at.toISOString().slice(11, 19)} +0000`;
}
