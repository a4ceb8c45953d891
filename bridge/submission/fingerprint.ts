/**
 * What a message says, whoever has stored it: the copy that a mail client saves itself is the same but for Sender, Bcc, and what is added on
 * the way (Received and the like). Octet by octet otherwise; empty lines at the end don't count. Read as it streams by.
 */
import { createHash } from 'node:crypto';
import { LONGEST_HEADER } from './header-block.ts';

/** SHA-256, in hexadecimal. */
export interface Fingerprint {
  /** Of every octet. */
  readonly exact: string;
  /** Without Bcc and what is added on the way. */
  readonly signed: string;
  /** Without Sender, too. */
  readonly content: string;
  /** It has been on its way: no copy of a mail client's has a Received field. */
  readonly received: boolean;
}

export interface Fingerprinting {
  update(chunk: Buffer): void;
  /** Undefined for a header that is longer than any that we let pass. */
  end(): Fingerprint | undefined;
}

/** What we and Postfix add to a header comes on top of what may be in it. */
const LONGEST = 2 * LONGEST_HEADER;
const END = Buffer.from('\r\n\r\n');
const ON_THE_WAY = ['received', 'return-path', 'delivered-to', 'x-original-to', 'bcc'];

export function fingerprinting(): Fingerprinting {
  const exact = createHash('sha256');
  const body = createHash('sha256');
  const trailing = withoutTrailingLines((chunk) => body.update(chunk));
  /** Until it ends. */
  let head: Buffer | undefined = Buffer.alloc(0);
  let tooLong = false;
  let fields: readonly string[] = [];

  const inHead = (before: Buffer, chunk: Buffer) => {
    head = Buffer.concat([before, chunk]);
    const ends = head.indexOf(END, Math.max(before.length - END.length, 0));
    tooLong = (ends < 0 ? head.length - END.length : ends) > LONGEST;
    if (ends < 0 || tooLong) return;
    fields = fieldsOf(head.subarray(0, ends + 2));
    const rest = head.subarray(ends + END.length);
    head = undefined;
    trailing.update(rest);
  };
  return {
    update: (chunk) => {
      exact.update(chunk);
      if (head === undefined) trailing.update(chunk);
      else if (!tooLong) inHead(head, chunk);
    },
    end: () => {
      if (tooLong) return undefined;
      if (head !== undefined) fields = fieldsOf(head);
      const text = body.digest('hex');
      const of = (left: readonly string[]) =>
        createHash('sha256')
          .update(Buffer.from(fields.filter((field) => !left.includes(nameOf(field))).join(''), 'latin1'))
          .update(`\r\n${text}`)
          .digest('hex');
      return {
        exact: exact.digest('hex'),
        signed: of(ON_THE_WAY),
        content: of([...ON_THE_WAY, 'sender']),
        received: fields.some((field) => nameOf(field) === 'received'),
      };
    },
  };
}

export function fingerprintOf(message: Buffer): Fingerprint | undefined {
  const print = fingerprinting();
  print.update(message);
  return print.end();
}

const fieldsOf = (block: Buffer): readonly string[] => block.toString('latin1').split(/(?<=\r\n)(?![ \t])/);

const nameOf = (field: string): string =>
  field
    .slice(0, Math.max(field.indexOf(':'), 0))
    .trimEnd()
    .toLowerCase();

/** Keeps line ends back until something follows them; so many at a time that nobody fills the memory with them. */
function withoutTrailingLines(pass: (chunk: Buffer) => void) {
  let kept: Buffer[] = [];
  let length = 0;
  return {
    update: (chunk: Buffer) => {
      let end = chunk.length;
      while (end > 0 && (chunk[end - 1] === CR || chunk[end - 1] === LF)) end--;
      if (end > 0) {
        for (const one of kept) pass(one);
        kept = [];
        length = 0;
        pass(chunk.subarray(0, end));
      }
      if (end < chunk.length) kept.push(Buffer.from(chunk.subarray(end)));
      length += chunk.length - end;
      if (length < MOST_KEPT) return;
      const all = Buffer.concat(kept);
      const whole = length - (length % MOST_KEPT);
      pass(all.subarray(0, whole));
      kept = [all.subarray(whole)];
      length -= whole;
    },
  };
}

const CR = 0x0d;
const LF = 0x0a;
const MOST_KEPT = 65_536;
