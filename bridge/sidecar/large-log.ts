/** A log of writes that can't be emptied because some program reads without end: said with its name, once, and again when it is twice as large. */
import type { Logger } from 'pino';
import { describeReader, logReaders } from '../store/files/log-readers.ts';

export function openLogWarnings(log: Logger): (file: string, size: number) => void {
  const told = new Map<string, number>();
  return (file, size) => {
    const last = told.get(file);
    if (last !== undefined && size >= last && size < 2 * last) return; // smaller: it was emptied in between
    told.set(file, size);
    const readers = logReaders(file).map(describeReader);
    log.warn(
      { file, size, readers, hint: 'end what reads it, or make it end its transaction' },
      'the log of writes grows, and cannot be emptied while a program is reading the database',
    );
  };
}
