/**
 * A published file, opened: the text itself, or a text in a zip archive, the only one or the one that has its name. Which of the two it is,
 * its first bytes say. Whoever can put a file there must not be able to fill the memory or keep us busy for ever, so what it may be unpacked to is bounded.
 */
import { readSync, type Stats } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { type Entry, fromRandomAccessReaderPromise, openPromise, RandomAccessReader, type ZipFile } from 'yauzl';
import { Failure } from '../shared/failure.ts';
import { isHeld, openGiven, statGiven, streamGiven } from '../shared/given-file.ts';
import { oneLine } from '../shared/harmless-text.ts';

export interface Source {
  /** The text file's own name, which may tell its date. */
  readonly name: string;
  /** Bytes of text, for a progress bar. */
  readonly size: number;
  readonly stream: Readable;
  close(): Promise<void>;
}

const MB = 1024 * 1024;

/** The bounds; tests set smaller ones. */
export interface SourceLimits {
  /** Bytes of text. What is published has about 1 GB. */
  readonly largest: number;
  /** How many times the archive's own bytes it may unpack to. What is published: about ten times; zeros: a thousand. */
  readonly ratio: number;
  /** Up to so many bytes the ratio doesn't matter: few lines that are much alike pack well. */
  readonly harmless: number;
}

export const LIMITS: SourceLimits = { largest: 4096 * MB, ratio: 100, harmless: 64 * MB };

/** What is published holds three. */
const MOST_ENTRIES = 100;

/** Fails `config` for what can't be read, isn't a file, is an archive in which no text or several could be meant, or is too large. */
export async function openSource(file: string, limits: SourceLimits = LIMITS): Promise<Source> {
  const { size } = statOf(file);
  const kind = kindOf(file);
  if (kind === 'zip') return unzipped(file, size, limits);
  if (kind !== undefined) {
    throw new Failure(
      'config',
      `${file} is a ${kind} file, not a text or a zip archive`,
      'unpack it, and name the text file in it',
    );
  }
  if (/\.zip$/i.test(file)) throw damaged(file);
  refuseTooLarge(file, size, limits);
  return { name: path.basename(file), size, stream: streamGiven(file), close: async () => {} };
}

function statOf(file: string): Stats {
  let stat: Stats;
  try {
    stat = statGiven(file);
  } catch (error) {
    throw unreadable(file, error);
  }
  if (stat.isFile()) return stat;
  throw new Failure('config', `${file} is not a file`, 'name the .txt or the .zip as it was published');
}

function unreadable(file: string, error: unknown): Failure {
  const { code } = error as NodeJS.ErrnoException;
  return new Failure('config', `${file} can't be read (${code})`, 'check the name and the rights on it', {
    cause: error,
  });
}

/** How other kinds of files begin, in Latin-1. */
const BEGINNINGS: readonly (readonly [kind: string, begins: string])[] = [
  ['zip', 'PK\x03\x04'],
  ['zip', 'PK\x05\x06'],
  ['gzip', '\x1f\x8b'],
  ['bzip2', 'BZh'],
  ['xz', '\xfd7zXZ'],
  ['7z', '7z\xbc\xaf\x27\x1c'],
  ['Zstandard', '\x28\xb5\x2f\xfd'],
  ['PDF', '%PDF-'],
];

/** What else than text a file is, by its first bytes; undefined where nothing says so. */
export function kindOf(file: string): string | undefined {
  const bytes = Buffer.alloc(8);
  try {
    const { fd, close } = openGiven(file);
    try {
      readSync(fd, bytes, 0, bytes.length, 0);
    } finally {
      close();
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  const beginning = bytes.toString('latin1');
  return BEGINNINGS.find(([, begins]) => beginning.startsWith(begins))?.[0];
}

function refuseTooLarge(what: string, size: number, { largest }: SourceLimits): void {
  if (size <= largest) return;
  throw new Failure(
    'config',
    `${what} has ${Math.ceil(size / MB)} MB of text, more than the ${Math.floor(largest / MB)} MB that it may have`,
    'what is published has about 1,000: fetch it again',
  );
}

function damaged(file: string, cause?: unknown): Failure {
  if (cause instanceof Failure) return cause;
  return new Failure('config', `${file} is no zip archive, or a damaged one`, 'fetch it again', { cause });
}

function openArchive(file: string, size: number): Promise<ZipFile> {
  const options = { lazyEntries: true, autoClose: false } as const;
  if (!isHeld(file)) return openPromise(file, options);
  return fromRandomAccessReaderPromise(new HeldReader(file), size, options);
}

class HeldReader extends RandomAccessReader {
  readonly #file: string;
  constructor(file: string) {
    super();
    this.#file = file;
  }
  override _readStreamForRange(start: number, end: number) {
    return streamGiven(this.#file, { start, end });
  }
}

async function unzipped(file: string, packed: number, limits: SourceLimits): Promise<Source> {
  const archive = await openArchive(file, packed).catch((error: unknown) => {
    throw damaged(file, error);
  });
  try {
    const entry = await textIn(archive, file);
    const { uncompressedSize: size } = entry;
    refuseTooLarge(`${nameOf(entry)} in ${file}`, size, limits);
    if (size > limits.harmless && size > packed * limits.ratio) {
      throw new Failure(
        'config',
        `${file} would unpack to ${Math.floor(size / packed)} times its size: it was made to fill a machine`,
        'fetch it again',
      );
    }
    // What the archive says of the size holds: yauzl ends with an error where there is more or less.
    const stream = await archive.openReadStreamPromise(entry);
    return { name: nameOf(entry), size, stream, close: async () => archive.close() };
  } catch (error) {
    archive.close();
    throw damaged(file, error);
  }
}

const nameOf = ({ fileName }: Entry) => oneLine(path.basename(fileName).slice(0, 200));

/** As the publisher names them; the archive PS_LibreAcces holds two texts more. */
const TAKEN = ['PS_LibreAcces_Personne_activite', 'Extraction_Correspondance_MSSante'] as const;

/** The only text in an archive, or the only one that has the name of what is taken. */
async function textIn(archive: ZipFile, file: string): Promise<Entry> {
  const texts = (await entriesOf(archive, file)).filter(({ fileName }) => /\.(txt|csv)$/i.test(fileName));
  const named = texts.filter(({ fileName }) => TAKEN.some((name) => path.basename(fileName).startsWith(name)));
  const [entry] = texts.length === 1 ? texts : named;
  if (entry !== undefined && (texts.length === 1 || named.length === 1)) return entry;
  throw new Failure(
    'config',
    `${file} holds ${texts.length} text files, ${whyNone(texts, named)}`,
    texts.length === 0 ? 'fetch it again' : 'unpack it, and name the file that is meant',
  );
}

function whyNone(texts: readonly Entry[], named: readonly Entry[]): string {
  if (texts.length === 0) return 'not one';
  if (named.length === 0) return `none of which is named ${TAKEN.join(' or ')}: ${namesOf(texts)}`;
  return `${named.length} of which could be meant: ${namesOf(named)}`;
}

function namesOf(entries: readonly Entry[]): string {
  return [...entries.slice(0, 5).map(nameOf), ...(entries.length > 5 ? ['...'] : [])].join(', ');
}

async function entriesOf(archive: ZipFile, file: string): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of archive.eachEntry()) {
    entries.push(entry);
    if (entries.length > MOST_ENTRIES) {
      throw new Failure(
        'config',
        `${file} holds more than ${MOST_ENTRIES} files`,
        'unpack it, and name the file that is meant',
      );
    }
  }
  return entries;
}
