// What each rule that refuses something means and what to do, for docs/reference/codes.md. code-sources.ts finds those that are missing here.

/** Of the table itself: its triggers say `CODE: a sentence`, to every program that writes it. */
export const OF_THE_TABLE: Readonly<Record<string, string>> = {
  MANDAT_ADDRESS: 'write the address in lower case, an international domain as punycode',
  MANDAT_DOMAIN: 'write the domain as addresses have it behind the @',
  MANDAT_DUPLICATE: 'it is there already, or is the login or an address of somebody else: one name is one person here',
  MANDAT_ELIGIBLE: 'write 0 or 1',
  MANDAT_ENDED: 'an account that was closed stays closed: remove the delegate, and add them anew',
  MANDAT_EVENT: "only mandat's own commands have a reason to write events",
  MANDAT_IDENTIFIER: 'the identifier has another form than `[identity] scheme` asks for',
  MANDAT_IMMUTABLE: 'delete the row, and insert another',
  MANDAT_KIND: 'write one of the four',
  MANDAT_LIMIT: 'revoke another delegate of this mailbox; the limit is `[policy] max_delegates`',
  MANDAT_LOGIN: 'write the login as the mail server has it; one that a server would read as a group is refused',
  MANDAT_NOT_ELIGIBLE: '`mandat mailbox set MAILBOX --eligible`, `mandat domain set DOMAIN --eligible`',
  MANDAT_NOT_PERSONAL:
    "only a mailbox of kind PER can be delegated, or be somebody's own: `mandat mailbox set MAILBOX --kind PER` where the kind is wrong",
  MANDAT_ORDER: 'the end must come after the start',
  MANDAT_OURS: 'leave these tables to mandat',
  MANDAT_SELF: 'owner and delegate must be two people',
  MANDAT_SEND_MODE: 'write one of the two, or NULL',
  MANDAT_SERVER: "write the mail server's name as `[server] name` has it on its machine",
  MANDAT_STATE: 'write one of the words',
  MANDAT_TIME: 'write the time in UTC with milliseconds: `2026-12-31T17:00:00.000Z`',
  MANDAT_UNKNOWN_DELEGATE: 'add the delegate first, or correct the identifier: `mandat delegate list`',
  MANDAT_UNKNOWN_MAILBOX: 'add the mailbox first, or correct the address: `mandat mailbox list`',
};

/** Of the commands. */
export const OF_COMMANDS: Readonly<Record<string, string>> = {
  MANDAT_ACKNOWLEDGE: "the owner's responsibility is to be read and acknowledged, in its present version",
  MANDAT_ACTIVE: 'the account is active already: `mandat account set-contact` changes the address',
  MANDAT_ACTOR: 'whoever acts (`--as`, or who has signed in) may not do this; it is in the trail',
  MANDAT_CODE: 'not the code that was mailed; after `[accounts] code_tries` wrong ones ask for another',
  MANDAT_CODES: 'so many codes have been asked for that this has to wait',
  MANDAT_CODE_EXPIRED: 'the code came too late (`[accounts] code_minutes`): ask for another',
  MANDAT_CONTACT: 'the contact address is none, lies within MSSanté, or is the mailbox itself',
  MANDAT_CORRESPONDENCE:
    'the published MSSanté list says something else of this mailbox: leave the option out, or import a newer list',
  ENDS_IN_THE_PAST: 'the delegation would never be in force: give a later end, or none',
  NO_CODE: 'a code has eight digits',
  MANDAT_NOT_DELEGATED: 'there is nothing to activate an account for: the owner delegates first',
  MANDAT_NOT_HIS: 'the mailbox belongs to somebody else',
  MANDAT_NOT_LISTED:
    'the directory does not list this person: correct the number, import a newer directory, or `--force REASON`',
  MANDAT_IDENTITY: 'the directory has another name for this number: is it the right person?',
  MANDAT_NO_REQUEST: 'no address waits to be confirmed: `mandat account activate`, or `mandat account set-contact`',
  MANDAT_PENDING: 'the account is to be activated first: `mandat account activate`',
  MANDAT_SUSPENDED: 'the delegate is suspended: `mandat delegate set DELEGATE --state active`',
  MANDAT_TERMS: 'this is not the present version of the terms of use (`[accounts] terms_version`)',
  MANDAT_UNDONE:
    "a trigger in the table that is not mandat's undoes what was written: `mandat init --repair-rules`, and find out who made it",
  TWO_CRITERIA: 'give a second criterion, or a full identifier with `--id`',
  DIRECTORY_EMPTY: 'the extract of the directory has no usable lines: fetch it again',
  DIRECTORY_SHRUNK:
    'the extract has lost more than `[directory] max_shrink` percent of its lines: it is rather cut than true',
  DIRECTORY_MISSING: 'the extract lacks many of the delegates and owners that are known: is it whole?',
  CORRESPONDENCE_EMPTY: 'the MSSanté list has no usable lines: fetch it again',
  CORRESPONDENCE_SHRUNK: 'the MSSanté list has lost too many of its lines',
  WHITE_LIST_SHRUNK: 'the white list has lost too many of its domains',
  NO_WHITE_LIST: 'the file is not the white list: import the XML file as it was published',
  HELD_OTHERWISE: 'what the guard holds is not what was shown when it was let go: look again',
  ON_BEHALF:
    'an administrator acts for an owner in the portal, and has named somebody else than the owner of the mailbox',
  NO_DIRECTORY: 'no directory has been imported: `mandat directory import FILE`',
};

/** Of the HTTP API, beside those of the table and of the commands. */
export const OF_THE_API: Readonly<Record<string, string>> = {
  BAD_CURSOR: 'a `cursor` is what the page before named as `next`',
  BAD_KEY: 'an `Idempotency-Key` has 1 to 255 visible characters',
  BAD_QUESTION: 'what was asked is not as openapi.json says; `errors` says where',
  CHANGED_MEANWHILE: 'it is not as it was when it was seen (`If-Match`): look again',
  MANDAT_ABSENT: 'there is no such thing, or no longer',
  MANDAT_AWAY: 'a server or the database does not answer now: `Retry-After` says when to ask again; nothing was done',
  MANDAT_DEFECT: 'a defect of mandat: the log says more',
  MANDAT_REFUSED: 'a rule without a name of its own says no',
  MANDAT_SETUP: 'the set-up of this site does not allow it, or a file of it is missing: the log says what to do',
  MANDAT_UNSAFE: 'going on might open mail to somebody who should not read it: the log says more',
  KEY_USED: 'this `Idempotency-Key` was sent with another question',
  NOT_JSON: 'send `application/json`, in UTF-8, not compressed, each name once in its object',
  NO_SUCH_METHOD: 'not by this method at this address: `Allow` says by which',
  NO_SUCH_PLACE: 'there is nothing at this address: openapi.json has all that there are',
  ON_WHOSE_BEHALF: 'a service says for whom it asks (`On-Behalf-Of`); whoever has a token asks for themselves',
  OTHER_HOST: 'the request names another host than `[portal] url` does',
  SERVICE_ACTION: 'the operation is not among the `actions` of the service (`[portal.services.NAME]`)',
  TOO_LARGE: 'a request has 64 kB of body at most',
  TOO_LONG: 'an address has 4096 characters at most',
  TOO_OFTEN: 'too many requests: `Retry-After` says when to ask again',
  WHICH_DELEGATE: 'an administrator names whom it is about',
  WHO_ACTS: '`as` is one of owner, delegate, admin',
};

/** Taken, and told of on standard error. */
export const WARNINGS: Readonly<Record<string, string>> = {
  RPPS_SHORT: '11 digits were given; an 8 was put before them',
  RPPS_KEY:
    'the last digit is not the key of the others: mistyped, or a number from a manual (`[identity] strict` refuses it)',
  RPPS_RANGE: 'no RPPS number that is known starts so',
};

/** Of the databases and the process. */
export const OF_THE_HOUSE: Readonly<Record<string, string>> = {
  MANDAT_PROVIDER_AWAY: 'the identity provider of the portal does not answer: nobody can sign in until it does',
  MANDAT_SIGN_IN: "the identity provider's answer to a sign-in is not in order: they sign in again; the log says why",
  MANDAT_TOKEN: 'a token is not signed by the identity provider, not in time, or not made for this portal',
  MANDAT_RUNNING: 'a sidecar runs on these databases already',
  MANDAT_SUPERSEDED:
    "another sidecar has taken this server's mailboxes over, and this one writes nothing more: [stand-by.md](../stand-by.md)",
  MANDAT_POSTGRESQL: 'this is for databases in files, and these are in PostgreSQL: [postgresql.md](../postgresql.md)',
  MANDAT_SERVER_RENAMED:
    'this machine has worked under another `[server] name`, and something stands by that name still: [several-servers.md](../several-servers.md)',
  MANDAT_SERVER_IN_USE:
    'the mail server is in use still: stop its sidecar, move its mailboxes, then forget it: [several-servers.md](../several-servers.md)',
  MANDAT_OTHER_SERVER:
    'the mailbox is on another mail server, or the delegate has theirs on one that shares no folders with it: run the command there, or move a mailbox',
  MANDAT_PAUSED: 'mandat is paused, and this would write to the servers: `mandat resume` ends it',
  SYNC_AT_WORK: 'a `mandat sync`, or a command that makes its own pass, is at work: try again when it is done',
  MANDAT_SCHEMA: 'the table is not as mandat makes it: `mandat init --repair-rules`, and find out who writes the file',
  MANDAT_SEAL_KEY:
    "the key of the audit trail is gone: put `seal.key` and `seal.head` back from the backup; else `mandat audit export`, then `mandat init --new-seal-key`; or the database isn't this site's: [postgresql.md](../postgresql.md#another-sites-database)",
  MANDAT_STATE_LOST: '`state.db` is gone: put it back from the backup; else `mandat init --new-seal-key`',
  MANDAT_MOVED:
    'the table has been brought to another store by `mandat database copy`: write there, and name it in mandat.toml',
  MANDAT_HALF_COPIED: 'a copy into this store was begun and not ended: `mandat database copy` again',
  MANDAT_IN_PLACE: 'something else is at the destination of `mandat database copy` already',
  MANDAT_SAME_STORE: '`mandat database copy` would lead where the table is already',
  MANDAT_TRAIL_UNPROVEN: 'the audit trail is not proven, and is not moved as if nothing were',
  MANDAT_HALF_RESTORED: 'a restore was begun and not ended: `mandat restore DIR` again',
  MANDAT_OTHER_TABLE:
    'the backup is of another delegation table than the one that is there: move that away first, if it is meant',
  UNSAFE_PLACE:
    "somebody else could put something in the place of a file of mandat's: take that right away, as the line says",
};

/** Of the mail servers. */
export const OF_SERVERS: Readonly<Record<string, string>> = {
  NO_ACCOUNT: 'the mail server knows no account of this login: create it, or correct the login',
  UNSURE_ACCOUNT:
    "Cyrus shows no INBOX: either there is no such account, or the session is the administrator's own; nothing is taken for gone",
  ACCOUNT_CLOSED: 'the mail server refuses logins of this account',
  LOGIN_REFUSED:
    'the server refuses the login, and does not say why: the password of `[imap] admin_user`, or the account',
  CREDENTIALS_REFUSED:
    "the administrator's own login is refused: it is not tried with other mailboxes before something has changed",
  TOO_MANY_SESSIONS:
    'the login has as many sessions as the server allows from one address: `[imap] local_address`, or `[sessions]`',
  OTHER_LOGIN: 'the server makes another login of this one: give it as the server has it',
  LOST_AT_QUESTION: 'the server has ended the connection several times at the same question: its log says why',
  SESSION_GOES_ON: 'a session that was told to end goes on: see "session cutting" and "cut" of the doctor',
};
