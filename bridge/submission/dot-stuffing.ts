/** A dot before each line that begins with one (RFC 5321 section 4.5.2). A bare LF, which begins a line for some, is refused. */
import { NotTaken } from './smtp-stream.ts';

export function stuffing() {
  let last = 0x0a;
  return {
    atLineStart: () => last === 0x0a,
    stuff: (chunk: Buffer): Buffer => {
      const parts: Buffer[] = [];
      let from = 0;
      if (chunk[0] === DOT && last === LF) parts.push(ONE_DOT);
      if (chunk[0] === LF && last !== CR) throw new NotTaken(554, '5.6.0 a line ends with LF alone');
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, at + 1)) {
        if (at > 0 && chunk[at - 1] !== CR) throw new NotTaken(554, '5.6.0 a line ends with LF alone');
        if (chunk[at + 1] !== DOT) continue;
        parts.push(chunk.subarray(from, at + 1), ONE_DOT);
        from = at + 1;
      }
      last = chunk[chunk.length - 1] ?? last;
      if (parts.length === 0) return chunk;
      parts.push(chunk.subarray(from));
      return Buffer.concat(parts);
    },
  };
}

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;
const ONE_DOT = Buffer.from('.');
