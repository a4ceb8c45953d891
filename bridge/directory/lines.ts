/**
 * The lines of a text file, or of the only text file in a zip archive, in batches as they come from the disk, so that memory stays flat.
 * UTF-8 and nothing else: what was saved in another encoding would be found under wrong names.
 */
import { createReadStream, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { type Entry, openPromise } from 'yauzl';
import { Failure } from '../failure.ts';

export interface Source {
  /** The text file's own name, which may tell its date. */
  readonly name: string;
  /** Bytes of text, for a progress bar. */
  readonly size: number;
  readonly stream: Readable;
  close(): Promise<void>;
}

/** Fails `config` for what can't be read, isn't a file, or is no archive of one text file. */
export async function openSource(file: string): Promise<Source> {
  const { size } = statOf(file);
  if (/\.zip$/i.test(file)) return unzipped(file);
  return { name: path.basename(file), size, stream: createReadStream(file), close: async () => {} };
}

function statOf(file: string): Stats {
  let stat: Stats;
  try {
    stat = statSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure('config', `${file} can't be read (${code})`, 'check the name and the rights on it', {
      cause: error,
    });
  }
  if (stat.isFile()) return stat;
  throw new Failure('config', `${file} is not a file`, 'name the .txt or the .zip as it was published');
}

async function unzipped(file: string): Promise<Source> {
  const damaged = (error: unknown) =>
    error instanceof Failure
      ? error
      : new Failure('config', `${file} is no zip archive, or a damaged one`, 'fetch it again', { cause: error });
  const archive = await openPromise(file, { lazyEntries: true, autoClose: false }).catch((error: unknown) => {
    throw damaged(error);
  });
  try {
    const entries: Entry[] = [];
    for await (const entry of archive.eachEntry()) entries.push(entry);
    const texts = entries.filter(({ fileName }) => /\.(txt|csv)$/i.test(fileName));
    const [entry] = texts;
    if (entry === undefined || texts.length > 1) {
      const names = entries.map(({ fileName }) => fileName).join(', ');
      throw new Failure(
        'config',
        `${file} holds ${texts.length} text files, not one: ${names}`,
        'unpack it, and name the file that is meant',
      );
    }
    const { fileName, uncompressedSize } = entry;
    const stream = await archive.openReadStreamPromise(entry);
    return { name: path.basename(fileName), size: uncompressedSize, stream, close: async () => archive.close() };
  } catch (error) {
    archive.close();
    throw damaged(error);
  }
}

export interface Batch {
  readonly lines: readonly string[];
  /** The number of the first of them, from 1. */
  readonly first: number;
  /** Bytes read so far, these lines included. */
  readonly read: number;
}

/**
 * Whole lines, without their ends and without a byte order mark. Fails `config` for what isn't UTF-8, holds a NUL, or ends in the middle
 * of a line.
 */
export async function* batchesOf({ name, stream }: Source): AsyncGenerator<Batch> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  let next = 1;
  let read = 0;
  const text = (bytes?: Buffer) => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch (error) {
      throw new Failure(
        'config',
        `${name} is not written in UTF-8 (near line ${next})`,
        'import the file as it was published; a file that was opened and saved elsewhere may have changed',
        { cause: error },
      );
    }
  };
  try {
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      read += bytes.length;
      const lines = (rest + text(bytes)).split('\n');
      rest = lines.pop() ?? '';
      const nul = lines.findIndex((line) => line.includes('\0'));
      if (nul >= 0 || rest.includes('\0')) {
        throw new Failure(
          'config',
          `${name} holds a NUL in line ${next + (nul >= 0 ? nul : lines.length)}: it is damaged, or no text`,
          'fetch it again',
        );
      }
      if (lines.length === 0) continue;
      yield { lines: lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)), first: next, read };
      next += lines.length;
    }
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('config', `${name} can't be read to its end: ${(error as Error).message}`, 'fetch it again', {
      cause: error,
    });
  }
  rest += text();
  if (rest.trim() !== '') {
    throw new Failure(
      'config',
      `${name} ends in the middle of line ${next}: it was cut off on its way`,
      'fetch it again; a whole file ends with a line end',
    );
  }
}
