/** Files that one machine has imported and all of a site read, in the site's PostgreSQL: in portions, so that memory stays flat, and proven by their digest. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import os from 'node:os';
import { sql } from 'kysely';
import type { Instant } from '../../../acl/delegation-facts.ts';
import { Failure } from '../../shared/failure.ts';
import type { StateDb } from '../state/state-db.ts';

export interface SharedFile {
  readonly upload: string;
  /** SHA-256, in hexadecimal. */
  readonly digest: string;
  /** In octets. */
  readonly size: number;
  readonly imported: Instant;
  /** Where it was imported. */
  readonly host: string;
}

/** Octets of a portion: what this process and PostgreSQL hold at a time. */
const PORTION = 1 << 20;
/** A file larger than this is something else: the whole published directory has a tenth of it. */
const LARGEST = 4 * 2 ** 30;

type Own = Pick<StateDb, 'query'>;

export async function newestShared({ query }: Own, name: string): Promise<SharedFile | undefined> {
  const { rows } =
    await sql<SharedFile>`SELECT upload, digest, size, imported, host FROM shared_files WHERE name = ${name}`.execute(
      query,
    );
  return rows[0];
}

/** Nobody sees it before all of it is there; those of before are forgotten. Fails `retry` where another upload of the name was faster. */
export async function shareFile({ query }: Own, name: string, file: string, imported: Instant): Promise<SharedFile> {
  const { size } = await stat(file);
  if (size > LARGEST) throw new Failure('config', `${file} is too large to be shared (${size} octets)`);
  const upload = randomUUID();
  const hash = createHash('sha256');
  let parts = 0;
  let sent = 0;
  for await (const bytes of createReadStream(file, { highWaterMark: PORTION }) as AsyncIterable<Buffer>) {
    hash.update(bytes);
    sent += bytes.length;
    await sql`INSERT INTO shared_portions (name, upload, part, bytes) VALUES (${name}, ${upload}, ${++parts}, ${bytes})`.execute(
      query,
    );
  }
  const shared = { upload, digest: hash.digest('hex'), size: sent, imported, host: os.hostname() };
  await query.transaction().execute(async (within) => {
    await sql`INSERT INTO shared_files (name, upload, digest, size, imported, host)
      VALUES (${name}, ${upload}, ${shared.digest}, ${sent}, ${imported}, ${shared.host})
      ON CONFLICT (name) DO UPDATE SET upload = excluded.upload, digest = excluded.digest, size = excluded.size, imported = excluded.imported, host = excluded.host`.execute(
      within,
    );
    const { rows } = await sql<{
      readonly there: number;
    }>`SELECT count(*) AS there FROM shared_portions WHERE name = ${name} AND upload = ${upload}`.execute(within);
    if (rows[0]?.there !== parts)
      throw new Failure(
        'retry',
        `another import of the ${name} was faster`,
        '"mandat directory status" shows it; import again if need be',
      );
    await sql`DELETE FROM shared_portions WHERE name = ${name} AND upload <> ${upload}`.execute(within);
  });
  return shared;
}

/** Writes it to a new file. Fails `retry` where a newer one came meanwhile, or it isn't what was shared. */
export async function fetchShared(
  { query }: Own,
  name: string,
  { upload, digest, size }: SharedFile,
  to: string,
): Promise<void> {
  const hash = createHash('sha256');
  const handle = await open(to, 'wx', 0o640);
  try {
    let got = 0;
    for (let part = 1; got < size; part++) {
      const { rows } = await sql<{ readonly bytes: Buffer }>`SELECT bytes FROM shared_portions
        WHERE name = ${name} AND upload = ${upload} AND part = ${part}`.execute(query);
      const bytes = rows[0]?.bytes;
      if (bytes === undefined || bytes.length === 0) throw changed(name);
      hash.update(bytes);
      got += bytes.length;
      await handle.writeFile(bytes);
    }
    if (got !== size || hash.digest('hex') !== digest) throw changed(name);
    await handle.chmod(0o640);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const changed = (name: string) =>
  new Failure(
    'retry',
    `the ${name} in PostgreSQL is not the one that was imported, or another came just now: nothing of it was taken`,
    'try again; if it stays so, import it anew on any machine: "mandat directory import"',
  );
