/** An older table put back, or another one in the place of this: for every group at once. */
import { copyFile, rename, rm } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { type History, heldOf, type Round } from './history.ts';
import { type Access, rowOf, samePair } from './model.ts';
import { settleAll } from './settle.ts';
import type { Step } from './steps.ts';
import { endSidecar, rowsIn, type World, whoLocks } from './world.ts';

type How = NonNullable<Extract<Step, { do: 'restore' }>['how']>;

const anyHeld = ({ histories }: Round) => histories.some((one) => heldOf(one).length > 0);
export const fromThePast = ({ histories }: Round) => histories.some(({ model }) => model.fromThePast);

/** False: it would not be clear what the table gives. */
export async function save(round: Round): Promise<boolean> {
  const { world, histories } = round;
  await settleAll(histories);
  if (fromThePast(round) || anyHeld(round)) return false;
  const file = savedFile(world);
  await rm(file, { force: true });
  await world.site.sql(`VACUUM INTO '${file}'`);
  const version = versionOf(world);
  for (const one of histories) one.saved = { table: structuredClone(one.model.table), version };
  return true;
}

/** False: nothing is saved, or it would not be clear what the table gives. */
export async function restore(round: Round, how: How): Promise<boolean> {
  const { world, histories } = round;
  const version = histories[0]?.saved?.version;
  if (version === undefined) return false;
  const begun = how === 'mid-revoke' ? revokeBegun(round) : undefined;
  if (begun === undefined) await settleAll(histories);
  if (fromThePast(round) || anyHeld(round)) return false;
  const now = versionOf(world);
  await endSidecar(world, 'SIGTERM'); // as docs/backup.md has it: nobody else may hold the file open
  for (const beside of ['-wal', '-shm']) await rm(`${world.site.table}${beside}`, { force: true });
  const copy = `${savedFile(world)}.copy`;
  await copyFile(savedFile(world), copy);
  if (how === 'another') becomeAnother(copy, now);
  await rename(copy, world.site.table);
  for (const one of histories) {
    const { saved, model } = one;
    if (saved === undefined) continue;
    one.model = {
      ...model,
      table: structuredClone(saved.table),
      fromThePast: now > saved.version || how === 'another',
      begun: begun?.history === one ? [begun.pair] : [],
    };
    one.counts = undefined;
    one.dirty = true;
    one.moved = true;
  }
  await settleAll(histories);
  return true;
}

/** The one pair whose row has gone since all was settled, if the sidecar was killed at a command of its revoke. */
function revokeBegun(round: Round): { readonly history: History; readonly pair: Access } | undefined {
  const { world, histories, trapped } = round;
  const all = histories.flatMap((history) =>
    history.model.standing.filter((one) => !rowOf(history.model.table, one)).map((pair) => ({ history, pair })),
  );
  const [gone, ...others] = all;
  if (gone === undefined || others.length > 0 || fromThePast(round) || world.sidecar !== undefined) return undefined;
  const same = histories.some(({ model }) =>
    model.table.rows.some((row) => !model.standing.some((one) => samePair(one, row))),
  );
  const its = trapped?.includes('DELETEACL') && trapped.includes(gone.history.group.at(gone.pair.who));
  return its && !same ? gone : undefined;
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

export async function accept({ world, histories }: Round): Promise<void> {
  for (let time = 1; ; time++) {
    const { status, stderr } = await world.site.mandat('restore', 'accept', '--yes');
    if (status === 0) break;
    if (status !== TRY_AGAIN || time === ATTEMPTS) throw new Error(`mandat restore accept: ${status} ${stderr}`);
    world.oddities.push(`restore accept: ${stderr}\n${whoLocks(world)}`);
  }
  for (const one of histories) {
    one.model = { ...one.model, fromThePast: false };
    one.dirty = true;
  }
}

const savedFile = ({ site }: World) => `${site.lab.directory}/saved.db`;

function versionOf({ site }: World): number {
  return rowsIn<{ version: number }>(site.table, 'SELECT version FROM counters')[0]?.version ?? 0;
}
