/** Databases in files that are left for PostgreSQL: read from snapshots of their own, and at the end closed to everybody in one moment. */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Failure } from '../shared/failure.ts';
import { DELEGATIONS, STATE, SUBMISSIONS } from '../store/databases.ts';
import { isBusy } from '../store/files/busy.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { markMoved, movedFailure, movedTo } from '../store/files/moved.ts';
import { refuseLink } from '../store/files/no-follow.ts';
import { explained, open } from '../store/files/open.ts';
import { differencesIn } from '../store/table/rule-repair.ts';
import { describeDifferences, REPAIR_RULES } from '../store/table/schema.ts';
import type { From } from './ends.ts';
import { filesSource, type OpenRoom, type RoomFile, tablesIn } from './in-files.ts';
import type { Room } from './tables.ts';

/** Between two attempts to have all of them, and for how long. */
const PAUSE_MS = 5;
const PATIENCE_MS = 30_000;

/** The table first: once it is closed, a copy can only go on. */
export const roomFiles = (files: DataFiles): readonly RoomFile[] => [
  { room: 'table', file: files.delegations, kind: DELEGATIONS },
  { room: 'state', file: files.state, kind: STATE },
  { room: 'submissions', file: files.submissions, kind: SUBMISSIONS },
];

/** `to`: as it will be told to whoever still writes. Fails `config` where one of them is of another version, has moved elsewhere, or has changed rules. */
export function filesFrom(files: DataFiles, to: string, now: () => string): From {
  const rooms: OpenRoom[] = [];
  const close = () => {
    for (const { database } of rooms) database.close();
  };
  try {
    for (const one of roomFiles(files)) {
      if (one.room === 'submissions' && !existsSync(one.file)) continue;
      rooms.push({ ...one, database: connect(one, to) });
    }
  } catch (error) {
    close();
    throw error;
  }
  const seen = new Map<Room, number>();
  const version = ({ database }: OpenRoom) => database.pragma('data_version', { simple: true }) as number;
  /** Asked within a transaction: what was committed since the last time is in it. */
  const moved = (): ReadonlySet<Room> => {
    const found = new Set<Room>();
    for (const one of rooms) {
      const now = version(one);
      if (seen.get(one.room) !== now) found.add(one.room);
      seen.set(one.room, now);
    }
    return found;
  };
  const all = (sql: string) => {
    for (const { database } of rooms) if (sql !== 'ROLLBACK' || database.inTransaction) database.exec(sql);
  };
  return {
    shown: `the files in ${files.directory}`,
    closed: rooms.some(({ database }) => movedTo(database) !== undefined),
    tables: tablesIn(rooms),
    snapshot: async (work) => {
      all('BEGIN');
      try {
        for (const { database } of rooms) database.prepare('SELECT count(*) FROM sqlite_schema').get();
        return await work(filesSource(rooms), moved());
      } finally {
        all('ROLLBACK');
      }
    },
    close: async (work) => {
      await lockAll(rooms);
      try {
        const done = await work(filesSource(rooms), moved());
        const at = now();
        for (const { database, kind } of rooms) markMoved(database, kind, to, at);
        for (const { database } of rooms) database.exec('COMMIT');
        return done;
      } catch (error) {
        all('ROLLBACK');
        throw error;
      }
    },
    end: async () => close(),
  };
}

/** One that an earlier copy has closed for the same destination is opened all the same: the copy goes on. */
function connect({ file, kind, room }: RoomFile, to: string): Database.Database {
  refuseLink(file);
  if (existsSync(file)) {
    const database = new Database(file, { fileMustExist: true, timeout: PATIENCE_MS });
    const there = movedTo(database);
    if (there === to) return database;
    database.close(); // else it is opened with all that an opening looks at
    if (there !== undefined) throw movedFailure(kind.what, file, there);
  }
  if (room === 'table') {
    const changed = differencesIn(file, kind);
    if (changed.length > 0) {
      throw new Failure(
        'config',
        `the delegation table (${file}) is not moved as long as its rules are others than the released ones: ${describeDifferences(changed)}`,
        REPAIR_RULES,
        { rule: 'MANDAT_SCHEMA' },
      );
    }
  }
  const database = open(file, kind, { writes: true });
  database.pragma('busy_timeout = 0');
  return database;
}

/** All of them or none: a lock that somebody else has is not waited for with others in hand. */
async function lockAll(rooms: readonly OpenRoom[]): Promise<void> {
  for (const until = performance.now() + PATIENCE_MS; ; await delay(PAUSE_MS)) {
    let last: OpenRoom | undefined;
    try {
      for (const one of rooms) {
        last = one;
        one.database.exec('BEGIN IMMEDIATE');
      }
      return;
    } catch (error) {
      for (const { database } of rooms) if (database.inTransaction) database.exec('ROLLBACK');
      if (!isBusy(error)) throw error;
      if (performance.now() > until) throw explained(error, last?.file ?? '', last?.kind.what ?? '');
    }
  }
}
