/**
 * What a log has become while it was looked at, or while nobody did: renamed, copied and emptied, several times in a row. All of these open what
 * there is to read, or throw and leave nothing open.
 */
import { type LogFile, openLogFile } from './log-file.ts';
import { fileOf, isAt, type Sibling, siblings } from './log-files.ts';
import type { FilePosition, LogPosition } from './log-position.ts';

export interface Found {
  /** The oldest first. */
  readonly files: readonly LogFile[];
  /** What was being read is not among them. */
  readonly lost: boolean;
}

/** After a restart: the files of before, and those that came and went since. The log itself is among them only where it was one of those. */
export function openAgain(log: string, position: LogPosition): Found {
  const among = siblings(log);
  const current = among.find(({ place }) => place === log)?.inode;
  const files: LogFile[] = [];
  return closingOnFailure(files, () => {
    let since = 0;
    let lost = false;
    for (const one of position) {
      const there = among.filter(({ inode }) => !files.some((open) => open.inode === inode));
      const file = fileOf(one, there);
      if (file !== undefined) files.push(openLogFile(file.place, one));
      lost = file === undefined; // an older one that was deleted had been read
      since = Math.max(since, file?.written ?? one.written);
    }
    const open = files.at(-1)?.inode;
    const others = among.filter(({ inode }) => inode !== current);
    if (open === undefined || open !== current) files.push(...opened(others, since, position));
    return { files, lost };
  });
}

/** What was renamed since that time, in ms, and is none of these. */
export function unseenSince(log: string, since: number, known: readonly LogFile[]): readonly LogFile[] {
  return opened(
    siblings(log),
    since,
    known.map((one) => one.position()),
  );
}

/** Of a log that was emptied: the copy of it, what came behind, and the log itself, from its beginning. */
export function continued(log: string, kept: FilePosition, open: readonly LogFile[]): Found {
  const among = siblings(log).filter(({ inode }) => inode !== kept.inode);
  const copy = fileOf(kept, among);
  const files: LogFile[] = [];
  return closingOnFailure(files, () => {
    if (copy !== undefined) {
      files.push(openLogFile(copy.place, kept));
      files.push(...opened(among, copy.written, [kept, ...open.map((one) => one.position('kept'))]));
    }
    files.push(openLogFile(log));
    return { files, lost: copy === undefined };
  });
}

/** A copy of what is known is known. */
function opened(among: readonly Sibling[], since: number, known: LogPosition): LogFile[] {
  const files: LogFile[] = [];
  const isKnown = ({ place, inode }: Sibling) =>
    known.some((one) => one.inode === inode || (one.head.octets > 0 && isAt(place, { ...one, at: 0 })));
  return closingOnFailure(files, () => {
    for (const one of among) {
      if (one.isRotated && one.written > since && !isKnown(one)) files.push(openLogFile(one.place));
    }
    return files;
  });
}

function closingOnFailure<T>(files: readonly LogFile[], work: () => T): T {
  try {
    return work();
  } catch (error) {
    for (const one of files) one.close();
    throw error;
  }
}
