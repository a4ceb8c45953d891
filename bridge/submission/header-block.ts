/** The header block of a message that streams by: the only part that is ever held in memory, and no more of it than LONGEST_HEADER. */
import type { Readable } from 'node:stream';

/** Postfix itself reads a single field up to 100 kB (header_size_limit). */
export const LONGEST_HEADER = 512 * 1024;

export type Head =
  /** `block` without the empty line; `rest` begins with it, or is empty where the message has no body. */
  { readonly kind: 'head'; readonly block: Buffer; readonly rest: Buffer } | { readonly kind: 'too-long' };

const END = Buffer.from('\r\n\r\n');

export async function readHead(chunks: AsyncIterator<Buffer>): Promise<Head> {
  const parts: Buffer[] = [];
  let length = 0;
  let tail: Buffer = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await chunks.next();
    if (done === true) return { kind: 'head', block: Buffer.concat(parts), rest: Buffer.alloc(0) };
    const chunk: Buffer = value;
    parts.push(chunk);
    const seam = Buffer.concat([tail, chunk]);
    const found = seam.indexOf(END);
    if (found >= 0) {
      const end = length - tail.length + found + 2;
      if (end > LONGEST_HEADER) return { kind: 'too-long' };
      const all = Buffer.concat(parts);
      return { kind: 'head', block: all.subarray(0, end), rest: all.subarray(end) };
    }
    length += chunk.length;
    if (length > LONGEST_HEADER) return { kind: 'too-long' };
    tail = seam.subarray(-3);
  }
}

/** Reads a message to its end without keeping it. */
export async function drain(chunks: AsyncIterator<Buffer>): Promise<void> {
  while ((await chunks.next()).done !== true);
}

/** Without ending the stream where the reader stops early. */
export const chunksOf = (stream: Readable): AsyncIterator<Buffer> =>
  stream.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
