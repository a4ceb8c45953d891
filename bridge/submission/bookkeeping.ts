/** What stands behind the filter: the record of what was sent for whom, and the copies for owners' Sent folders. */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { type Environment, sentFoldersOf } from '../drivers.ts';
import { existingSealKey } from '../store/audit.ts';
import { openDelegationDb } from '../store/delegation-db.ts';
import { dataFiles, groupId } from '../store/files.ts';
import { type Copy, openSubmissions } from '../store/submissions.ts';
import { copyKeeper } from './copy.ts';
import { copyKey, copyTicket, writtenTicket } from './copy-address.ts';
import { copyServer } from './copy-listener.ts';
import { listenAt } from './listening.ts';
import { openRecord } from './record.ts';
import { type Submission, submissionEntry } from './submission-entry.ts';

/** An owner's mailbox, as the table has it. */
export interface OwnerMailbox {
  readonly id: number;
  readonly address: string;
}

/** A copy that goes with its message. */
export interface CopyToSend {
  /** The extra recipient; NOTIFY=NEVER. */
  readonly recipient: string;
  readonly copy: Copy;
}

export interface Bookkeeping {
  /** One for each owner that a message is sent for; none where the site wants none. */
  copiesFor(owners: readonly OwnerMailbox[], messageId: string | undefined): readonly CopyToSend[];
  /** When Postfix has taken the message, or we have refused it. Resolves when it is committed: then the client may hear of it. */
  note(submission: Submission, copies?: readonly CopyToSend[]): Promise<void>;
  /** Lets copies in hand finish. */
  close(): Promise<void>;
}

/** Takes copies from when it resolves. */
export async function openBookkeeping(config: Config, env: Environment, log: Logger): Promise<Bookkeeping> {
  const { submission, senderRules, dataDir } = config;
  if (submission === undefined) throw new Error('opened without [submission]');
  const files = dataFiles(dataDir);
  const opened: (() => unknown)[] = [];
  const close = async () => {
    for (const one of opened.reverse()) await one();
  };
  try {
    const store = openSubmissions(files.submissions);
    opened.push(() => store.close());
    const record = openRecord(store, log);
    opened.push(() => record.close());
    const key = copyKey(existingSealKey(files.sealKey));
    const wanted = submission.sentCopy === 'owner';
    if (wanted) {
      const table = openDelegationDb(files.delegations);
      opened.push(() => table.close());
      const keep = copyKeeper({
        key,
        table,
        sent: sentFoldersOf(
          config,
          env,
          submission.sentFolders.split(',').map((name) => name.trim()),
        ),
        isStored: store.isStored,
        note: record.note,
        log,
        now: () => new Date(),
      });
      const server = copyServer({ domain: submission.copyDomain, delayMs: submission.copyDelaySeconds * 1000, keep });
      await listenAt(
        server.server,
        { kind: 'socket', path: submission.copyListen },
        groupId(senderRules?.group ?? 'postfix'),
      );
      server.on('error', ({ message }) => log.debug({ err: message }, 'a copy broke off')); // Postfix tries again
      opened.push(() => new Promise<void>((resolve) => server.close(() => resolve())));
    }
    return {
      copiesFor: (owners, messageId) => {
        const sentAt = new Date();
        return (wanted ? owners : []).map(({ id, address }) => {
          const ticket = copyTicket(key, { mailboxId: id, messageId, sentAt });
          return {
            recipient: `${writtenTicket(ticket)}@${submission.copyDomain}`,
            copy: { nonce: ticket.nonce, mailbox: address, sentAt: sentAt.toISOString() },
          };
        });
      },
      note: (one, copies = []) =>
        record.note(
          { kind: 'event', entry: submissionEntry(one) },
          ...copies.map(({ copy }) => ({ kind: 'copy-sent', copy }) as const),
        ),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
