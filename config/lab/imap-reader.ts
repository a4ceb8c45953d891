/**
 * Cuts an IMAP server's bytes into responses: lines ending in CRLF, each with the literals it announces.
 * A line that ends in {n} goes on after n octets, whatever these hold (RFC 9051 section 4.3).
 */
export interface ImapReader {
  /** The responses completed by these bytes; a literal stands verbatim after its {n} and CRLF. */
  push(bytes: Buffer): string[];
}

export function imapReader(): ImapReader {
  let pending: Buffer = Buffer.alloc(0);
  return {
    push(bytes) {
      pending = pending.length === 0 ? bytes : Buffer.concat([pending, bytes]);
      const responses: string[] = [];
      for (let end = responseEnd(pending); end !== undefined; end = responseEnd(pending)) {
        responses.push(pending.subarray(0, end - 2).toString('utf8'));
        pending = pending.subarray(end);
      }
      return responses;
    },
  };
}

function responseEnd(bytes: Buffer): number | undefined {
  for (let from = 0; ; ) {
    const crlf = bytes.indexOf('\r\n', from);
    if (crlf < 0) return undefined;
    const literal = /\{(\d+)\}$/.exec(bytes.toString('latin1', Math.max(from, crlf - 24), crlf));
    if (!literal) return crlf + 2;
    from = crlf + 2 + Number(literal[1]);
    if (from > bytes.length) return undefined;
  }
}
