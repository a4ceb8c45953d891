/**
 * Databases in files that are made from those in PostgreSQL: drafts in a directory that only the owner of the data enters, without the rules until they
 * are whole. When the source is closed they come to their places, one after the other; a mark says so until all of them have.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { syncDirectory } from '../backup/copying.ts';
import { moveFile, putAside, refuseOpenElsewhere } from '../backup/in-place.ts';
import { Failure } from '../shared/failure.ts';
import { groupId, makeDataPlaces } from '../store/databases.ts';
import { type DataFiles, SHARED_GROUP } from '../store/files/data-files.ts';
import { copyingDirectory, installingMark } from '../store/files/half-copied.ts';
import { movedTo } from '../store/files/moved.ts';
import { leavesNoTrace, migrate } from '../store/files/open.ts';
import type { StateDatabase } from '../store/state/state-db.ts';
import { released } from '../store/table/schema.ts';
import type { To } from './ends.ts';
import { roomFiles } from './files-source.ts';
import { filesDestination, type OpenRoom } from './in-files.ts';

/** Whether drafts that are whole were on the way to their places: all that is left is to bring them there. */
export const installing = (files: DataFiles): boolean => existsSync(installingMark(files));

/** Fails `config` where something else is in place. */
export function filesTo(files: DataFiles, now: () => Date): To {
  makeDataPlaces(files);
  refuseOthers(files);
  const directory = copyingDirectory(files);
  const goesOn = existsSync(directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const rooms = roomFiles(files).map((one): OpenRoom => {
    const file = path.join(directory, path.basename(one.file));
    migrate(file, one.kind, { gid: one.room === 'table' ? groupId(SHARED_GROUP) : undefined });
    const database = new Database(file, { fileMustExist: true, timeout: 5000 });
    database.pragma('synchronous = NORMAL');
    for (const name of namesOf(database, 'trigger')) database.exec(`DROP TRIGGER "${name}"`);
    return { ...one, file, database };
  });
  const state = rooms.find(({ room }) => room === 'state') as OpenRoom;
  const query = new Kysely<StateDatabase>({
    dialect: new SqliteDialect({ database: new Database(state.file, { readonly: true }) }),
  });
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    for (const { database } of rooms) database.close();
    await query.destroy();
  };
  return {
    shown: `files in ${files.directory}`,
    goesOn,
    destination: filesDestination(rooms),
    query,
    prepare: async () => refuseOpenElsewhere(files), // what was here before it moved
    settle: async () => {
      refuseOpenElsewhere(files);
      await query.destroy();
      for (const { database, kind } of rooms) {
        const model = released(kind.migrations);
        const triggers = model
          .prepare<[], string>("SELECT sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid")
          .pluck()
          .all();
        model.close();
        database.transaction(() => {
          for (const name of namesOf(database, 'trigger')) database.exec(`DROP TRIGGER "${name}"`);
          for (const sql of triggers) database.exec(sql);
        })();
        database.pragma('journal_mode = DELETE'); // one file, without a log of writes beside it
      }
      for (const { database, file } of rooms) {
        database.close();
        const fd = openSync(file, 'r');
        try {
          fsyncSync(fd);
        } finally {
          closeSync(fd);
        }
      }
      closed = true;
      syncDirectory(directory);
    },
    install: async () => install(files, now()),
    end: close,
  };
}

const namesOf = (database: Database.Database, type: 'trigger') =>
  database.prepare<[string], string>('SELECT name FROM sqlite_schema WHERE type = ?').pluck().all(type);

/** Once the source is closed; again after a kill. Where what was there lies now; undefined where nothing was. */
export function install(files: DataFiles, now: Date): string | undefined {
  const directory = copyingDirectory(files);
  const mark = installingMark(files);
  const drafts = roomFiles(files).map(({ file }) => ({ file, draft: path.join(directory, path.basename(file)) }));
  const aside: { aside: string | undefined; files: { from: string; to: string }[] } = { aside: undefined, files: [] };
  if (!existsSync(mark)) {
    refuseOpenElsewhere(files); // what it was before it moved, and may still be open somewhere
    writeFileSync(mark, '', { mode: 0o600 });
    syncDirectory(directory);
  }
  const there = drafts.filter(({ draft }) => existsSync(draft)).map(({ file }) => file);
  const place = path.join(files.privateDirectory, `before-copy-${now.toISOString().replaceAll(/[:.]/g, '')}`);
  putAside(place, there, aside);
  // The table last: without it nothing begins.
  for (const { file, draft } of [...drafts].reverse()) if (existsSync(draft)) moveFile(draft, file);
  syncDirectory(files.privateDirectory);
  syncDirectory(files.tableDirectory);
  rmSync(directory, { recursive: true });
  syncDirectory(files.privateDirectory);
  return aside.aside;
}

/** What has moved away before may be replaced, and what nobody has ever written to; nothing else. */
function refuseOthers(files: DataFiles): void {
  for (const { file, kind, room } of roomFiles(files)) {
    if (!existsSync(file)) continue;
    const database = new Database(file, { fileMustExist: true, readonly: leavesNoTrace(file), timeout: 5000 });
    try {
      if (movedTo(database) !== undefined || isEmpty(database, room)) continue;
    } finally {
      database.close();
    }
    throw new Failure(
      'refused',
      `${kind.what} is there already: ${file}`,
      'nothing was changed. If it is no longer needed, move it away first',
      { rule: 'MANDAT_IN_PLACE' },
    );
  }
}

const WRITTEN_TO: Readonly<Record<OpenRoom['room'], readonly string[]>> = {
  table: ['mailboxes', 'delegates', 'domains', 'events'],
  state: ['audit', 'ledger', 'outcomes', 'audit_checkpoints'],
  submissions: ['events', 'copies'],
};

function isEmpty(database: Database.Database, room: OpenRoom['room']): boolean {
  try {
    return WRITTEN_TO[room].every((name) => database.prepare(`SELECT 1 FROM "${name}" LIMIT 1`).get() === undefined);
  } catch {
    return false; // none of ours
  }
}
