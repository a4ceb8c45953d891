/**
 * The envelope as it came. smtp-server rewrites `xn--` domains and decodes ENVID and ORCPT, so what is replayed is the command line
 * itself, which its logger is given before the command is handled.
 */
import type { SMTPServerOptions } from 'smtp-server';

export interface Envelope {
  /** `ADDR=... NAME=...`, whole commands. */
  readonly xforward: readonly string[];
  /** `MAIL FROM:<...> ...`, a whole command. */
  readonly mail: string;
  /** '' is the null sender. */
  readonly mailFrom: string;
  readonly utf8: boolean;
  readonly recipients: readonly Recipient[];
}

export interface Recipient {
  /** A whole command. */
  readonly command: string;
  readonly address: string;
}

const SHAPE = /^(?:MAIL FROM|RCPT TO) *: *<([^<>]*)>((?: +[^ ]+)*) *$/i;

/** Undefined for a line that can't be replayed as it stands: control characters (a bare CR too), not UTF-8, or another shape. */
export function addressIn(line: string): { readonly address: string; readonly parameters: string } | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f\ufffd]/.test(line)) return undefined;
  const found = SHAPE.exec(line);
  return found === null ? undefined : { address: found[1] ?? '', parameters: found[2] ?? '' };
}

export interface CommandLines {
  readonly logger: SMTPServerOptions['logger'];
  /** The line of the command that this session is just handling. */
  last(session: string): string;
  forwarded(session: string): readonly string[];
  forget(session: string): void;
}

/** Keeps the last line of each session, and its XFORWARD commands. */
export function commandLines(): CommandLines {
  const last = new Map<string, string>();
  const forwarded = new Map<string, string[]>();
  const hear = (entry: { tnx?: string; cid?: string }, prefix: string, line: unknown) => {
    if (entry?.tnx !== 'command' || prefix !== 'C:' || entry.cid === undefined) return;
    last.set(entry.cid, String(line));
    if (!/^XFORWARD /i.test(String(line))) return;
    const lines = forwarded.get(entry.cid) ?? [];
    if (lines.length < 8) forwarded.set(entry.cid, [...lines, String(line)]);
  };
  const ignore = () => {};
  const logger = {
    debug: hear,
    info: ignore,
    warn: ignore,
    error: ignore,
    trace: ignore,
    fatal: ignore,
    level: ignore,
  };
  return {
    logger: logger as unknown as SMTPServerOptions['logger'],
    last: (session) => last.get(session) ?? '',
    forwarded: (session) => forwarded.get(session) ?? [],
    forget: (session) => {
      last.delete(session);
      forwarded.delete(session);
    },
  };
}
