/** The Message-ID of a message, read alike wherever it is asked for: where the message is sent, and where its copy is stored. */

/** `<...>` of printable ASCII: it goes into a search on the server, an audit entry, a MAC. Another form counts as none. RFC 5322 section 3.6.4. */
const WELL_FORMED = /^<[!-;=?-~]{1,250}>$/;

/** @param value of the header field, folded or not */
export function messageIdOf(value: string): string | undefined {
  const unfolded = value.replace(/\s+/g, ' ').trim();
  return WELL_FORMED.test(unfolded) ? unfolded : undefined;
}

const FIELD = /^message-id[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)/im;

/** Of the first such field in a header, in which nothing of a body may stand. */
export function messageIdIn(header: string): string | undefined {
  const [, value] = FIELD.exec(header) ?? [];
  return value === undefined ? undefined : messageIdOf(value);
}

/** The header's bytes, one character each, without the body. */
export function headerOf(message: Buffer): string {
  const ends = [message.indexOf('\r\n\r\n'), message.indexOf('\n\n')].filter((at) => at >= 0);
  return message.toString('latin1', 0, ends.length === 0 ? message.length : Math.min(...ends));
}
