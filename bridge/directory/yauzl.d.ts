/** What we use of yauzl 3, which brings no types of its own. */
declare module 'yauzl' {
  import type { Readable } from 'node:stream';

  export interface Entry {
    readonly fileName: string;
    readonly uncompressedSize: number;
  }

  export interface ZipFile {
    eachEntry(): AsyncIterable<Entry>;
    openReadStreamPromise(entry: Entry): Promise<Readable>;
    close(): void;
  }

  export class RandomAccessReader {
    /** `end`: the first octet that isn't wanted. */
    _readStreamForRange(start: number, end: number): Readable;
  }

  export function fromRandomAccessReaderPromise(
    reader: RandomAccessReader,
    size: number,
    options: { readonly lazyEntries: true; readonly autoClose: boolean },
  ): Promise<ZipFile>;

  export function openPromise(
    file: string,
    options: { readonly lazyEntries: true; readonly autoClose: boolean },
  ): Promise<ZipFile>;
}
