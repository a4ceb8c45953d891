import { isIPv4 } from 'node:net';

/**
 * Does this host never leave the machine? A name counts only when it is `localhost` itself (RFC 6761 section 6.3);
 * anything else could resolve elsewhere. Takes an IPv6 address with or without brackets.
 */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}
