/** Domains as people write them, brought into the one form that is compared. */
import { isIP } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';

/**
 * Lower case, an international domain as punycode; undefined where it isn't a domain. domainToASCII parses as a URL does: it would cut
 * at a slash, and read 127.1 as an address.
 */
export function asciiDomain(domain: string): string | undefined {
  if (/[^\p{L}\p{M}\p{N}.\-_\u00b7\u200c\u200d]/u.test(domain)) return undefined;
  const found = punycode(domain);
  // A digit in parentheses (U+2474) is one character that becomes three.
  return !/^[a-z0-9._-]+$/.test(found) || isIP(found) !== 0 ? undefined : found;
}

/**
 * Node's domainToASCII, the same in every version: '' where it isn't a domain. Node 24 believes a name in ASCII, whatever its `xn--` stands
 * for; here each such label must be what its own meaning is written as (RFC 5891 section 5.4).
 */
export function punycode(domain: string): string {
  const found = domainToASCII(domain);
  return found.split('.').every((label) => !label.startsWith('xn--') || standsForItself(label)) ? found : '';
}

function standsForItself(label: string): boolean {
  const meant = domainToUnicode(label);
  return meant !== '' && meant !== label && domainToASCII(meant) === label;
}
