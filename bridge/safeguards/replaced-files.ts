/**
 * A file of ours that is replaced while it is open (a backup moved over it, say) is followed for ever as the deleted one that it was: what is
 * written to the new one is never seen. So device and inode are compared at each poll, and everything is closed and opened anew, with
 * the checks of a start, when one of them has changed.
 */
import { type FSWatcher, rmSync, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { type Failure, failureOf } from '../shared/failure.ts';
import { DELEGATIONS, STATE } from '../store/databases.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { refuseDamaged } from '../store/files/integrity.ts';

/** What works on these files, and can be begun anew. */
export interface Opened {
  reload(config: Config): Promise<void>;
  /** `orderly`: what is in hand is brought to its end. `abandon`: nothing more is moved into files that may be deleted ones. */
  stop(how: 'orderly' | 'abandon'): Promise<void>;
}

export interface Kept {
  reload(config: Config): Promise<void>;
  /** Default: orderly. */
  stop(how?: 'orderly' | 'abandon'): Promise<void>;
  /** Resolves when a replaced file could not be opened anew, or all has moved to another store: there is nothing left that works. */
  readonly ended: Promise<Failure>;
}

/** How long a file may be missing, or half copied, while somebody replaces it. */
const PATIENCE_MS = 10_000;

/** `watched`: files whose replacement counts, some of which may come into being later. */
export async function keepOpen(
  config: Config,
  log: Logger,
  watched: readonly string[],
  open: (config: Config, moved: (failure: Failure) => void) => Promise<Opened>,
): Promise<Kept> {
  const files = dataFiles(config.dataDir);
  let current = config;
  let stopped = false;
  let known = identities(watched); // before they are opened: one replaced in between is noticed then
  let end: (failure: Failure) => void = () => {};
  const ended = new Promise<Failure>((resolve) => {
    end = resolve;
  });
  // One after the other: a stop waits for an opening, and a reload reaches what is open then.
  let last: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
  let opened: Opened | undefined;
  /** All of it is in another store now, and nobody writes here any more. */
  const moved = (failure: Failure) => {
    if (stopped) return;
    stopped = true;
    log.error({ code: failure.code, hint: failure.hint }, `this ends: ${failure.message}`);
    void inTurn(async () => {
      await opened?.stop('abandon').catch(() => {}); // it would note how it left
      opened = undefined;
      end(failure);
    });
  };
  await inTurn(async () => {
    opened = await open(config, moved);
  });
  let logs = identities(watched.map(walOf));

  const openAnew = async (): Promise<void> => {
    for (const until = Date.now() + PATIENCE_MS; ; await delay(config.schedule.pollIntervalMs)) {
      known = identities(watched);
      try {
        // What was written between the replacement and our closing the old file may have been mixed with the new one.
        if (config.database === undefined)
          refuseDamaged([
            [files.delegations, DELEGATIONS],
            [files.state, STATE],
          ]);
        opened = await open(current, moved);
        logs = identities(watched.map(walOf));
        return;
      } catch (error) {
        const failure = failureOf(error);
        const { code, message, hint } = failure;
        if (stopped) return;
        if (Date.now() > until || (code !== 'config' && code !== 'retry')) {
          log.error({ code, hint }, `the replaced file can't be used, so this ends: ${message}`);
          stopped = true;
          return end(failure);
        }
        log.warn({ code, hint }, `not yet: ${message}`);
      }
    }
  };

  let looking = false;
  const look = () => {
    if (looking || stopped) return;
    const file = replacedAmong(known);
    if (file === undefined) return;
    looking = true;
    void inTurn(async () => {
      if (stopped) return;
      log.error(
        { file },
        'this file has been replaced by another while it was open: all are opened anew, with the checks of a start',
      );
      const old = opened;
      opened = undefined;
      await old
        ?.stop('abandon')
        .catch((error: unknown) => log.warn({ err: failureOf(error).message }, 'while closing'));
      for (const one of watched) if (one === file || replacedNow(known, one)) takeStaleLogAway(one, logs, log);
      await openAnew();
    }).finally(() => {
      looking = false;
    });
  };
  const poll = setInterval(look, config.schedule.pollIntervalMs);
  const watchers = watchRenames(watched, look);

  return {
    ended,
    reload: (next) =>
      inTurn(async () => {
        await opened?.reload(next);
        current = next;
      }),
    stop: (how = 'orderly') => {
      clearInterval(poll);
      for (const one of watchers) one.close();
      stopped = true;
      return inTurn(async () => opened?.stop(how));
    },
  };
}

type Identities = Map<string, string | undefined>;

function identities(files: readonly string[]): Identities {
  return new Map(files.map((file) => [file, identity(file)]));
}

/** Undefined where there is none. */
function identity(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat && `${stat.dev}:${stat.ino}`;
}

/** The first that is another file than it was, or is gone; one that is there for the first time is noted. */
function replacedAmong(known: Identities): string | undefined {
  for (const [file, before] of known) {
    const now = identity(file);
    if (before === undefined) known.set(file, now);
    else if (now !== before) return file;
  }
  return undefined;
}

function replacedNow(known: Identities, file: string): boolean {
  return known.get(file) !== undefined && known.get(file) !== identity(file);
}

const walOf = (file: string) => `${file}-wal`;

/**
 * The log of writes beside the new file is that of the old one, and SQLite would apply it: the two would be mixed. It leaves such a log
 * where it is when it closes the old file. One that is another by now belongs to the new file.
 */
function takeStaleLogAway(file: string, logs: Identities, log: Logger): void {
  const before = logs.get(walOf(file));
  if (before === undefined || before !== identity(walOf(file))) return;
  for (const beside of [walOf(file), `${file}-shm`]) rmSync(beside, { force: true });
  log.warn({ file }, 'the log of writes (-wal) beside it belonged to the file that was replaced, and was taken away');
}

/** Sooner than the poll, where file events come: until the old log is gone, whoever opens the new file mixes the two. */
function watchRenames(files: readonly string[], look: () => void): readonly FSWatcher[] {
  const directories = [...new Set(files.map((file) => dirname(file)))];
  return directories.flatMap((directory) => {
    const names = files.filter((file) => dirname(file) === directory).map((file) => basename(file));
    try {
      const watcher = watch(directory, { persistent: false }, (event, name) => {
        if (event === 'rename' && name !== null && names.includes(name)) look();
      });
      return [watcher.on('error', () => {})];
    } catch {
      return [];
    }
  });
}
