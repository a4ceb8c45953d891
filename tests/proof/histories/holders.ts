/**
 * Sessions that have somebody's INBOX open and keep it, as mail programs do: one that reads a message every few milliseconds, and one that
 * waits in IDLE until it is woken. Neither is let in again when it was cut: that is the newcomers' part (watchers.ts).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connectImap, quoted, type RawImap } from '../../../config/lab/raw-imap.ts';
import { password, type Site } from '../../servers/site.ts';
import type { Group } from './group.ts';
import type { Account, Person } from './people.ts';

const PAUSE_MS = 12;
const IDLE_PAUSE_MS = 500;

/** Servers that are slow to answer aren't asked as often: what is looked at must not be slowed down by looking. */
export const rest = (pauseMs: number, began: number) => delay(Math.max(pauseMs, 2 * (Date.now() - began)));

export interface Holders {
  /** Opens what isn't held yet: this person has just got in there. */
  hold(who: Person, account: Account): Promise<void>;
  /** Those in IDLE try to read. */
  wake(): Promise<void>;
  /** All lose what they hold. */
  drop(): void;
}

interface Held {
  readonly imap: RawImap;
  /** Ends IDLE; undefined: it isn't in it. */
  done: (() => Promise<unknown>) | undefined;
}

/** `tried`: told of each command that was sent, and whether it has read something. */
export function openHolders(
  site: Site,
  { named, at }: Group,
  keen: (who: Person) => boolean,
  tried: (who: Person, account: Account, began: number, got: boolean) => void,
): Holders {
  const held = new Map<string, Held>();

  const reads = async (who: Person, account: Account, imap: RawImap): Promise<boolean> => {
    const began = Date.now();
    const { status, lines } = await imap.command('FETCH 1 (FLAGS BODY.PEEK[])');
    const got = status === 'OK' && lines.some((line) => / FETCH /.test(line));
    tried(who, account, began, got);
    return got;
  };
  const open = async (who: Person, account: Account): Promise<RawImap | undefined> => {
    const imap = await connectImap(site.lab.imap);
    const folder = quoted(`shared/${at(account)}`);
    if ((await imap.login(at(who), password(named(who)))).status === 'OK')
      if ((await imap.command(`EXAMINE ${folder}`)).status === 'OK') return imap;
    imap.close();
    return undefined;
  };
  const readOn = async (key: string, who: Person, account: Account, { imap }: Held) => {
    try {
      for (
        let began = Date.now();
        held.get(key)?.imap === imap && (await reads(who, account, imap));
        began = Date.now()
      )
        await rest(keen(who) ? PAUSE_MS : IDLE_PAUSE_MS, began);
    } catch {
      // the server restarts
    }
    imap.close();
    if (held.get(key)?.imap === imap) held.delete(key);
  };

  return {
    hold: async (who, account) => {
      for (const kind of ['reads', 'idles'] as const) {
        const key = `${who} ${account} ${kind}`;
        if (held.has(key)) continue;
        const imap = await open(who, account);
        if (imap === undefined) return;
        const one: Held = { imap, done: kind === 'idles' ? imap.idle() : undefined };
        held.set(key, one);
        if (kind === 'reads') void readOn(key, who, account, one);
      }
    },
    wake: async () => {
      const idling = [...held].filter(([, { done }]) => done !== undefined);
      await Promise.all(
        idling.map(async ([key, one]) => {
          const [who, account] = key.split(' ') as [Person, Account];
          const got = await Promise.resolve(one.done?.())
            .then(() => reads(who, account, one.imap))
            .catch(() => false);
          if (got) one.done = one.imap.idle();
          else {
            one.imap.close();
            if (held.get(key) === one) held.delete(key);
          }
        }),
      );
    },
    drop: () => {
      for (const { imap } of held.values()) imap.close();
      held.clear();
    },
  };
}
