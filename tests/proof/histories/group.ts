/** People who play a history of their own beside others on the same servers: accounts, mailboxes and delegates that no other group has. */
import { at as inDomain } from '../../servers/site.ts';

export interface Group {
  readonly index: number;
  /** What is called `alice` in a history is called in this group. */
  named(name: string): string;
  /** Its login and address. */
  at(name: string): string;
}

export function groupAt(index: number): Group {
  const named = (name: string) => (index === 0 ? name : `${name}${index}`);
  return { index, named, at: (name) => inDomain(named(name)) };
}
