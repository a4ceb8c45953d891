/** What stands behind the filter: the record of what was sent for whom, and the copies for owners' Sent folders. */

import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { type Environment, sentFoldersOf } from '../configured/drivers.ts';
import { openState, openSubmissionStore, openTable } from '../configured/stores.ts';
import { paused } from '../safeguards/pause.ts';
import { DELEGATIONS } from '../store/databases.ts';
import { waitsForNobody, whenFree } from '../store/files/busy.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { open } from '../store/files/open.ts';
import { type DelegationDb, guardedTable } from '../store/table/delegation-db.ts';
import { existingSealKey } from '../store/trail/sealing.ts';
import { copyKeeper } from './copy.ts';
import { copyKey, copyTicket, writtenTicket } from './copy-address.ts';
import { copyServer } from './copy-listener.ts';
import { doorAt, openDoor } from './listening-place.ts';
import { messageIdOf } from './message-id.ts';
import { openRecord } from './record.ts';
import { notesOf } from './record-entries.ts';
import { sentSessions } from './sent-sessions.ts';
import { type Seams, type Submission, sectionOf, startSubmission } from './service.ts';
import { lookAgain } from './twin-looks.ts';

export interface Bookkeeping extends Required<Seams> {
  /** Another configuration, on the same data. Copies in hand are finished first; others wait in Postfix's queue meanwhile. */
  reload(config: Config): Promise<void>;
  /** Lets copies in hand finish. */
  close(): Promise<void>;
}

/** The filter with what stands behind it, as `mandat run` and `mandat filter` have it. */
export async function startKeptSubmission(
  config: Config,
  env: Environment,
  log: Logger,
  answered?: (code: number) => void,
): Promise<Submission> {
  const books = await openBookkeeping(config, env, log);
  try {
    const filter = await startSubmission(config, log, books, answered);
    return {
      reload: async (next) => {
        await filter.reload(next);
        await books.reload(next);
      },
      close: async () => {
        await filter.close();
        await books.close();
      },
    };
  } catch (error) {
    await books.close();
    throw error;
  }
}

/** Takes copies from when it resolves. */
export async function openBookkeeping(config: Config, env: Environment, log: Logger): Promise<Bookkeeping> {
  let submission = sectionOf(config);
  const files = dataFiles(config.dataDir);
  const opened: (() => unknown)[] = [];
  const close = async () => {
    for (const one of opened.reverse()) await one();
  };
  try {
    const store = await openSubmissionStore(config, { older: 'refused' });
    opened.push(() => store.close());
    const record = openRecord(store, log);
    opened.push(() => record.close());
    const table = await openTable(config, { older: 'refused' });
    opened.push(() => table.close());
    const state = await openState(config, { older: 'refused' });
    opened.push(() => state.close());
    const isPaused = () => paused(state);
    const ids =
      config.database === undefined
        ? idsInFile(files.delegations)
        : idsBeside(await openTable(config, { older: 'refused' }));
    opened.push(() => ids.close());
    const key = copyKey(existingSealKey(files.sealKey));
    let stopReceiving: (() => Promise<void>) | undefined;
    const receive = async (given: Config) => {
      const { sentCopy, copyDomain, copyDelaySeconds, copyListen } = sectionOf(given);
      if (sentCopy !== 'owner') return;
      const sessions = sentSessions(sentFoldersOf(given, env));
      const { name, cluster = [] } = given.server;
      const servers = [...new Set([name, ...cluster])];
      const site = {
        key,
        table,
        servers,
        sent: sessions,
        store,
        note: record.note,
        log,
        isPaused,
        now: () => new Date(),
      };
      const keep = copyKeeper(site);
      const server = copyServer({ domain: copyDomain, delayMs: copyDelaySeconds * 1000, keep });
      server.on('error', ({ message }) => log.debug({ err: message }, 'a copy broke off')); // Postfix tries again
      await openDoor(server.server, doorAt(copyListen, given));
      const looking = lookAgain(site);
      stopReceiving = async () => {
        stopReceiving = undefined;
        await new Promise<void>((resolve) => server.close(() => resolve()));
        await looking.close();
        sessions.close();
      };
    };
    opened.push(() => stopReceiving?.());
    await receive(config);
    return {
      reload: async (next) => {
        submission = sectionOf(next);
        await stopReceiving?.();
        await receive(next);
      },
      extraRecipients: async (owners, written) => {
        if (submission.sentCopy !== 'owner') return [];
        const message = { messageId: messageIdOf(written ?? ''), sentAt: new Date() };
        const mailboxIds = await ids.of(owners);
        return mailboxIds.map(
          (mailboxId) => `${writtenTicket(copyTicket(key, { mailboxId, ...message }))}@${submission.copyDomain}`,
        );
      },
      observe: async (seen) => {
        const notes = await notesOf(table, seen, new Date().toISOString());
        if (notes.length > 0) await record.note(...notes);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Ids of mailboxes by their addresses, on a connection of its own: what else is being read or written keeps no message waiting. */
interface MailboxIds {
  of(addresses: readonly string[]): Promise<readonly number[]>;
  close(): unknown;
}

function idsInFile(file: string): MailboxIds {
  const database = open(file, DELEGATIONS);
  const guarded = guardedTable(database, file).database;
  waitsForNobody(database);
  const idOf = guarded.prepare<[string], number>('SELECT id FROM mailboxes WHERE address = ?').pluck();
  return {
    of: (addresses) => whenFree(() => addresses.flatMap((address) => idOf.get(address) ?? [])),
    close: () => database.close(),
  };
}

function idsBeside(table: DelegationDb): MailboxIds {
  return {
    of: async (addresses) => {
      const found = await table.query.selectFrom('mailboxes').select('id').where('address', 'in', addresses).execute();
      return found.map(({ id }) => id);
    },
    close: table.close,
  };
}
