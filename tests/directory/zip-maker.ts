/** Zip archives made by hand, so that they can be what no honest program makes: huge ones in a moment, and ones that lie. */
import { constants, crc32, deflateRawSync } from 'node:zlib';

export interface Member {
  readonly name: string;
  /** Deflated. */
  readonly data: Buffer;
  /** What the archive says of the text; the truth or not. */
  readonly size: number;
  readonly crc: number;
}

export function member(name: string, text: string | Buffer): Member {
  const bytes = Buffer.from(text);
  return { name, data: deflateRawSync(bytes), size: bytes.length, crc: crc32(bytes) };
}

/** `head`, then `megabytes` MB of one letter: each MB is the same deflated block again. Its checksum is none. */
export function swollen(name: string, head: string, letter: string, megabytes: number): Member {
  const flushed = { finishFlush: constants.Z_FULL_FLUSH };
  const block = deflateRawSync(Buffer.alloc(1024 * 1024, letter), flushed);
  const blocks = Array.from({ length: megabytes }, () => block);
  const data = Buffer.concat([deflateRawSync(Buffer.from(head), flushed), ...blocks, deflateRawSync(Buffer.alloc(0))]);
  return { name, data, size: Buffer.byteLength(head) + megabytes * 1024 * 1024, crc: 0 };
}

/** APPNOTE.TXT sections 4.3.7, 4.3.12 and 4.3.16. */
export function zipOf(members: readonly Member[]): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const { name, data, size, crc } of members) {
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0); // version
    shared.writeUInt16LE(0x0800, 2); // names in UTF-8
    shared.writeUInt16LE(8, 4); // deflate
    shared.writeUInt32LE(crc, 10);
    shared.writeUInt32LE(data.length, 14);
    shared.writeUInt32LE(size, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), shared, Buffer.from(name), data);
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, place, Buffer.from(name));
    at += 30 + Buffer.byteLength(name) + data.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(members.length, 4);
  end.writeUInt16LE(members.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, directory, Buffer.from('PK\x05\x06', 'latin1'), end]);
}
