/** The arguments of raw IMAP commands. */

export type Argument =
  | { readonly type: 'ATOM' | 'STRING'; readonly value: string }
  | { readonly type: 'LITERAL'; readonly value: Buffer; readonly isLiteral8: boolean }
  | {
      readonly type: 'ATOM';
      readonly value: string;
      readonly section: readonly Argument[];
      readonly partial: readonly number[];
    }
  | readonly Argument[];

export const atom = (value: string): Argument => ({ type: 'ATOM', value });
/** Sent quoted or as a literal, whatever it holds; CR, LF and NUL are refused by the library. */
export const text = (value: string): Argument => ({ type: 'STRING', value });

/**
 * A whole message. Above 4 kB the server is asked first whether it wants it, and the bytes are sent as they lie there, not copied.
 * One that holds a NUL needs the extension BINARY (RFC 3516).
 */
export const literal = (value: Buffer): Argument => ({ type: 'LITERAL', value, isLiteral8: value.includes(0) });

/** `BODY.PEEK[]<at.length>`: so many octets of a message. */
export const octetsOf = (at: number, length: number): Argument => ({
  type: 'ATOM',
  value: 'BODY.PEEK',
  section: [],
  partial: [at, length],
});
