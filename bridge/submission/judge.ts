/** The verdict on one message: the header cut strictly, the rights looked up, and mailparser's reading beside ours. R1, R31. */
import { simpleParser } from 'mailparser';
import { type Field, readHeader } from '../../acl/header-fields.ts';
import { origin } from '../../acl/received.ts';
import {
  ambiguous,
  authorsOf,
  changed,
  decide,
  mayUse,
  type Rights,
  refuse,
  type SubmissionRules,
  type SubmissionVerdict,
} from '../../acl/submission.ts';
import type { Authority } from './authority.ts';
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
  const from = fields.filter(({ name }) => name === 'from');
  let others: readonly string[];
  try {
    others = await otherReading(from.map(({ raw }) => raw).join(''));
  } catch {
    return unheard(login, messageId, ambiguous('From: some programs cannot read it')); // EMAXLEN
  }
  const rights = await rightsOf(authority, login, [...authors.addresses, ...others]);
  const verdict = decide(mail, authors, rights, rules);
  if (verdict.kind !== 'pass' || rights === undefined) return unheard(login, messageId, verdict);
  const header = Buffer.from(changed(fields, verdict.changes), 'latin1');
  if (verdict.changes.from !== undefined) others = await otherReading(changed(from, verdict.changes));
  // A rewritten From wasn't looked up: it is the login's own.
  const strange = others.find((address) => address !== rights.self && !mayUse(rights.standing(address)));
  if (others.length === 0 || strange !== undefined) {
    return unheard(login, messageId, ambiguous('From: some programs read it otherwise than it is written'));
  }
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
 * What mailparser takes for the authors, in latin1. It gets the From field alone, since a header that everybody cuts alike holds no
 * other one (readHeader), and all the others cost it four times as long.
 */
async function otherReading(header: string): Promise<readonly string[]> {
  const { from } = await simpleParser(Buffer.from(`${header}\r\n`, 'latin1'));
  const flat = (list: NonNullable<typeof from>['value']): readonly string[] =>
    list.flatMap(({ address, group }) => [...(address ? [address] : []), ...flat(group ?? [])]);
  return from === undefined ? [] : flat(from.value);
}
