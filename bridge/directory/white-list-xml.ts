/**
 * The national white list of MSSanté domains as it is published: XML, each domain a `Nom` in a `Domaine` of its namespace. Anything else
 * that XML could bring along, a document type with entities of its own, tags without end within tags, is refused unread.
 */
import { SaxesParser } from 'saxes';
import { asciiDomain } from '../shared/domain-name.ts';
import { Failure } from '../shared/failure.ts';

const NAMESPACE = 'https://listeblanche.mssante.fr/schema';

export interface ReadWhiteList {
  /** Each once, sorted, as punycode. */
  readonly domains: readonly string[];
  /** Names that are no domains, and the first few of them. */
  readonly bad: number;
  readonly examples: readonly { readonly line: number; readonly name: string }[];
}

const EXAMPLES = 5;

/** The published one has four levels, hardly an attribute, and some ten thousand elements. */
const DEEPEST = 32;
const MOST_ELEMENTS = 250_000;
const MOST_ATTRIBUTES = 32;
/** RFC 1035 section 2.3.4; a little more, for names that are not in ASCII yet. */
const LONGEST_NAME = 1000;

/** Characters that the parser is given at once: it stops at what is refused, not behind it. */
const PORTION = 64 * 1024;

/** Fails `config` for what isn't that list; `file` is for the message. */
export function readWhiteListXml(text: string, file: string): ReadWhiteList {
  const refuse = (why: string) =>
    new Failure(
      'config',
      `${file} is not the white list: ${why}; the one before stays`,
      'import the XML file as it was published',
      { rule: 'NO_WHITE_LIST' },
    );
  const parser = new SaxesParser({ xmlns: true });
  const domains = new Set<string>();
  const examples: { line: number; name: string }[] = [];
  let bad = 0;
  let elements = 0;
  let attributes = 0;
  const path: string[] = [];
  let name: string | undefined;
  parser.on('error', ({ message }) => {
    throw refuse(`it is not well-formed XML (line ${message.replace(/^(\d+):\d+: /, '$1: ')})`);
  });
  parser.on('doctype', () => {
    throw refuse('it declares a document type, which the published one does not');
  });
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !/^utf-?8$/i.test(encoding)) throw refuse('it says that it is not in UTF-8');
  });
  const bound = (count: number, most: number, what: string) => {
    if (count > most) throw refuse(`line ${parser.line} has more than ${most} ${what}`);
  };
  parser.on('opentagstart', () => {
    bound(path.length + 1, DEEPEST, 'elements within each other');
    bound(++elements, MOST_ELEMENTS, 'elements above it');
    attributes = 0;
  });
  parser.on('attribute', () => bound(++attributes, MOST_ATTRIBUTES, 'attributes in one element'));
  parser.on('opentag', ({ local, uri, isSelfClosing }) => {
    const here = uri === NAMESPACE ? local : '';
    if (here === 'Nom' && path.at(-1) === 'Domaine' && !isSelfClosing) name = '';
    path.push(here);
  });
  const add = (part: string) => {
    if (name !== undefined) name = (name + part).slice(0, LONGEST_NAME + 1);
  };
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', () => {
    const closed = path.pop();
    if (name === undefined || closed !== 'Nom') return;
    const written = name.trim();
    const domain = written.length > LONGEST_NAME ? undefined : asciiDomain(written);
    name = undefined;
    // A single label would be a whole country.
    if (domain?.includes('.') && !domain.endsWith('.')) domains.add(domain);
    else {
      bad++;
      if (examples.length < EXAMPLES) examples.push({ line: parser.line, name: written.slice(0, 100) });
    }
  });
  for (let at = 0; at < text.length; at += PORTION) parser.write(text.slice(at, at + PORTION));
  parser.close();
  if (domains.size === 0) throw refuse(bad > 0 ? `none of its ${bad} names is a domain` : 'it lists no domain');
  return { domains: [...domains].sort(), bad, examples };
}
