/** Whose address a request comes from, for the limits and the log: as the nearest reverse proxies have written it. */
import { isIP } from 'node:net';

/**
 * `forwarded`: X-Forwarded-For; `proxies`: how many of ours stand in between. What is left of the entry that they wrote is the asker's own word
 * and isn't looked at. `peer`: whoever is connected, undefined at a Unix socket.
 */
export function clientAddress(forwarded: string | undefined, proxies: number, peer: string | undefined): string {
  const near = peer ?? 'socket';
  if (proxies === 0) return near;
  const chain = (forwarded ?? '').split(',').map((one) => one.trim());
  const claimed = chain.at(-proxies) ?? '';
  return isIP(claimed) === 0 ? near : claimed;
}

/** Who counts as one: an IPv6 asker has a whole /64. */
export function asker(address: string): string {
  if (isIP(address) !== 6 || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const known = groups(head);
  const filled =
    tail === undefined
      ? known
      : [...known, ...Array(8 - known.length - groups(tail).length).fill('0'), ...groups(tail)];
  return `${filled
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
