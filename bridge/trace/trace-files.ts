/** Where the trace lies: one file a month below `private/trace/`, and where it ended last, beside the key. */
import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { DataFiles } from '../store/files/data-files.ts';
import type { FileKind } from '../store/files/open.ts';
import { trace1 } from '../store/migrations/trace-1.ts';

export const TRACE: FileKind = {
  what: 'the trace of access',
  applicationId: 0x6d616e36, // "man6"
  mode: 0o600,
  migrations: [trace1],
};

/** `2026-11.db`; a second file of a month (`2026-11-2.db`) is made where the clock was set back by more than a day. */
const MONTH_FILE = /^(\d{4}-(?:0[1-9]|1[0-2]))(?:-(\d{1,3}))?\.db$/;

export const traceDirectory = ({ privateDirectory }: Pick<DataFiles, 'privateDirectory'>) =>
  path.join(privateDirectory, 'trace');

/** Names of the months' files, in the order of their names. */
export function monthFiles(directory: string): readonly string[] {
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(directory)
    .filter((name) => MONTH_FILE.test(name))
    .sort((one, other) => compare(one, other));
}

function compare(one: string, other: string): number {
  const [a, b] = [monthOf(one), monthOf(other)];
  return a === b ? numberOf(one) - numberOf(other) : a < b ? -1 : 1;
}

/** `2026-11` */
export const monthOf = (file: string): string => MONTH_FILE.exec(file)?.[1] ?? '';

const numberOf = (file: string) => Number(MONTH_FILE.exec(file)?.[2] ?? 1);

/** A name for another file of this month. */
export function nextFile(month: string, there: readonly string[]): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? `${month}.db` : `${month}-${number}.db`;
    if (!there.includes(name)) return name;
  }
}

/** By UTC, as all times of the trace. */
export const monthAt = (now: Date): string => now.toISOString().slice(0, 7);

/** So many months before: `monthsBefore('2026-02', 3)` is `2025-11`. */
export function monthsBefore(month: string, months: number): string {
  const [year = 0, one = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, one - 1 - months, 1)).toISOString().slice(0, 7);
}
