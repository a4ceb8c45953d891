/** The sender map: publishing one change into a small and a very large one, and Postfix's lookups while it is published. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { startSocketmap } from '../../bridge/sender/socketmap.ts';
import { MAP_NAME } from '../../bridge/sender/socketmap-answer.ts';
import { groupId } from '../../bridge/store/databases.ts';
import { openSenderMap, prepareSenderMap, SENDER_FILE } from '../../bridge/store/published/sender-map.ts';
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
            () => {
              map.publish(1, [owner, delegate]);
              return map.reached();
            },
            () => {
              map.publish(1, [owner]);
              return map.reached();
            },
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
    const socket = path.join(directory, 'sender.sock');
    const place = { path: socket, gid: groupId('postfix') ?? 0, mode: 0o660, setting: 'the bench' };
    const socketmap = await startSocketmap({ directory, place, identity: true });
    const figures: LookupFigures[] = [];
    for (const [map, table] of [
      ['sqlite: (mandat)', `sqlite:${config}`],
      ['socketmap: (mandat)', `socketmap:unix:${socket}:${MAP_NAME}`],
    ] as const) {
      const quiet = await lookups(table, rows);
      const publisher = spawn(process.execPath, [
        '--import=tsx',
        path.join(import.meta.dirname, 'publisher.ts'),
        directory,
      ]);
      await new Promise((resolve) => publisher.stdout.once('data', resolve));
      const published = await lookups(table, rows);
      publisher.kill('SIGKILL');
      figures.push({ map, quiet, published });
    }
    await socketmap.close();
    for (const type of ['lmdb', 'hash']) {
      if (!execFileSync('postconf', ['-m'], { encoding: 'utf8' }).split('\n').includes(type)) continue;
      const file = path.join(directory, type);
      writeFileSync(file, Array.from({ length: rows }, (_, n) => `user${n}@lab.test user${n}@lab.test\n`).join(''));
      execFileSync('postmap', [`${type}:${file}`]);
      figures.push({ map: `${type}:`, quiet: await lookups(`${type}:${file}`, rows), published: undefined });
    }
    return figures;
  });
}

async function lookups(map: string, rows: number): Promise<number> {
  await ask(map, rows); // what the disk has to be asked for once doesn't count
  return ask(map, rows);
}

/** One after the other, as smtpd asks. Not in this process's time: the socketmap answers from here. */
async function ask(map: string, rows: number): Promise<number> {
  const keys = Array.from({ length: LOOKUPS }, (_, n) => `user${(n * 7919) % rows}@lab.test\n`).join('');
  const began = performance.now();
  const asking = promisify(execFile)('postmap', ['-q', '-', map], { maxBuffer: 1 << 26 });
  asking.child.stdin?.end(keys);
  const { stdout } = await asking;
  const seconds = (performance.now() - began) / 1000;
  if (stdout.split('\n').length - 1 !== LOOKUPS) throw new Error(`${map} did not answer every lookup`);
  return Math.round(LOOKUPS / seconds);
}

async function timed(work: () => unknown, undo: () => unknown): Promise<number> {
  const began = performance.now();
  await work();
  const took = performance.now() - began;
  await undo();
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
