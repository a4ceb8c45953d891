/** An older table put back, or another one in the place of this. */
import { copyFile, rename, rm } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { at } from '../../servers/site.ts';
import type { History } from './history.ts';
import { held, type Model, rowOf, samePair } from './model.ts';
import { settle } from './settle.ts';
import type { Step } from './steps.ts';
import { endSidecar, rowsIn } from './world.ts';

type How = NonNullable<Extract<Step, { do: 'restore' }>['how']>;

/** False: nothing is saved, or it would not be clear what the table gives. */
export async function restore(history: History, how: How): Promise<boolean> {
  const { saved, world } = history;
  if (saved === undefined) return false;
  const begun = how === 'mid-revoke' ? revokeBegun(history) : undefined;
  if (begun === undefined) await settle(history);
  const { model } = history;
  if (model.fromThePast || held(model).length > 0) return false;
  const version = versionOf(history);
  await endSidecar(world, 'SIGTERM'); // as docs/backup.md has it: nobody else may hold the file open
  for (const beside of ['-wal', '-shm']) await rm(`${world.site.table}${beside}`, { force: true });
  const copy = `${savedFile(history)}.copy`;
  await copyFile(savedFile(history), copy);
  if (how === 'another') becomeAnother(copy, version);
  await rename(copy, world.site.table);
  const fromThePast = version > saved.version || how === 'another';
  history.model = { ...model, table: structuredClone(saved.table), fromThePast, begun: begun ?? [] };
  history.counts = undefined;
  history.dirty = true;
  history.moved = true;
  await settle(history);
  return true;
}

/** The one pair whose row has gone since all was settled, if the sidecar was killed at a command of its revoke. */
function revokeBegun({ model, trapped, world }: History): readonly [Model['standing'][number]] | undefined {
  const [gone, ...others] = model.standing.filter((one) => !rowOf(model.table, one));
  if (gone === undefined || others.length > 0 || model.fromThePast || world.sidecar !== undefined) return undefined;
  const same = model.table.rows.filter((row) => !model.standing.some((one) => samePair(one, row)));
  const its = trapped?.includes('DELETEACL') && trapped.includes(at(gone.who));
  return its && same.length === 0 ? [gone] : undefined;
}

/** As a table that was made anew, and has seen more changes than the one before. */
function becomeAnother(file: string, version: number): void {
  const database = new Database(file);
  database.exec(`INSERT INTO writer (id, actor) VALUES (1, 'proof');
    UPDATE settings SET value = lower(hex(randomblob(16))) WHERE name = 'epoch';
    UPDATE counters SET version = ${version + 1000};
    DELETE FROM writer`);
  database.close();
}

/** Attempts, where the table is locked for long on a machine that is busy with other things: the command says to try again. */
const ATTEMPTS = 6;
const TRY_AGAIN = 5;

export async function accept(history: History): Promise<void> {
  for (let time = 1; ; time++) {
    const { status, stderr } = await history.world.site.mandat('restore', 'accept', '--yes');
    if (status === 0) break;
    if (status !== TRY_AGAIN || time === ATTEMPTS) throw new Error(`mandat restore accept: ${status} ${stderr}`);
  }
  history.model = { ...history.model, fromThePast: false };
  history.dirty = true;
}

export const savedFile = ({ world }: History) => `${world.site.lab.directory}/saved.db`;

export function versionOf({ world }: Pick<History, 'world'>): number {
  return rowsIn<{ version: number }>(world.site.table, 'SELECT version FROM counters')[0]?.version ?? 0;
}
