/**
 * What follows the published map (sender-map.ts): every other output is made from it, as a whole. So a restart, a crash between
 * two outputs, and one that is configured later all end alike: at the next start, and at each publishing, all say the same.
 */
import type { SenderRule } from '../../acl/desired.ts';
import type { SenderChange, SenderPublisher } from '../reconcile/driver-interfaces.ts';
import { Failure, failureOf } from '../shared/failure.ts';
import type { PublishedMap } from '../store/published/sender-map.ts';

/** The map, as its followers read it. */
export interface Published {
  /** Another whenever the rules may have changed, whoever changed them. */
  version(): string;
  all(): readonly SenderRule[];
}

export interface SenderOutput {
  /** For people: `the file /etc/exim4/senders`. */
  readonly name: string;
  /** Makes it say what is published now, its reader included; nothing to do where it does already. */
  follow(published: Published): Promise<void>;
  /** Says when something else that it is made from has changed. Returns how to end that. */
  watch?(changed: () => void): () => void;
}

/** Hears of outputs that could not follow when nobody was publishing. */
export type OnBehind = (failures: readonly Failure[]) => void;

export interface Senders extends SenderPublisher {
  /** Brings every output to what is published. Returns what kept one from it. */
  settle(): Promise<readonly Failure[]>;
  close(): void;
}

export function senders(map: PublishedMap, outputs: readonly SenderOutput[], onBehind: OnBehind): Senders {
  const followers = outputs.map((output) => shared(() => output.follow(map)));
  const settle = async () => {
    const ended = await Promise.allSettled(followers.map((follow) => follow()));
    return ended.flatMap((end, at) =>
      end.status === 'fulfilled' ? [] : [behind(outputs[at]?.name ?? '', end.reason)],
    );
  };
  const unwatch = outputs.map(({ watch }) => watch?.(() => void settle().then(onBehind)));
  return {
    rules: map.rules,
    mailboxIds: map.mailboxIds,
    othersAt: map.othersAt,
    publish: async (mailboxId, rules): Promise<SenderChange> => {
      const change = map.publish(mailboxId, rules);
      const isChanged = change.added.length + change.removed.length > 0;
      const [failed] = await Promise.all([settle(), isChanged ? map.reached() : undefined]);
      return { ...change, failed };
    },
    settle,
    close: () => {
      for (const end of unwatch) end?.();
      map.close();
    },
  };
}

/** Whatever the cause, it is tried again: what the others have is in force already, and somebody may free the disk meanwhile. */
function behind(name: string, thrown: unknown): Failure {
  const { message, hint } = thrown instanceof Failure ? thrown : (SYSTEM[codeOf(thrown)] ?? failureOf(thrown));
  return new Failure('retry', `${name} does not have the sender rules yet: ${message}`, hint, { cause: thrown });
}

const DENIED = {
  message: `user ${process.getuid?.() ?? '?'} may not write there`,
  hint: 'give this user the right to write the directory, and to give files to the group that is configured',
};
const SYSTEM: Readonly<Record<string, { readonly message: string; readonly hint: string }>> = {
  ENOSPC: { message: 'the disk is full', hint: 'make room' },
  EDQUOT: { message: 'the quota is used up', hint: 'make room' },
  ENOENT: { message: 'a file or directory is missing', hint: 'make it, or see [sender_rules]' },
  ENOTDIR: { message: 'a directory is a file', hint: 'see [sender_rules]' },
  EISDIR: { message: 'a directory is in its place', hint: 'move it away, or see [sender_rules]' },
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: DENIED,
};

const codeOf = (thrown: unknown) => (thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '');

/** One run at a time. Whoever asks meanwhile waits for another that begins afterwards, the same for all: a burst takes two. */
function shared(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = () => {
    running = run().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (next !== undefined) return next;
    if (running === undefined) return begin();
    next = running
      .catch(() => {}) // somebody else hears of it
      .then(() => {
        next = undefined;
        return begin();
      });
    return next;
  };
}
