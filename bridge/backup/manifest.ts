/**
 * What a backup says of itself: `manifest.json`, written last, so that a directory without one was never finished. Its own seal is an HMAC under
 * seal.key: who can write the directory, and hasn't the key, can't change what it says.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, fsyncSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { Failure } from '../shared/failure.ts';
import { mac } from '../store/trail/seal-mac.ts';

export const MANIFEST = 'manifest.json';

/** The only names that a backup has, and so the only ones that are ever read from one. */
const NAMES =
  /^(?:delegation\.db|state\.db|submission\.db|seal\.key|seal\.head|white-list\.json|mandat\.toml|(?:directory|correspondence)-\d{1,9}\.db|trace\.head|trace\/\d{4}-(?:0[1-9]|1[0-2])(?:-\d{1,3})?\.db)$/;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().min(0);

const databaseFacts = z.strictObject({
  /** PRAGMA user_version: which version of the schema. */
  version: count,
  /** SHA-256 of all that stands in sqlite_schema (store/schema.ts). */
  schema: digest,
  /** How many rows each table has. */
  rows: z.record(z.string(), count),
});
export type DatabaseFacts = z.infer<typeof databaseFacts>;

const entry = z.strictObject({
  name: z.string().regex(NAMES),
  /** In octets. */
  size: count,
  sha256: digest,
  /** Of the databases whose rows are put back. */
  database: databaseFacts.optional(),
});
export type ManifestEntry = z.infer<typeof entry>;

const manifest = z.strictObject({
  format: z.literal('mandat backup 1'),
  /** Of the program that made it. */
  mandat: z.string(),
  taken: z.iso.datetime(),
  dataDir: z.string(),
  /** Of delegation.db: the name that it gave itself, and its version then. */
  epoch: z.string(),
  version: count,
  /** Which state.db has worked it off; null before the first sidecar. */
  stateId: z.string().nullable(),
  /** Where the audit trail ended. */
  trail: z.strictObject({
    head: z.strictObject({ id: count, seal: z.string() }).nullable(),
    /** How many entries were proven; null where they could not be: `why`. */
    proven: count.nullable(),
    why: z.string().nullable(),
  }),
  /** The trace of access: where it ended, how many accesses were proven, and why not. Absent where none was copied. */
  trace: z
    .strictObject({
      head: z.strictObject({ file: z.string(), id: count, seal: z.string() }).nullable(),
      proven: count.nullable(),
      why: z.string().nullable(),
    })
    .optional(),
  files: z.array(entry).max(1000),
});
export type Manifest = z.infer<typeof manifest>;

const sealedManifest = manifest.extend({ seal: digest });

/** What a manifest's seal is over: the rest of it, as it is written. */
const sealOf = (key: Buffer, of: Manifest) => mac(key, JSON.stringify(['backup', of]));

export function writeManifest(directory: string, key: Buffer, of: Manifest): void {
  const file = path.join(directory, MANIFEST);
  const fd = openSync(file, 'wx', 0o600);
  try {
    writeFileSync(fd, `${JSON.stringify({ ...manifest.parse(of), seal: sealOf(key, manifest.parse(of)) }, null, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** No manifest of ours is as long, in octets. */
const LONGEST = 1024 * 1024;

/** Fails `config` where there is none, or it isn't one of this program's. `isSealedWith` tells by the key, which is read later. */
export function readManifest(directory: string): {
  readonly manifest: Manifest;
  isSealedWith(key: Buffer): boolean;
} {
  const file = path.join(directory, MANIFEST);
  const text = readSmall(file);
  if (text === undefined) {
    throw new Failure(
      'config',
      `${directory} has no ${MANIFEST}: it is no backup of mandat's, or one that was never finished`,
      'name the directory that "mandat backup" has made, or an older one',
    );
  }
  const parsed = sealedManifest.safeParse(jsonOf(text));
  if (!parsed.success) {
    throw new Failure(
      'config',
      `${file} is damaged, or of another version of mandat: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}`.trim(),
      'take another backup',
    );
  }
  const { seal, ...said } = parsed.data;
  const twice = said.files.find(({ name }, at) => said.files.findIndex((one) => one.name === name) !== at);
  if (twice !== undefined) throw new Failure('config', `${file} names ${twice.name} twice`, 'take another backup');
  return { manifest: said, isSealedWith: (key) => sealOf(key, said) === seal };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readSmall(file: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') throw new Failure('config', `${file} is a link`, 'find out who put it there');
    throw error;
  }
  try {
    const { size } = fstatSync(fd);
    if (size > LONGEST) throw new Failure('config', `${file} is too long to be one of mandat's`, 'take another backup');
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

const CHUNK = 1024 * 1024;

/** SHA-256 and size of what is open, read in portions from its start; each portion is handed on. */
export function digestOf(
  fd: number,
  handOn: (portion: Buffer) => void = () => {},
): Pick<ManifestEntry, 'sha256' | 'size'> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK);
  let size = 0;
  for (;;) {
    const length = readSync(fd, buffer, 0, CHUNK, size);
    if (length === 0) return { sha256: hash.digest('hex'), size };
    const portion = buffer.subarray(0, length);
    hash.update(portion);
    handOn(portion);
    size += length;
  }
}
