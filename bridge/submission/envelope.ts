/**
 * The envelope as it was spoken. Behind smtpd_proxy_filter Postfix repeats its client's MAIL and RCPT octet by octet, in every form that it
 * takes itself (RFC 5321 and more). So they are handed back as they came; only the sender is read, since somebody must answer for it,
 * and where it has a form that two programs could read in two ways, what goes on is what was judged. Commands are in latin1, one
 * character an octet.
 */
import { isPlain, pathTo, readPath } from './smtp-path.ts';

export interface Envelope {
  /** `XFORWARD ADDR=... NAME=...`, whole commands. */
  readonly xforward: readonly string[];
  readonly mail: Mail;
  readonly recipients: readonly Recipient[];
}

export interface Mail {
  /** The whole command. */
  readonly command: string;
  /** '' is the null sender; without `@` where no domain was said. */
  readonly address: string;
  /** Nobody reads it otherwise. */
  readonly plain: boolean;
  readonly parameters: readonly string[];
}

export interface Recipient {
  /** The whole command. */
  readonly command: string;
  /** Undefined where none was said, or none that can be made out. */
  readonly domain: string | undefined;
}

/** Undefined for a sender that can't be read. */
export function readMail(command: string): Mail | undefined {
  const found = argument(command, 'MAIL FROM');
  const address = found && readPath(found.path);
  if (found === undefined || address === undefined) return undefined;
  return { command, address, plain: isPlain(found.path), parameters: found.parameters };
}

/** Every recipient is taken that Postfix has taken. */
export function readRecipient(command: string): Recipient {
  const found = argument(command, 'RCPT TO');
  const address = (found && readPath(found.path)) ?? '';
  return { command, domain: address.includes('@') ? address.slice(address.lastIndexOf('@') + 1) : undefined };
}

/**
 * Whose address it is: completed with the login's own domain where none was said. Postfix completes it with its myorigin, which we don't
 * know: hence {@link mailFor}.
 */
export function senderOf({ address }: Pick<Mail, 'address'>, login: string): string {
  const at = login.lastIndexOf('@');
  return address === '' || address.includes('@') || at < 0 ? address : `${address}${login.slice(at)}`;
}

/** The command that is handed back: as it came, or with the address that was judged. */
export function mailFor(mail: Mail, login: string): string {
  // The re-injection service offers no AUTH, so it doesn't know this parameter (RFC 4954 section 5).
  const parameters = mail.parameters.filter((word) => !/^AUTH=/i.test(word));
  if (mail.plain && parameters.length === mail.parameters.length) return mail.command;
  return [`MAIL FROM:${pathTo(senderOf(mail, login))}`, ...parameters].join(' ');
}

export const saysUtf8 = ({ parameters }: Pick<Mail, 'parameters'>): boolean =>
  parameters.some((word) => /^SMTPUTF8$/i.test(word));

const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;
/** Brackets and quotes keep a path together, as in smtpd_token.c of Postfix, which minds no bracket too many either. */
const PATH = new RegExp(String.raw`^(?:<+(?:${QUOTED}|\\.|[^<>"\\])*>+|(?:${QUOTED}|\\.|[^\s<>"\\])+>*)(?=\s|$)`, 's');

function argument(command: string, verb: string): { readonly path: string; readonly parameters: string[] } | undefined {
  const colon = command.indexOf(':');
  if (command.slice(0, colon).trim().replace(/\s+/g, ' ').toUpperCase() !== verb) return undefined;
  const rest = command.slice(colon + 1).trim();
  const path = PATH.exec(rest)?.[0];
  if (path === undefined) return undefined;
  const parameters = rest.slice(path.length).split(/\s+/);
  return { path, parameters: parameters.filter((word) => word !== '') };
}
