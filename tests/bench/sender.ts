/** The sender map: publishing one change into a small and a very large one, and Postfix's lookups while it is published. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { openSenderMap, prepareSenderMap, SENDER_FILE } from '../../bridge/sender/postfix-sqlite.ts';
import { groupId } from '../../bridge/store/files.ts';
import { type Comparison, compare } from './pairs.ts';

/** Ours against one bare, prepared INSERT and DELETE with the same durability. */
export async function publishFigures(rows: number, pairs: number): Promise<Comparison> {
  return inDirectory(async (directory) => {
    fill(directory, rows);
    const map = openSenderMap(directory);
    const bare = new Database(path.join(directory, SENDER_FILE));
    bare.pragma('synchronous = FULL');
    const insert = bare.prepare(
      "INSERT INTO sender_login (address, login, mailbox) VALUES ('floor@lab.test', 'bob@lab.test', 0)",
    );
    const remove = bare.prepare("DELETE FROM sender_login WHERE address = 'floor@lab.test' AND login = 'bob@lab.test'");
    const owner = { address: 'user1@lab.test', login: 'user1@lab.test' };
    const delegate = { address: 'user1@lab.test', login: 'bob@lab.test' };
    try {
      return await compare(
        `publish one change, ${rows.toLocaleString('en')} rows`,
        async () =>
          timed(
            () => map.publish(1, [owner, delegate]),
            () => map.publish(1, [owner]),
          ),
        async () =>
          timed(
            () => insert.run(),
            () => remove.run(),
          ),
        pairs,
      );
    } finally {
      bare.close();
      map.close();
    }
  });
}

export interface LookupFigures {
  readonly map: string;
  /** Lookups a second through postmap, at rest and while something is published without pause. */
  readonly quiet: number;
  readonly published: number | undefined;
}

const LOOKUPS = 20_000;

export async function lookupFigures(rows: number): Promise<readonly LookupFigures[]> {
  return inDirectory(async (directory) => {
    fill(directory, rows);
    const config = path.join(directory, 'mandat.cf');
    writeFileSync(
      config,
      `dbpath = ${path.join(directory, SENDER_FILE)}\nquery = SELECT login FROM sender_login WHERE address = '%s'\n`,
    );
    const quiet = lookups(`sqlite:${config}`, rows);
    const publisher = spawn(process.execPath, [
      '--import=tsx',
      path.join(import.meta.dirname, 'publisher.ts'),
      directory,
    ]);
    await new Promise((resolve) => publisher.stdout.once('data', resolve));
    const published = lookups(`sqlite:${config}`, rows);
    publisher.kill('SIGKILL');
    const figures: LookupFigures[] = [{ map: 'sqlite: (mandat)', quiet, published }];
    for (const type of ['lmdb', 'hash']) {
      if (!execFileSync('postconf', ['-m'], { encoding: 'utf8' }).split('\n').includes(type)) continue;
      const file = path.join(directory, type);
      writeFileSync(file, Array.from({ length: rows }, (_, n) => `user${n}@lab.test user${n}@lab.test\n`).join(''));
      execFileSync('postmap', [`${type}:${file}`]);
      figures.push({ map: `${type}:`, quiet: lookups(`${type}:${file}`, rows), published: undefined });
    }
    return figures;
  });
}

function lookups(map: string, rows: number): number {
  ask(map, rows); // what the disk has to be asked for once doesn't count
  return ask(map, rows);
}

function ask(map: string, rows: number): number {
  const keys = Array.from({ length: LOOKUPS }, (_, n) => `user${(n * 7919) % rows}@lab.test\n`).join('');
  const began = performance.now();
  const found = execFileSync('postmap', ['-q', '-', map], { input: keys, encoding: 'utf8', maxBuffer: 1 << 26 });
  const seconds = (performance.now() - began) / 1000;
  if (found.split('\n').length - 1 !== LOOKUPS) throw new Error(`${map} did not answer every lookup`);
  return Math.round(LOOKUPS / seconds);
}

function timed(work: () => unknown, undo: () => unknown): number {
  const began = performance.now();
  work();
  const took = performance.now() - began;
  undo();
  return took;
}

function fill(directory: string, rows: number): void {
  prepareSenderMap(directory, groupId('postfix'));
  const database = new Database(path.join(directory, SENDER_FILE));
  const insert = database.prepare('INSERT INTO sender_login (address, login, mailbox) VALUES (?, ?, ?)');
  database.transaction(() => {
    for (let n = 0; n < rows; n++) insert.run(`user${n}@lab.test`, `user${n}@lab.test`, n);
  })();
  database.close();
}

async function inDirectory<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const parent = mkdtempSync(path.join(os.tmpdir(), 'mandat-bench-'));
  try {
    return await work(path.join(parent, 'sender'));
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}
