/**
 * Looks again for what a mail client saves itself after our copy was stored: over a slow line that takes it minutes. When to look is kept
 * with the copy, so that a restart in between forgets none.
 */
import type { Logger } from 'pino';
import { notHere } from '../questions/other-server.ts';
import { failureOf } from '../shared/failure.ts';
import type { DueLook, SubmissionStore } from '../store/submissions/submission-db.ts';
import { type CopySite, mailboxOf, replaceTwins } from './copy.ts';
import { LOOK_FAILED_MS, LOOK_FOR_MS, lookAfter } from './twin-look-times.ts';

/** How often it is asked what is due: one indexed query. */
const TICK_MS = 1000;
const PORTION = 100;
/** For so long what this filter has taken is nobody else's: a look takes seconds at worst. */
const TAKEN_MS = 15 * 60_000;

export interface LookingAgain {
  /** Lets a look in hand finish. */
  close(): Promise<void>;
}

export function lookAgain(
  site: CopySite & { readonly store: Pick<SubmissionStore, 'due'>; readonly log: Logger },
): LookingAgain {
  let inHand: Promise<void> | undefined;
  let closed = false;
  const timer = setInterval(() => {
    inHand ??= round().finally(() => {
      inHand = undefined;
    });
  }, TICK_MS);
  timer.unref();

  let told = '';
  const round = async () => {
    try {
      if ((await site.isPaused()) !== undefined) return;
      const now = site.now();
      const until = new Date(now.getTime() + TAKEN_MS).toISOString();
      const due = await site.store.due(now.toISOString(), PORTION, until, site.servers);
      told = '';
      for (const one of due) if (!closed) await look(one);
    } catch (error) {
      const { message } = failureOf(error);
      if (message !== told) site.log.warn({ err: message }, 'what copies are to be looked for can not be read');
      told = message; // else it would be said each second
    }
  };
  const look = async (one: DueLook) => {
    const now = site.now();
    const next = lookAfter(one.looks + 1, now);
    try {
      const mailbox = await mailboxOf(site.table, one.mailboxId);
      if (mailbox !== undefined) {
        if (!site.servers.includes(mailbox.server)) throw notHere(mailbox.address, mailbox.server);
        await site.sent.inSent(mailbox.login, (folder) => replaceTwins(site, folder, one, one));
      }
      await site.note({ kind: 'copy-looked', nonce: one.nonce, next: mailbox === undefined ? null : next });
    } catch (error) {
      const { code, message } = failureOf(error);
      site.log.warn({ mailbox: one.mailbox, copy: one.nonce, code }, `not looked again yet: ${message}`);
      const old = now.getTime() - Date.parse(one.sentAt) > LOOK_FOR_MS;
      const again = old ? null : new Date(now.getTime() + LOOK_FAILED_MS).toISOString();
      await site.note({ kind: 'copy-looked', nonce: one.nonce, next: again, failed: true });
    }
  };
  return {
    close: async () => {
      closed = true;
      clearInterval(timer);
      await inHand;
    },
  };
}
