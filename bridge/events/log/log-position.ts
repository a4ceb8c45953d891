/** How far a log has been read: the files that it is and was, and the place in each behind which nothing has been taken. JSON text. */

export interface FilePosition {
  /** Of the file, by which it is found under another name. */
  readonly inode: string;
  /** Of its first octets, so many; by which it is known for the same, and found as a copy. */
  readonly head: { readonly octets: number; readonly sha256: string };
  /** Octets that were read; a line begins there. */
  readonly at: number;
  /** When it was last written to then, ms since the epoch: files that are older came before it. */
  readonly written: number;
}

/** More than came and went while nobody looked are not known any more. */
const MOST_FILES = 40;

/** The oldest first; the last is the log itself. */
export type LogPosition = readonly FilePosition[];

export function positionText(position: LogPosition): string {
  return JSON.stringify({ files: position.slice(-MOST_FILES) });
}

/** Undefined for what isn't one. */
export function readPosition(text: string | undefined): LogPosition | undefined {
  if (text === undefined) return undefined;
  try {
    const { files } = JSON.parse(text) as { readonly files: unknown };
    return Array.isArray(files) && files.length > 0 && files.length <= MOST_FILES && files.every(isFilePosition)
      ? files
      : undefined;
  } catch {
    return undefined;
  }
}

function isFilePosition(value: unknown): value is FilePosition {
  const { inode, head, at, written } = (value ?? {}) as Partial<FilePosition>;
  return (
    typeof inode === 'string' &&
    isCount(head?.octets) &&
    typeof head?.sha256 === 'string' &&
    isCount(at) &&
    typeof written === 'number'
  );
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
