/** Netstrings, `5:hello,`, as Postfix's socketmap protocol has them around every request and reply. Pure. */

/** Longer than any address that Postfix takes. */
export const LONGEST_REQUEST = 4096;

export interface Unpacked {
  readonly requests: readonly string[];
  /** The beginning of one that isn't whole yet. */
  readonly rest: Buffer;
  /** Why nothing that comes after can be read any more. */
  readonly broken: 'malformed' | 'too long' | undefined;
}

export function unpack(bytes: Buffer): Unpacked {
  const requests: string[] = [];
  let at = 0;
  const end = (broken: Unpacked['broken']): Unpacked => ({ requests, rest: bytes.subarray(at), broken });
  for (;;) {
    // One digit more than the longest has, so that a length that never ends is noticed.
    const head = bytes.toString('latin1', at, at + 6);
    const { digits, colon } = /^(?<digits>\d*)(?<colon>:?)/.exec(head)?.groups ?? {};
    const length = Number(digits);
    if (length > LONGEST_REQUEST) return end('too long');
    if (colon === '') return end(digits === head && !/^0./.test(head) && head.length < 6 ? undefined : 'malformed');
    if (digits === undefined || !/^(?:0|[1-9]\d*)$/.test(digits)) return end('malformed');
    const from = at + digits.length + 1;
    if (bytes.length <= from + length) return end(undefined);
    if (bytes[from + length] !== 0x2c) return end('malformed');
    requests.push(bytes.toString('utf8', from, from + length));
    at = from + length + 1;
  }
}

export function pack(text: string): string {
  return `${Buffer.byteLength(text)}:${text},`;
}
