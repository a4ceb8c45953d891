/** How one layout writes folders: the owner's names of them and a delegate's, from the path that people think of. */
import { at } from '../site.ts';

/** From the top of an owner's mailbox, in modified UTF-7: `['Work', 'Sub']`. `['INBOX']` is the INBOX. */
export type Path = readonly string[];

export interface Writing {
  /** What an owner's own names begin with, but for INBOX: `INBOX.`. Default: nothing. */
  readonly prefix?: string;
  /** Of the owner's names. Default: `/`. */
  readonly delimiter?: string;
  /** Of names in the shared namespace. Default: the owner's. */
  readonly sharedDelimiter?: string;
  /** Where a delegate finds an owner, for the whole address. Default: below `shared/`. */
  readonly root?: (owner: string) => string;
  /** The delegate's name of an owner's INBOX, where it isn't the root itself. */
  readonly inbox?: string;
}

export interface Names {
  own(path: Path): string;
  /** By the owner's short name, `alice`. */
  shared(owner: string, path: Path): string;
  /** What every name of the shared namespace begins with that belongs to this owner. */
  root(owner: string): string;
}

export function namesOf({ prefix = '', delimiter = '/', sharedDelimiter = delimiter, inbox, ...rest }: Writing): Names {
  const root = (owner: string) => rest.root?.(at(owner)) ?? `shared${sharedDelimiter}${at(owner)}`;
  const isInbox = (path: Path) => path.length === 1 && path[0] === 'INBOX';
  return {
    root,
    own: (path) => (isInbox(path) ? 'INBOX' : `${prefix}${path.join(delimiter)}`),
    shared: (owner, path) => {
      const below = isInbox(path) ? (inbox === undefined ? [] : [inbox]) : path;
      return [root(owner), ...below].join(sharedDelimiter);
    },
  };
}
