/**
 * What makes the trace provable: each access is sealed over what it says and the seal before it, as the audit trail's entries are; each month's file
 * over where it begins in that chain. HMAC-SHA-256 with the audit trail's key, of which 128 bits are kept (RFC 2104 section 5): an access is to take
 * few octets. What is sealed is what is said, not its numbers in `names`.
 */
import { createHmac } from 'node:crypto';
import type { Access } from './access.ts';

/** An access of the trace, by its number and seal, and the file that it stands in. */
export interface TraceHead {
  readonly file: string;
  readonly id: number;
  readonly seal: Buffer;
}

export const NO_SEAL = Buffer.alloc(0);

const SEAL_OCTETS = 16;

export function traceMac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest().subarray(0, SEAL_OCTETS);
}

export function accessSeal(key: Buffer, before: Buffer, id: number, access: Access): Buffer {
  const { at, login, identifier, relation, via, delegation, mailbox, owner, folder, action, verb, answer, said } =
    access;
  const { messages, uidValidity, target, address, session } = access;
  const set = messages === null ? null : [messages.set, messages.by, messages.more];
  const to =
    target === null
      ? null
      : [
          typeof target.mailbox === 'string' ? target.mailbox : { address: target.mailbox.address },
          target.folder,
          target.uidValidity,
          target.set,
        ];
  const who = [login, identifier, relation, via, delegation, address, session];
  const what = [mailbox, owner, folder, action, verb, answer, said, set, uidValidity, to];
  return traceMac(key, JSON.stringify(['access', before.toString('base64'), id, at, ...who, ...what]));
}

export interface Beginning {
  readonly file: string;
  readonly month: string;
  readonly madeAt: string;
  /** Null: the first there ever was. */
  readonly after: TraceHead | null;
}

export function beginningSeal(key: Buffer, { file, month, madeAt, after }: Beginning): Buffer {
  const behind = after === null ? null : [after.file, after.id, after.seal.toString('base64')];
  return traceMac(key, JSON.stringify(['month', file, month, madeAt, behind]));
}

export interface FileEnd {
  readonly id: number;
  readonly seal: Buffer;
  readonly oldest: number | null;
  readonly newest: number | null;
}

export function endMac(key: Buffer, file: string, { id, seal, oldest, newest }: FileEnd): Buffer {
  return traceMac(key, JSON.stringify(['end', file, id, seal.toString('base64'), oldest, newest]));
}

export interface GoneFile {
  readonly file: string;
  readonly lastId: number;
  readonly lastSeal: Buffer;
  readonly accesses: number;
  readonly at: string;
}

export function goneSeal(key: Buffer, { file, lastId, lastSeal, accesses, at }: GoneFile): Buffer {
  return traceMac(key, JSON.stringify(['gone', file, lastId, lastSeal.toString('base64'), accesses, at]));
}
