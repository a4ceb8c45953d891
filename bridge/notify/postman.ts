/**
 * The outbox's way out. A notice is `sending`, committed, before the server hears of it, and `sent` after it has taken it: told at least
 * once, and twice only where the server's answer was lost, under the same Message-ID. What isn't taken is tried again for three days, at
 * growing intervals, then reported. A server that is down keeps nobody waiting but the notices. R9, R24.
 */
import type { Logger } from 'pino';
import type { Instant } from '../../acl/delegation-facts.ts';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { mistakesIn } from '../doctor/finding.ts';
import type { Site } from '../reconcile/site.ts';
import { failureOf } from '../shared/failure.ts';
import { once } from '../shared/found-once.ts';
import { retryDelay } from '../sidecar/schedule.ts';
import { watchTable } from '../sidecar/watch-table.ts';
import {
  nextDueNotice,
  noticePages,
  pruneOutbox,
  putBack,
  recallSending,
  recordFailed,
  recordPostponed,
  recordSent,
  type StoredNotice,
  takeDue,
} from '../store/state/outbox.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { auditHead } from '../store/trail/sealing.ts';
import { letter } from './letter.ts';
import { openRounds } from './outbox-rounds.ts';
import { type MailServerForNotices, NotTaken, openSmtp, type SmtpSettings } from './smtp.ts';
import { openTemplates, type Templates } from './templates.ts';

export interface Patience {
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  readonly giveUpMs: number;
}

export interface PostmanOptions {
  readonly config: Pick<Config, 'notices' | 'policy' | 'schedule'>;
  readonly env: Environment;
  readonly state: StateDb;
  readonly now: () => Instant;
  readonly log: Logger;
  readonly audit: Site['audit'];
  /** Before each notice goes out: fails where another sidecar sends them by now. */
  readonly sure?: () => Promise<void>;
  readonly patience?: Patience;
  /** Whether it is this sidecar that sends, where several work on one database. Default: it is. */
  readonly mine?: () => Promise<boolean>;
}

export interface Postman {
  /** This process may have written something: it looks, soon. */
  wake(): void;
  /** Finishes the notice in hand. */
  stop(): Promise<void>;
}

const HOUR_MS = 3_600_000;
const PATIENCE: Patience = { retryMinMs: 60_000, retryMaxMs: 2 * HOUR_MS, giveUpMs: 72 * HOUR_MS };
/** Notices of one moment go through one connection; and nobody waits for them, so first phases go before. */
const GATHER_MS = 50;
const UNREAD_MS = 2000;
const KEPT_MS = 90 * 24 * HOUR_MS;
const STOP_MS = 3000;
/** Where another sidecar sends: how long until it is asked whether that one is still there. */
const OTHERS_MS = 2000;

/** Without `[notices]` it has nothing to do. */
export function openPostman(options: PostmanOptions): Postman {
  const { config, env, state, log, now, patience = PATIENCE, audit } = options;
  const { mine = async () => true, sure = async () => {} } = options;
  const { notices: settings } = config;
  if (settings === undefined) return { wake: () => {}, stop: async () => {} };
  let server: MailServerForNotices | undefined;
  let stopped = false;
  let recalled = false;
  let serverFailures = 0;
  /** Where what is to be sent can't be read: looked at again after a moment, however often somebody wakes us. */
  let unread = false;

  const rounds = openRounds(() =>
    deliverDue().catch((error: unknown) => {
      recalled = false; // one may have been left as `sending`
      const { code, message, hint } = failureOf(error);
      if (!unread) log.error({ code, hint }, message);
      unread = true;
      return patience.retryMinMs;
    }),
  );

  /** Everything that is due. Answers after how long something may be again, unless somebody writes before. */
  async function deliverDue(): Promise<number> {
    if (!(await mine())) {
      recalled = false; // whoever has them now may end in the midst of one
      return OTHERS_MS;
    }
    if (!recalled) await recallSending(state, now());
    recalled = true;
    await pruneOutbox(state, later(now(), -KEPT_MS));
    unread = false;
    const templates = once(() => openTemplates(settings?.templates));
    try {
      while (!stopped && (await mine())) {
        const notice = await takeDue(state, now());
        if (notice === undefined) break;
        await sure().catch(async (error: unknown) => {
          await putBack(state, notice, now());
          throw error;
        });
        if ((await deliver(notice, templates)) === 'server') {
          // Nothing else gets through now, so nothing else is tried.
          await giveUpOverdue();
          serverFailures++;
          return delay(serverFailures);
        }
      }
    } finally {
      server?.close();
      server = undefined;
    }
    const next = await nextDueNotice(state);
    return next === undefined ? HOUR_MS : Math.max(GATHER_MS, Date.parse(next) - Date.parse(now()));
  }

  async function deliver(notice: StoredNotice, templates: () => Templates): Promise<NotTaken['scope'] | undefined> {
    const { id, kind, part, mailbox, attempts } = notice;
    const facts = { notice: id, kind, part, mailbox, attempt: attempts };
    try {
      if (hasExpired(notice)) throw new NotTaken('final', 'refused', 'its code expired before it could be sent', '');
      const mail = letter(notice, templates(), settings as SmtpSettings, config.policy.timezone);
      server ??= openSmtp(settings as SmtpSettings, env);
      const head = await auditHead(state);
      await server.send(head === undefined ? mail : { ...mail, trail: `${head.id}:${head.seal}` });
      serverFailures = 0;
    } catch (error) {
      const trouble = troubleOf(error);
      const lastAt = later(notice.since, patience.giveUpMs);
      if (trouble.scope === 'final' || now() >= lastAt) {
        await fail(notice, trouble);
      } else {
        const at = [later(now(), delay(attempts)), lastAt].sort()[0] ?? lastAt;
        await recordPostponed(state, id, at, trouble.message);
        log.warn({ ...facts, code: trouble.code, hint: trouble.hint, at }, `a notice waits: ${trouble.message}`);
      }
      return trouble.scope;
    }
    await ended(notice, 'notice-sent', (within) => recordSent(within, notice, now()));
    log.info(facts, 'notice sent');
    return undefined;
  }

  async function fail(notice: StoredNotice, { message, code, hint }: Pick<NotTaken, 'message' | 'code' | 'hint'>) {
    const { id, kind, part, mailbox } = notice;
    await ended(notice, 'notice-failed', (within) => recordFailed(within, notice, message));
    log.error({ notice: id, kind, part, mailbox, code, hint }, `a notice could not be sent: ${message}`);
  }

  /** With its entry in the trail, or not at all. Per recipient, by what they are to the event; never at which address. R24. */
  async function ended(
    { kind, part, mailbox, data }: StoredNotice,
    action: 'notice-sent' | 'notice-failed',
    record: (within: Pick<StateDb, 'query'>) => Promise<void>,
  ): Promise<void> {
    const delegate = typeof data.identifier === 'string' ? data.identifier : null;
    await state.write(async (query) => {
      await record({ query });
      if (mailbox === null) return;
      await audit([{ action, mailbox, onBehalf: null, delegate, detail: { kind, part } }], { query });
    });
  }

  /** Those whose three days are over while the server was away, tried or not. */
  async function giveUpOverdue(): Promise<void> {
    for await (const page of noticePages(state, { states: ['waiting'] })) {
      for (const notice of page) {
        if (now() < later(notice.since, patience.giveUpMs)) continue;
        const message = notice.error ?? 'the SMTP server was away all the time';
        await fail(notice, { message, code: 'retry', hint: '"mandat notices retry" once it is back' });
      }
    }
  }

  const delay = (attempt: number) => retryDelay(attempt, patience.retryMinMs, patience.retryMaxMs);

  /** A code is worth nothing after its time. */
  const hasExpired = ({ kind, data, createdAt }: StoredNotice) => {
    const minutes = Number(data.minutes);
    return kind === 'code' && minutes > 0 && now() >= later(createdAt, minutes * 60_000);
  };

  const wake = () => rounds.after(serverFailures > 0 ? patience.retryMinMs : unread ? UNREAD_MS : GATHER_MS);
  // The command line writes notices too: a code to confirm an address, one to be tried again.
  const watch = watchTable(state, config.schedule.pollIntervalMs, wake);
  wake();
  return {
    wake,
    stop: async () => {
      stopped = true;
      watch.close();
      // A server that doesn't answer must not keep the sidecar: what is cut off is told again.
      const atLast = setTimeout(() => server?.abandon(), STOP_MS);
      await rounds.stop();
      clearTimeout(atLast);
    },
  };
}

function later(instant: Instant, ms: number): Instant {
  return new Date(Date.parse(instant) + ms).toISOString();
}

/** What isn't the server's answer is ours: a secret that can't be read, a template, an address. */
function troubleOf(error: unknown): NotTaken {
  if (error instanceof NotTaken) return error;
  const mistakes = mistakesIn(error);
  if (mistakes !== undefined) {
    const list = (part: 'message' | 'remedy') => mistakes.map((one) => one[part]).join('; ');
    return new NotTaken('server', 'config', list('message'), list('remedy'));
  }
  const { code, message, hint } = failureOf(error);
  return new NotTaken(code === 'refused' ? 'final' : 'letter', code, message, hint);
}
