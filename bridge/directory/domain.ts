/** Domains as people write them, brought into the one form that is compared. */
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/**
 * Lower case, an international domain as punycode; undefined where it isn't a domain. domainToASCII parses as a URL does: it would cut
 * at a slash, and read 127.1 as an address.
 */
export function asciiDomain(domain: string): string | undefined {
  if (/[^\p{L}\p{M}\p{N}.\-_\u00b7\u200c\u200d]/u.test(domain)) return undefined;
  const found = domainToASCII(domain);
  return found === '' || isIP(found) !== 0 ? undefined : found;
}
