/**
 * A path of an SMTP command (RFC 5321 section 4.1.2), and the forms beside it that Postfix takes: no brackets, no domain, comments and
 * spaces of RFC 822. Paths are in latin1, one character an octet; addresses are what their UTF-8 says.
 */

/** No quotes, no escapes: any octet but controls, spaces and what separates. Dots anywhere. */
const ATOM = String.raw`[^\x00-\x20\x7f"(),:;<>@[\\\]]+`;
const QUOTED = String.raw`"(?:[^\x00-\x1f\x7f"\\]|\\[^\x00-\x1f\x7f])*"`;
const ROUTE = `@${ATOM}(?:,@${ATOM})*:`;
const PLAIN = new RegExp(String.raw`^<(?:(?:${ROUTE})?(?:${ATOM}|${QUOTED})@(?:${ATOM}|\[[\w.:-]+\]))?>$`);

/** As RFC 5321 has it, in brackets and with a domain, or the null path: whoever reads it reads the same address. */
export const isPlain = (path: string): boolean => PLAIN.test(path);

/**
 * The address: quotes, comments and spaces are off, and so are a source route (RFC 5321 appendix C) and a last dot. Without `@` where the
 * path has no domain; undefined where it holds more than one address, or what is no part of one, or is far longer than any
 * (256 octets, RFC 5321 section 4.5.3.1.3).
 */
export function readPath(path: string): string | undefined {
  if (path.length > LONGEST) return undefined;
  const text = utf8(path.replace(/^<+/, '').replace(/>+$/, ''));
  const read = text === undefined || CONTROL.test(text) ? undefined : pieces(text);
  if (read === undefined) return undefined;
  const route = read[0] === '@' ? read.indexOf(':') + 1 : 0;
  if (read[0] === '@' && route === 0) return undefined;
  // `name:address;`, a group (RFC 5322 section 3.4), which Postfix takes too.
  const group = route === 0 && read.at(-1) === ';' ? read.indexOf(':') + 1 : 0;
  const address = group > 0 ? read.slice(group, -1) : read.slice(route);
  const at = address.indexOf('@');
  const local = at < 0 ? address : address.slice(0, at);
  const domain = at < 0 ? [] : address.slice(at + 1);
  if ([...local, ...domain].some((piece) => SEPARATES.test(piece))) return undefined;
  if (at < 0) return said(local);
  return local.length === 0 || domain.length === 0 ? undefined : `${said(local)}@${said(domain).replace(/\.$/, '')}`;
}

/** As a path says it, the local part in quotes where it must be. */
export function pathTo(address: string): string {
  const at = address.lastIndexOf('@');
  const octets = Buffer.from(address, 'utf8').toString('latin1');
  if (at < 0 || WHOLE_ATOM.test(address.slice(0, at))) return `<${octets}>`;
  const [local, domain] = [octets.slice(0, octets.lastIndexOf('@')), octets.slice(octets.lastIndexOf('@'))];
  return `<"${local.replace(/["\\]/g, '\\$&')}"${domain}>`;
}

const LONGEST = 1024;
const WHOLE_ATOM = new RegExp(`^${ATOM}$`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/;
const SEPARATES = /^[,:;<>@]$/;
/** Something quoted, an escaped character, an address literal, spaces, any other character. */
const PIECE = /"(?:[^"\\]|\\.)*"|\\.|\[[^[\]\\\s]*\]|\s+|[^"\\[\])]/sy;

/** In order, each with its quotes; without comments and spaces. Undefined where a quote or comment has no end. */
function pieces(text: string): readonly string[] | undefined {
  const found: string[] = [];
  let depth = 0;
  for (let at = 0; at < text.length; ) {
    if (depth > 0) {
      if (text[at] === '(') depth++;
      if (text[at] === ')') depth--;
      at += text[at] === '\\' ? 2 : 1;
      continue;
    }
    PIECE.lastIndex = at;
    const piece = PIECE.exec(text)?.[0];
    if (piece === undefined) return undefined;
    if (piece === '(') depth = 1;
    else if (piece.trim() !== '') found.push(piece);
    at += piece.length;
  }
  return depth === 0 ? found : undefined;
}

const said = (read: readonly string[]): string =>
  read.map((piece) => piece.replace(/^"(.*)"$/s, '$1').replace(/\\(.)/gs, '$1')).join('');

function utf8(octets: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(octets, 'latin1'));
  } catch {
    return undefined;
  }
}
