/**
 * A delegate's contact address: mandatory, of the usual form, and outside MSSanté, since the mails that go there leave the space of trust
 * and since whoever loses their access must still be reached. R41, R51.
 */

export type ContactFault =
  | 'empty'
  | 'format' // not one mailbox that a mail server reads as one (RFC 5321 section 4.1.2, without quoted strings and address literals)
  | 'mssante';

/** In octets: RFC 5321 section 4.5.3.1. */
const LONGEST_LOCAL = 64;
const LONGEST_ADDRESS = 254;
const LONGEST_DOMAIN = 253;

/** The operators' own domain; all others are on the national white list. */
const MSSANTE = 'mssante.fr';

const DOT_STRING = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The fault of an address whose domain is in lower case, an international one as punycode. `whiteList`: domains of MSSanté, in the same
 * form; what lies below one of them is within it.
 */
export function contactFault(address: string, whiteList: ReadonlySet<string>): ContactFault | undefined {
  if (address === '') return 'empty';
  const at = address.lastIndexOf('@');
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const labels = domain.split('.');
  if (
    at < 1 ||
    address.length > LONGEST_ADDRESS ||
    local.length > LONGEST_LOCAL ||
    domain.length > LONGEST_DOMAIN ||
    !DOT_STRING.test(local) ||
    labels.length < 2 ||
    !labels.every((label) => LABEL.test(label))
  ) {
    return 'format';
  }
  return isMssante(domain, whiteList) ? 'mssante' : undefined;
}

/** Whether a domain lies within MSSanté. Both in lower case, as punycode. */
export function isMssante(domain: string, whiteList: ReadonlySet<string>): boolean {
  const labels = domain.split('.');
  return labels.some((_, from) => {
    const above = labels.slice(from).join('.');
    return above === MSSANTE || whiteList.has(above);
  });
}

const SENTENCES: Readonly<Record<ContactFault, string>> = {
  empty: 'a contact address is needed: notices of their delegations go there',
  format: "L'adresse mail ne respecte pas le format attendu (an address is written name@domain, in ASCII before the @)",
  mssante: 'this domain belongs to MSSanté, and a contact address lies outside of it (adresse mail non MSSanté)',
};

export function describeContactFault(fault: ContactFault): string {
  return SENTENCES[fault];
}
