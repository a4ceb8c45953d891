/**
 * Any server with ACLs (RFC 4314, or RFC 2086 before it), of which nothing is assumed: its folders have no id but the name, nothing is known to be
 * inherited (it is looked at), what is tied is asked (LISTRIGHTS), refusals are read by code or by words.
 */

import { type Entries, INBOX } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import { text } from './arguments.ts';
import { whatNobodyGets } from './authzid.ts';
import type { Connection } from './connection.ts';
import { type Dialect, mustOfferAcl } from './dialect.ts';
import { entriesOf, type Refusal } from './replies.ts';
import { PROOF, rfc4314Names } from './rfc4314-names.ts';

export const rfc4314: Dialect = {
  kind: 'rfc4314',
  title: 'a server with ACLs (RFC 4314)',
  recognises: () => false, // only what the configuration says, or what nobody else recognises

  folderId: undefined,
  proofId: PROOF,
  asksInherited: undefined,
  carriesOff: 'x', // nobody knows, until it is tried
  withheld: 'x',
  asksTies: true,
  readsBack: true,
  keepsDeadSubscriptions: true,
  inSharedNamespaces: true,
  advice: {
    identity:
      'imap.admin_user must be allowed to log in as anybody by SASL PLAIN with an authorization identity, which not every server can do',
    namespace: 'it must show shared mailboxes in a namespace of other users, or in a shared one (RFC 2342)',
    sharing:
      "the log of the IMAP server says more: has an entry in a folder's ACL an effect on what others list there?",
    metadata: 'switch METADATA off on the server, unless a client needs it',
    privateSeen: "the server's own documentation: is \\Seen kept for each user?",
    openSessions: 'what an open session goes on with is not known of this server',
  },

  /**
   * An ACL need not name its owner (Courier says `owner`), and INBOX is everybody's own: so beside `a` on it there must be a server that
   * tells one authorization identity from another, which is tried with one that nobody has.
   */
  proven: async (connection, login, adminUser, openNobody) => {
    mustOfferAcl(connection, 'only a server with ACLs can share a mailbox');
    try {
      return await provenBy(connection, login, adminUser, openNobody);
    } catch (error) {
      connection.close();
      throw error;
    }
  },

  names: rfc4314Names,

  isGone,
  isDenied: (refusal) =>
    refusal.code === 'NOPERM' ||
    (refusal.code === '' &&
      !isGone(refusal) &&
      /permission|denied|not permitted|not allowed|forbidden/i.test(refusal.text)),
};

/** By the code of RFC 5530, and where a server has none by its words. What says neither is neither. */
function isGone({ code, text: said }: Refusal): boolean {
  if (code !== '') return code === 'NONEXISTENT' || code === 'TRYCREATE';
  return /(?:does(?:n't| not)|didn't|not) exist|no such|unknown (?:mailbox|folder)|(?:mailbox|folder) (?:is )?(?:not found|unknown)|not found/i.test(
    said,
  );
}

async function provenBy(
  connection: Connection,
  login: string,
  adminUser: string,
  openNobody: (login: string) => Promise<Connection>,
): Promise<Entries> {
  const entries = entriesOf(await connection.run('GETACL', [text(INBOX)], 'ACL'), rfc4314);
  const nobody = await whatNobodyGets(openNobody, login);
  // Where nobody's session has no INBOX either, this one may be the administrator's.
  if (nobody === 'ignored' || (entries === undefined && nobody === 'empty')) {
    throw new Failure(
      'unsafe',
      `the session that was asked for ${login} is not proven to be theirs: the IMAP server answers OK to ${adminUser} logging in as a login that nobody has, and gives ${nobody === 'ignored' ? 'a mailbox' : 'as little'} to that one too`,
      'it must honour an authorization identity (SASL PLAIN), and the account must have an INBOX: check imap.impersonate, and whether this server can do that at all (Courier can not)',
    );
  }
  if (entries === undefined) {
    throw new Failure(
      'absent',
      `the IMAP server has no mailbox of ${login}`,
      'create it there, or correct the login with "mandat mailbox set" or "mandat delegate set"',
      { rule: 'NO_ACCOUNT' },
    );
  }
  if (!entries.has(adminUser) && (administers(entries, login) || (await administersUnnamed(connection, entries))))
    return entries;
  throw new Failure(
    'unsafe',
    `the session that was asked for ${login} is not proven to be theirs: its INBOX names ${[...entries.keys()].slice(0, 5).join(', ').slice(0, 500) || 'nobody'}`,
    "check imap.impersonate, that admin_user has no entry in anybody's INBOX, and that the owner administers their own INBOX (right a)",
  );
}

const administers = (entries: Entries, identifier: string) => entries.get(identifier)?.includes('a') === true;

/** By `owner`, or by a right that stands in no entry; not where somebody else is named who administers. */
async function administersUnnamed(connection: Connection, entries: Entries): Promise<boolean> {
  const others = [...entries.keys()].filter((identifier) => administers(entries, identifier) && !ROLE.test(identifier));
  if (others.length > 0) return false;
  const reply = await connection.run('MYRIGHTS', [text(INBOX)], 'MYRIGHTS');
  return reply.ok && String(reply.untagged[0]?.values[1] ?? '').includes('a');
}

/** Who is nobody in particular: roles, groups, negative and global entries. */
const ROLE = /^(?:owner|administrators|anyone|authenticated)$|^[-$!#]/i;
