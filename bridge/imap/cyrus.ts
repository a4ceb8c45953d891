/**
 * Cyrus' dialect, as measured in docs/server-notes.md. Sessions are the owner's or the delegate's own, by an account of `proxyservers` or `admins`
 * and SASL's authorization identity. Nothing is inherited: each folder has entries of its own, and a new one copies its parent's.
 */

import { type Entries, INBOX } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import { OtherLogin } from '../shared/other-login.ts';
import { atom, text } from './arguments.ts';
import type { Connection } from './connection.ts';
import { type Dialect, mustOfferAcl, UNSURE_ACCOUNT } from './dialect.ts';
import { belowTheOwner, type Namespace } from './namespaces.ts';
import { entriesOf } from './replies.ts';

export const cyrus: Dialect = {
  kind: 'cyrus',
  title: 'Cyrus',
  recognises: ({ name, greeting, capabilities }) =>
    /\bcyrus\b/i.test(name) ||
    (name === '' && (/\bcyrus\b/i.test(greeting) || OWN.every((one) => capabilities.has(one)))),

  folderId: 'MAILBOXID',
  proofId: 'MAILBOXID',
  asksInherited: undefined,
  carriesOff: 'x',
  withheld: 'x',
  asksTies: false,
  readsBack: true,
  keepsDeadSubscriptions: true,
  answersUnknownLogins: true,
  advice: {
    identity: 'imap.admin_user among the proxyservers of imapd.conf: config/cyrus/imapd.conf.fragment',
    namespace: 'disable_user_namespace: no in imapd.conf',
    sharing: 'are both in the same virtual domain (else crossdomains: yes)? The log of imapd says more',
    metadata: 'Cyrus has no setting against it; no client needs it for mail',
    privateSeen: 'cyradm: mboxconfig FOLDER sharedseen true, for each folder, if you want it',
    openSessions:
      'a folder that a session has open stays open to it with the rights that it had then, whatever is taken',
  },

  /** GETACL always names the owner, who can't lose `a` (implicit_owner_rights). */
  proven: async (connection, login, adminUser) => {
    mustOfferAcl(connection, 'is it a Cyrus? imap.server says which server is spoken to');
    const entries = entriesOf(await connection.run('GETACL', [text(INBOX)], 'ACL'), cyrus);
    if (entries !== undefined && (await isOf(connection, entries, login, adminUser))) {
      honouring.add(connection.server);
      return entries;
    }
    const failure = entries === undefined ? await nobody(connection, login, adminUser) : somebodyElse(login, entries);
    connection.close();
    throw failure;
  },

  names: ({ otherUsers, personal }, owner, delegate, look) => {
    const own = look.owner?.namespaces ?? { personal };
    if (otherUsers !== undefined) return belowTheOwner(otherUsers, written(owner, delegate, otherUsers), own);
    throw new Failure(
      'config',
      "the IMAP server has no namespace for other users' folders, so a grant would be invisible",
      'disable_user_namespace: no in imapd.conf',
    );
  },

  // Refusals come without response codes (RFC 5530); its sources have no other words for these two.
  isGone: ({ code, text: said }) => code === 'NONEXISTENT' || (code === '' && /mailbox does not exist/i.test(said)),
  isDenied: ({ code, text: said }) => code === 'NOPERM' || (code === '' && /permission denied/i.test(said)),
};

/** What no other server has been seen to offer, for one that hides its name (`serverinfo: off`). */
const OWN = ['X-REPLICATION', 'NO_ATOMIC_RENAME'];

/**
 * As a delegate sees it: without the domain where it is theirs too (virtdomains), and with `^` for a dot where dots separate folders.
 * Other domains' owners are shown with `crossdomains: yes` only.
 */
export function written(owner: string, delegate: string, { delimiter }: Pick<Namespace, 'delimiter'>): string {
  const [local = '', domain] = owner.split('@');
  const shown = domain === undefined || domain === delegate.split('@')[1] ? local : owner;
  return delimiter === '.' ? shown.replaceAll('.', '^') : shown;
}

/** Where others administer the INBOX as well, its entries alone don't tell whose it is: then it must be the folder that others see as theirs. */
async function isOf(connection: Connection, entries: Entries, login: string, adminUser: string): Promise<boolean> {
  if (entries.get(login)?.includes('a') !== true || entries.has(adminUser)) return false;
  if ([...entries].every(([identifier, rights]) => identifier === login || !rights.includes('a'))) return true;
  const { otherUsers } = await connection.namespaces();
  if (otherUsers === undefined) return false;
  const [own, theirs] = await Promise.all([
    idOf(connection, INBOX),
    idOf(connection, `${otherUsers.prefix}${written(login, login, otherUsers)}`),
  ]);
  return own !== undefined && own === theirs;
}

async function idOf(connection: Connection, folder: string): Promise<string | undefined> {
  const reply = await connection.run('STATUS', [text(folder), [atom('MAILBOXID')]], 'STATUS');
  const items = reply.ok ? reply.untagged[0]?.values[1] : undefined;
  return Array.isArray(items) ? String(items[1]) : undefined;
}

/** Servers (`host:port`) on which somebody's session has been proven: the authorization identity gets through to them. */
const honouring = new Set<string>();

/**
 * An authorization identity that nobody has is answered OK: the session then is a user's who has no mailbox. An administrator has none either, nor
 * has our own account, which we would be if something before the server dropped the identity: so nobody counts as absent before it has got through.
 */
async function nobody(connection: Connection, login: string, adminUser: string): Promise<Failure> {
  if (connection.has('UNAUTHENTICATE') || (await connection.namespaces()).personal.length > 0) {
    return new Failure(
      'unsafe',
      `the session that was asked for ${login} is not proven to be theirs: it has no INBOX, and is an administrator's`,
      'imap.impersonate = "authzid", and imap.admin_user among the proxyservers of imapd.conf: config/cyrus/imapd.conf.fragment',
    );
  }
  if (!honouring.has(connection.server)) {
    return new Failure(
      'unsafe',
      `the session that was asked for ${login} has no INBOX: either there is no such account, or it is ${adminUser}'s own; nobody else's session has shown yet that the server takes an authorization identity`,
      'create the account there, or correct the login; where others fail likewise, look what stands between mandat and Cyrus',
      { rule: UNSURE_ACCOUNT },
    );
  }
  return new Failure(
    'absent',
    `the IMAP server has no mailbox of ${login}`,
    'create it there, or correct the login with "mandat mailbox set" or "mandat delegate set"',
    { rule: 'NO_ACCOUNT' },
  );
}

function somebodyElse(login: string, entries: Entries): Failure {
  const names = [...entries.keys()];
  const [local = '', domain] = login.split('@');
  if (domain !== undefined && entries.get(local)?.includes('a') === true) {
    return new OtherLogin(login, local, 'virtdomains and defaultdomain in its imapd.conf');
  }
  return new Failure(
    'unsafe',
    `the session that was asked for ${login} is not proven to be theirs: its INBOX names ${names.slice(0, 5).join(', ').slice(0, 500) || 'nobody'}`,
    'imap.admin_user among the proxyservers of imapd.conf: config/cyrus/imapd.conf.fragment; implicit_owner_rights must hold a',
  );
}
