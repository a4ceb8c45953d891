/**
 * What Dovecot asks a dict server, protocol 3 (Dovecot 2.3) and 4 (2.4): one line a request. As its own client writes them
 * (src/lib-dict/dict-client.h), and as recorded on the wire (tests/shares/). Pure.
 */
import { wordsOf } from './dict-lines.ts';

export type Request =
  /** The first line of a connection. */
  | { readonly kind: 'hello'; readonly major: number; readonly dict: string }
  | { readonly kind: 'lookup'; readonly key: string }
  /** All below a path; `user`: who asks. */
  | {
      readonly kind: 'iterate';
      readonly flags: number;
      /** 0: all. */
      readonly most: number;
      readonly path: string;
      readonly user: string;
    }
  | { readonly kind: 'begin'; readonly transaction: number }
  | { readonly kind: 'set'; readonly transaction: number; readonly key: string; readonly value: string }
  | { readonly kind: 'unset'; readonly transaction: number; readonly key: string }
  /** Part of a transaction, and nothing that a list of shares has. */
  | { readonly kind: 'foreign'; readonly transaction: number }
  /** A remark about a transaction that changes nothing: its time, what not to log. */
  | { readonly kind: 'remark'; readonly transaction: number }
  /** `later`: the answer says that nobody waits for it (2.3's asynchronous commit). */
  | { readonly kind: 'commit'; readonly transaction: number; readonly later: boolean }
  | { readonly kind: 'rollback'; readonly transaction: number };

type Reader = (words: readonly string[]) => Request | undefined;

/** By the first letter of the line. */
const READERS: Readonly<Record<string, Reader>> = {
  H: ([major, minor, type, user, dict]) =>
    isCount(major) && isCount(minor) && isCount(type) && user !== undefined && dict !== undefined
      ? { kind: 'hello', major: Number(major), dict }
      : undefined,
  L: ([key]) => (key === undefined || key === '' ? undefined : { kind: 'lookup', key }),
  I: ([flags, most, path, user = '']) =>
    isCount(flags) && isCount(most) && path !== undefined
      ? { kind: 'iterate', flags: Number(flags), most: Number(most), path, user }
      : undefined,
  B: ([id]) => about(id, (transaction) => ({ kind: 'begin', transaction })),
  S: ([id, key, value]) =>
    about(id, (transaction) =>
      key === undefined || value === undefined ? undefined : { kind: 'set', transaction, key, value },
    ),
  U: ([id, key]) => about(id, (transaction) => (key === undefined ? undefined : { kind: 'unset', transaction, key })),
  A: ([id]) => about(id, (transaction) => ({ kind: 'foreign', transaction })),
  T: ([id]) => about(id, (transaction) => ({ kind: 'remark', transaction })),
  V: ([id]) => about(id, (transaction) => ({ kind: 'remark', transaction })),
  C: ([id]) => about(id, (transaction) => ({ kind: 'commit', transaction, later: false })),
  D: ([id]) => about(id, (transaction) => ({ kind: 'commit', transaction, later: true })),
  R: ([id]) => about(id, (transaction) => ({ kind: 'rollback', transaction })),
};

/** Undefined for a line that can't be read; nothing after it can be trusted then. */
export function requestIn(line: string): Request | undefined {
  const read = Object.hasOwn(READERS, line[0] ?? '') ? READERS[line[0] as string] : undefined;
  return read?.(wordsOf(line.slice(1)));
}

/** As Dovecot's 32-bit numbers, or 64-bit ones that JavaScript can hold. */
const isCount = (word: string | undefined): boolean => word !== undefined && /^\d{1,15}$/.test(word);

const about = (id: string | undefined, make: (transaction: number) => Request | undefined): Request | undefined =>
  isCount(id) ? make(Number(id)) : undefined;
