/** Sessions of delegates that stay open through a revoke: each tries to read as soon as the trail says that it is withdrawn (I1, in between). */
import { setTimeout as delay } from 'node:timers/promises';
import { quoted, type RawImap } from '../../../config/lab/raw-imap.ts';
import { at } from '../../servers/site.ts';
import { sharedName } from '../../servers/wire.ts';
import { rowsIn } from '../histories/world.ts';
import { inPortions, type ManyPairs } from './many-pairs.ts';

export interface Holders {
  /** Who read when it was recorded that they may not. */
  readonly late: readonly string[];
  /** How many have tried. */
  readonly tries: number;
  stop(): Promise<void>;
}

const PAUSE_MS = 20;

/** Of so many pairs one. */
const EACH = 4;

/** `since`: where the trail stands. Those of every fourth pair have the owner's INBOX open when it returns. */
export async function holdSessions({ site, pairs }: ManyPairs, since: number): Promise<Holders> {
  const open = new Map<string, RawImap>();
  const held = pairs.filter((_, number) => number % EACH === since % EACH);
  await inPortions(held, async ({ owner, delegate }) => {
    const imap = await site.login(delegate);
    const { status, text } = await imap.command(`EXAMINE ${quoted(sharedName(owner, 'INBOX'))}`);
    if (status !== 'OK') throw new Error(`${delegate} can't open the mailbox of ${owner}: ${text}`);
    open.set(at(delegate), imap);
  });
  const late: string[] = [];
  let tries = 0;
  let last = since;
  let stopping = false;
  const look = async () => {
    const ends = rowsIn<{ id: number; login: string }>(
      site.stateFile,
      "SELECT id, detail ->> 'login' AS login FROM audit WHERE id > ? AND action = 'withdrawn' ORDER BY id",
      last,
    );
    await Promise.all(
      ends.map(async ({ id, login }) => {
        last = Math.max(last, id);
        const imap = open.get(login);
        if (imap === undefined) return;
        tries++;
        const answer = await imap.command('FETCH 1 (FLAGS BODY.PEEK[])').catch(() => undefined);
        if (answer?.lines.some((line) => / FETCH /.test(line))) late.push(`${login} read after it was withdrawn`);
      }),
    );
  };
  const looking = (async () => {
    while (!stopping) {
      await look();
      await delay(PAUSE_MS);
    }
    await look();
  })();
  looking.catch(() => {}); // heard in stop
  return {
    late,
    get tries() {
      return tries;
    },
    stop: async () => {
      stopping = true;
      await looking;
      for (const imap of open.values()) imap.close();
    },
  };
}
