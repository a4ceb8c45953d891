/**
 * One connection of Dovecot's, line by line: what is asked, and the lines that answer it.
 *
 * At each change of an owner's ACLs Dovecot asks for the whole tree, to find that owner's shares in it, and passes over all others; it says who
 * they are, and is answered with theirs alone. What a delegate lists is asked for by their own name. So nothing that is asked here grows with the server.
 */
import { escaped } from './dict-lines.ts';
import { type Request, requestIn } from './dict-request.ts';
import { keyOf, recipientIn, type Share, shareIn, TREE } from './share-key.ts';
import type { Change, ShareStore } from './share-store.ts';

/** As Dovecot's configuration names the dict: `proxy:PATH:mandat`. */
export const DICT_NAME = 'mandat';

/** Of Dovecot 2.3 and 2.4. */
const MAJORS = [3, 4];

/** Each share has this value; Dovecot looks at the keys alone. */
const VALUE = '1';

const RECURSE = 1;
const SORT_BY_KEY = 2;
const NO_VALUE = 8;
const ASYNC = 32;

/** What a connection may have at once; Dovecot's own client begins one transaction at a time, of one change. */
const MOST_TRANSACTIONS = 16;
const MOST_CHANGES = 10_000;
/** Rows that are read at a time, so that no answer is ever whole in memory. */
const PORTION = 500;

const UNREAD = 'Fthe shares could not be read\n';

/** Nothing that comes after can be trusted: who speaks so is hung up on. */
export class Unreadable extends Error {}

interface Transaction {
  readonly changes: Change[];
  refused?: string;
}

export interface Conversation {
  /** What is asked is done as the answer is taken, a line or several at a time: take all of it. Either throws {@link Unreadable}. */
  answer(line: string): Iterable<string>;
}

/** `failed`: is told what kept a change from being written, or an answer from being read. */
export function conversation(store: ShareStore, failed: (error: unknown) => void): Conversation {
  const transactions = new Map<number, Transaction>();
  let known = false;

  const begun = (id: number) => {
    const transaction = transactions.get(id);
    if (transaction === undefined) throw new Unreadable('a transaction that was not begun');
    return transaction;
  };
  const change = (id: number, key: string, there: boolean, value = VALUE) => {
    const transaction = begun(id);
    const share = shareIn(key);
    if (share === undefined) transaction.refused ??= 'only shares are kept here';
    else if (value !== VALUE) transaction.refused ??= `a share has the value ${VALUE}`;
    else if (transaction.changes.length >= MOST_CHANGES) throw new Unreadable('a transaction without end');
    else transaction.changes.push({ share, there });
  };
  const commit = (id: number): string => {
    const { changes, refused } = begun(id);
    transactions.delete(id);
    if (refused !== undefined) return `F${id}\t${escaped(refused)}`;
    try {
      store.commit(changes);
      return `O${id}`;
    } catch (error) {
      failed(error);
      return `F${id}\tthe shares could not be written`;
    }
  };

  const lookUp = (key: string): string => {
    const share = shareIn(key);
    try {
      return share !== undefined && store.has(share) ? `O${VALUE}\n` : 'N\n';
    } catch (error) {
      failed(error);
      return UNREAD;
    }
  };

  function* answer(request: Request): Iterable<string> {
    switch (request.kind) {
      case 'hello':
        throw new Unreadable('a second greeting');
      case 'lookup':
        return yield lookUp(request.key);
      case 'iterate':
        return yield* iteration(store, request, failed);
      case 'begin':
        if (transactions.has(request.transaction)) throw new Unreadable('a transaction that was begun already');
        if (transactions.size >= MOST_TRANSACTIONS) throw new Unreadable('too many transactions at once');
        transactions.set(request.transaction, { changes: [] });
        return;
      case 'set':
        return change(request.transaction, request.key, true, request.value);
      case 'unset':
        return change(request.transaction, request.key, false);
      case 'foreign':
        begun(request.transaction).refused ??= 'only shares are kept here';
        return;
      case 'remark':
        begun(request.transaction);
        return;
      case 'commit':
        return yield `${request.later ? 'A' : ''}${commit(request.transaction)}\n`;
      case 'rollback':
        begun(request.transaction);
        transactions.delete(request.transaction);
    }
  }

  return {
    answer: (line) => {
      const request = requestIn(line);
      if (request === undefined) throw new Unreadable('a line that is none of the protocol');
      if (known) return answer(request);
      if (request.kind !== 'hello') throw new Unreadable('no greeting');
      if (!MAJORS.includes(request.major)) throw new Unreadable(`version ${request.major} of the protocol`);
      if (request.dict !== DICT_NAME) throw new Unreadable(`the dict is called "${DICT_NAME}" here`);
      known = true;
      return [];
    },
  };
}

type Iterate = Extract<Request, { kind: 'iterate' }>;

/** The rows, then an empty line; or why there are none. */
function* iteration(store: ShareStore, request: Iterate, failed: (error: unknown) => void): Iterable<string> {
  const { flags, most, path, user } = request;
  const whole = path === TREE;
  const recipient = recipientIn(path);
  if ((flags & RECURSE) === 0 || (flags & ~(RECURSE | SORT_BY_KEY | NO_VALUE | ASYNC)) !== 0)
    return yield 'Fthis is not asked of a list of shares\n';
  if (whole && user === '') return yield 'Fit is not said who asks\n';
  if (!whole && recipient === undefined) return yield 'Fonly shares are kept here\n';
  const value = (flags & NO_VALUE) === 0 ? VALUE : '';
  let left = most === 0 ? Number.POSITIVE_INFINITY : most;
  let last: Share | undefined;
  try {
    while (left > 0) {
      const asked = Math.min(left, PORTION);
      const rows: readonly Share[] = whole
        ? store.by(user, last?.to ?? '', asked)
        : store.with(recipient as string, last?.from ?? '', asked);
      if (rows.length > 0) yield rows.map((share) => `O${escaped(keyOf(share))}\t${value}\n`).join('');
      if (rows.length < asked) break;
      left -= rows.length;
      last = rows.at(-1);
    }
  } catch (error) {
    failed(error);
    return yield UNREAD;
  }
  yield '\n';
}
