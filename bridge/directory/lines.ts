/**
 * The lines of a published text in batches as they come from the disk, so that memory stays flat. UTF-8 and nothing else: what was saved in
 * another encoding would be found under wrong names.
 */
import { TextDecoder } from 'node:util';
import { Failure } from '../shared/failure.ts';
import type { Source } from './source.ts';

export interface Batch {
  readonly lines: readonly string[];
  /** The number of the first of them, from 1. */
  readonly first: number;
  /** Bytes read so far, these lines included. */
  readonly read: number;
}

/** Characters. A line of what is published has about a thousand. */
export const LONGEST_LINE = 64 * 1024;

/**
 * Whole lines, without their ends and without a byte order mark. Fails `config` for what isn't UTF-8, holds a NUL or a line that is too
 * long, or ends in the middle of a line.
 */
export async function* batchesOf({ name, size, stream }: Omit<Source, 'close'>): AsyncGenerator<Batch> {
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
      if (read > size) throw new Failure('config', `${name} grows while it is read`, 'wait until it is whole');
      const lines = (rest + text(bytes)).split('\n');
      for (const [at, line] of lines.entries()) refuseUnreadable(line, name, next + at);
      rest = lines.pop() ?? '';
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

function refuseUnreadable(line: string, name: string, number: number): void {
  if (line.includes('\0')) {
    throw new Failure('config', `${name} holds a NUL in line ${number}: it is damaged, or no text`, 'fetch it again');
  }
  if (line.length <= LONGEST_LINE) return;
  throw new Failure(
    'config',
    `line ${number} of ${name} is longer than ${LONGEST_LINE / 1024} kB: it is damaged, or not what is published`,
    'fetch it again',
  );
}
