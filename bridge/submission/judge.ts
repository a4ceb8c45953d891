/** The verdict on one message: the header cut strictly, the rights looked up, and mailparser's reading beside ours. R1, R31. */
import { simpleParser } from 'mailparser';
import { authorsOf } from '../../acl/authors.ts';
import { type Field, readHeader } from '../../acl/header-fields.ts';
import { latin1 } from '../../acl/plain-form.ts';
import { origin } from '../../acl/received-field.ts';
import { decide, type Rights, type SubmissionRules } from '../../acl/submission.ts';
import { ambiguous, changed, refuse, type SubmissionVerdict } from '../../acl/verdict.ts';
import { type Authority, canonical } from './authority.ts';
import { senderOf } from './envelope.ts';

export interface Judged {
  readonly verdict: SubmissionVerdict;
  /** Null where nobody could be made out. */
  readonly login: string | null;
  readonly messageId: string | null;
  /** The header to be sent on; empty unless it passes. */
  readonly header: Buffer;
}

export interface Judging extends SubmissionRules {
  readonly hideLogin: boolean;
}

export async function judge(
  block: Buffer,
  envelope: { readonly mailFrom: string; readonly utf8: boolean },
  authority: Authority,
  rules: Judging,
): Promise<Judged> {
  const read = readHeader(block.toString('latin1'));
  if (read.kind === 'unreadable') return unheard(null, null, ambiguous(read.why));
  const top = origin(read.fields[0]);
  const messageId =
    read.fields
      .find(({ name }) => name === 'message-id')
      ?.value.trim()
      .slice(0, 998) ?? null;
  if (top.kind === 'foreign') {
    return unheard(null, messageId, refuse(554, '5.7.1 this message does not come from the submission service'));
  }
  if (top.kind === 'anonymous') return unheard(null, messageId, refuse(530, '5.7.0 nobody has logged in'));
  const login = top.login.toLowerCase();
  const fields: readonly Field[] = rules.hideLogin ? [top.hidden, ...read.fields.slice(1)] : read.fields;
  const mail = { login, fields, ...envelope, mailFrom: senderOf({ address: envelope.mailFrom }, login) };
  const authors = authorsOf(mail);
  if (authors.kind === 'refuse') return unheard(login, messageId, authors);
  const { from, addresses } = authors;
  const others = await otherReading(from.text);
  if (
    !isSame(
      others,
      from.mailboxes.map(({ address }) => address),
    )
  ) {
    return unheard(login, messageId, ambiguous('From: some programs read it otherwise than it is written'));
  }
  const verdict = decide(mail, authors, await rightsOf(authority, login, addresses), rules);
  if (verdict.kind !== 'pass') return unheard(login, messageId, verdict);
  const header = Buffer.from(changed(fields, verdict.changes), 'latin1');
  return { verdict, login, messageId, header };
}

/** Undefined where the table can't be read. A defect of ours is none of the table's, and is thrown on. */
async function rightsOf(
  authority: Authority,
  login: string,
  addresses: readonly string[],
): Promise<Rights | undefined> {
  try {
    return await authority.rights(login, addresses);
  } catch (error) {
    if ([RangeError, TypeError, ReferenceError, SyntaxError].some((defect) => error instanceof defect)) throw error;
    return undefined;
  }
}

const unheard = (login: string | null, messageId: string | null, verdict: SubmissionVerdict): Judged => ({
  verdict,
  login,
  messageId,
  header: Buffer.alloc(0),
});

/**
 * What mailparser takes for the authors, of From as it is to leave. It gets that field alone, since a header that everybody cuts alike holds
 * no other one (readHeader), and all the others cost it four times as long. Undefined where it gives up.
 */
async function otherReading(text: string): Promise<readonly string[] | undefined> {
  try {
    const { from } = await simpleParser(Buffer.from(`From: ${latin1(text)}\r\n\r\n`, 'latin1'));
    const flat = (list: NonNullable<typeof from>['value']): readonly string[] =>
      list.flatMap(({ address, group }) => [...(address ? [address] : []), ...flat(group ?? [])]);
    return from === undefined ? [] : flat(from.value);
  } catch {
    return undefined; // EMAXLEN and its like: the message's own, for good
  }
}

/** mailparser gives domains in Unicode. */
function isSame(others: readonly string[] | undefined, ours: readonly string[]): boolean {
  const plain = (address: string) => canonical(address) ?? address.toLowerCase();
  return others?.length === ours.length && ours.every((one, index) => plain(one) === plain(others[index] ?? ''));
}
