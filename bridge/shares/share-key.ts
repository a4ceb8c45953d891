/** What Dovecot's list of who shares with whom calls a share: `shared/shared-boxes/user/bob@example.org/alice@example.org`. Pure. */

/** One owner's mailbox, and who may see that it is there. Dovecot keeps no rights here: the ACLs alone say who may read what. */
export interface Share {
  /** `user/LOGIN`, `group/NAME`, or `anyone`. */
  readonly to: string;
  /** The owner's login. */
  readonly from: string;
}

/** What every key begins with; asked for by whoever changes their own shares. */
export const TREE = 'shared/shared-boxes/';

/** In octets; a login has 254 at most. */
const LONGEST = 1024;

const KINDS = /^(?:user\/.|group\/.|anyone$)/s;

/** Undefined for what is no such key. Owners' names hold no slash: Dovecot itself takes what stands behind the last one. */
export function shareIn(key: string): Share | undefined {
  if (!key.startsWith(TREE) || !isText(key)) return undefined;
  const last = key.lastIndexOf('/');
  const [to, from] = [key.slice(TREE.length, last), key.slice(last + 1)];
  return last < TREE.length || from === '' || !KINDS.test(to) ? undefined : { to, from };
}

/** `shared/shared-boxes/user/bob@example.org/`: whose shares are asked for. Undefined where it is nobody's. */
export function recipientIn(path: string): string | undefined {
  if (!path.startsWith(TREE) || !path.endsWith('/') || !isText(path)) return undefined;
  const to = path.slice(TREE.length, -1);
  return KINDS.test(to) ? to : undefined;
}

export const keyOf = ({ to, from }: Share): string => `${TREE}${to}/${from}`;

/** Not what was no UTF-8, or is longer than any key, or holds a NUL, which SQLite and C would end it at. */
const isText = (key: string) => !/[\ufffd\0]/.test(key) && Buffer.byteLength(key) <= LONGEST;
