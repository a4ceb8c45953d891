/**
 * What is kept of a server's answer. Its text may repeat what a client wrote, a folder's name or somebody's (`Unknown command SECRET`), so only what
 * is known is kept: its state, a code of the standards, and one of the sentences below, which are ours and name nobody and nothing. Pure.
 */

/** RFC 9051 section 7.1, RFC 5530, RFC 4314, RFC 7162, RFC 2087, RFC 5464. */
const CODES: ReadonlySet<string> = new Set(
  `ALERT ALREADYEXISTS APPENDUID AUTHENTICATIONFAILED AUTHORIZATIONFAILED BADCHARSET BADEVENT CANNOT CLIENTBUG CLOSED CONTACTADMIN COPYUID
   CORRUPTION EXPIRED EXPUNGEISSUED HASCHILDREN HIGHESTMODSEQ INUSE LIMIT METADATA MODIFIED NONEXISTENT NOPERM NOTSAVED NOUPDATE OVERQUOTA
   PERMANENTFLAGS PRIVACYREQUIRED READ-ONLY READ-WRITE SERVERBUG TOOBIG TRYCREATE UIDNEXT UIDNOTSTICKY UIDVALIDITY UNAVAILABLE
   UNKNOWN-CTE UNSELECT USEATTR`.split(/\s+/),
);

/** Dovecot's, by what they begin with. */
const SENTENCES: readonly string[] = [
  "Mailbox doesn't exist",
  'Mailbox already exists',
  'Mailbox has children',
  'Mailbox is read-only',
  'Permission denied',
  'You lack administrator privileges on this mailbox',
  'Quota exceeded',
  'No messages found',
  'No mailbox selected',
  'Mailbox is closed',
  'Invalid arguments',
  'Invalid messageset',
  'Invalid mailbox name',
  'Unknown namespace',
  'Unknown command',
  'Name is already in use',
  'Generic mailbox attributes not enabled',
  "Can't delete INBOX",
  "Renaming INBOX isn't supported",
  'Some of the requested messages no longer exist',
  'Some of the messages no longer exist',
  'Internal error occurred',
  'Server unavailable',
  'Disconnected for inactivity',
];

export interface KeptAnswer {
  /** `OK`, `NO`, `BAD`, '' where there was none. */
  readonly answer: string;
  readonly said: string | null;
  /** UIDs that the server tells: of APPENDUID `messages` are those that came; of COPYUID those that were copied, and `copies` what they became. RFC 4315 */
  readonly uids: { readonly uidValidity: number; readonly from: string | null; readonly to: string } | null;
}

const STATES: ReadonlySet<string> = new Set(['OK', 'NO', 'BAD']);

/** `@param reply` with its state before it. */
export function keptAnswer(state: string, reply: string): KeptAnswer {
  const answer = STATES.has(state) ? state : '';
  const [, inside, after] = /^(?:OK|NO|BAD) (?:\[([^\]]{1,512})\] ?)?(.*)$/is.exec(reply) ?? [];
  const [word = ''] = (inside ?? '').split(' ');
  const code = CODES.has(word.toUpperCase()) ? `[${word.toUpperCase()}]` : undefined;
  const text = after ?? '';
  const sentence = SENTENCES.find((one) => text.startsWith(one) || text.includes(`: ${one}`));
  const parts = [code, sentence].filter((part) => part !== undefined);
  const uids = answer === 'OK' ? toldUids(inside ?? '') : null;
  // Of a success its code says nothing that isn't kept by its UIDs.
  const said = answer === 'OK' && uids !== null ? null : parts.join(' ');
  return { answer, said: said === null || said === '' ? null : said, uids };
}

const SET = '[\\d:,]{1,4096}';
const UIDS = new RegExp(`^(?:APPENDUID (\\d{1,10}) (${SET})|COPYUID (\\d{1,10}) (${SET}) (${SET}))$`, 'i');

function toldUids(code: string): KeptAnswer['uids'] {
  const [, appended, uids, copied, from, to] = UIDS.exec(code) ?? [];
  if (appended !== undefined && uids !== undefined) return { uidValidity: Number(appended), from: null, to: uids };
  if (copied !== undefined && from !== undefined && to !== undefined) return { uidValidity: Number(copied), from, to };
  return null;
}
