/**
 * Beside each history, a session of each person who might be a delegate tries all the time: to read with the session that it has, to open
 * anew, to send. What matters is the last time that each succeeded, by the instant at which the command was sent.
 */
import { connectImap, quoted, type RawImap } from '../../../config/lab/raw-imap.ts';
import type { RawSmtp } from '../../../config/lab/raw-smtp.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { password, type Site } from '../../servers/site.ts';
import { askSender, submissionAs } from '../../servers/submission.ts';
import { type Group, groupAt } from './group.ts';
import { openHolders, rest } from './holders.ts';
import { ACCOUNTS, type Account, ADDRESSES, type Address, type Person } from './people.ts';

export interface Watchers {
  readonly group: Group;
  /** When this person last read in this account; 0: never. */
  lastRead(who: Person, account: Account): number;
  lastSent(who: Person, address: Address): number;
  /** How many commands were tried so far. */
  readonly tries: number;
  /** Sessions that have waited in IDLE try to read now. */
  wake(): Promise<void>;
  /** All begin again with new sessions: what an old one has open, by an entry that went by hand, it keeps. */
  afresh(): Promise<void>;
  /** Whether this person is on their way out: while they aren't, they try less often. */
  keen: (who: Person) => boolean;
  stop(): Promise<void>;
}

const WATCHED: readonly Person[] = ['bob', 'carol', 'dave', 'erin'];
const PAUSE_MS = 40;
/** Of somebody who loses nothing just now. */
const IDLE_PAUSE_MS = 500;

export function startWatchers(site: Site, group: Group = groupAt(0)): Watchers {
  const { named, at } = group;
  const pause = (who: Person) => (watchers.keen(who) ? PAUSE_MS : IDLE_PAUSE_MS);
  const read = new Map<string, number>();
  const sent = new Map<string, number>();
  let stopping = false;
  let generation = 0;
  const begun = new Map<Person, number>();
  let tries = 0;
  const holders = openHolders(
    site,
    group,
    (who) => watchers.keen(who),
    (who, account, began, got) => {
      tries++;
      if (got) read.set(`${who} ${account}`, Math.max(began, read.get(`${who} ${account}`) ?? 0));
    },
  );

  const reader = async (who: Person) => {
    let imap: RawImap | undefined;
    let open: Account | undefined;
    const tried = async (account: Account, line: string): Promise<boolean> => {
      const began = Date.now();
      tries++;
      const { status, lines } = (await imap?.command(line)) ?? { status: 'BYE', lines: [] };
      if (status === 'BYE') imap = undefined;
      const got = status === 'OK' && (!line.startsWith('FETCH') || lines.some((one) => / FETCH /.test(one)));
      if (got) read.set(`${who} ${account}`, Math.max(began, read.get(`${who} ${account}`) ?? 0));
      return got;
    };
    for (let round = 0; !stopping; round++) {
      const began = Date.now();
      try {
        if (begun.get(who) !== generation) {
          imap?.close();
          imap = undefined;
          begun.set(who, generation);
        }
        if (imap === undefined) {
          open = undefined;
          imap = await connectImap(site.lab.imap);
          if ((await imap.login(at(who), password(named(who)))).status !== 'OK') imap = undefined;
        }
        const account = ACCOUNTS[round % ACCOUNTS.length] ?? 'alice';
        if (open !== undefined) await tried(open, 'FETCH 1 (FLAGS BODY.PEEK[])');
        if (account !== who && imap !== undefined) {
          // Folders that have an entry of their own beside INBOX's too: those for special uses do.
          const folder = Math.floor(round / ACCOUNTS.length) % 2 === 0 ? '' : '/Sent';
          if (await tried(account, `EXAMINE ${quoted(`shared/${at(account)}${folder}`)}`)) {
            open = account;
            if (folder === '') await holders.hold(who, account);
          } else if (imap !== undefined) open = undefined;
        }
      } catch {
        imap?.close(); // the server restarts
        imap = undefined;
      }
      await rest(pause(who), began);
    }
    imap?.close();
  };

  const sender = async (who: Person) => {
    let smtp: RawSmtp | undefined;
    for (let round = 0; !stopping; round++) {
      const began = Date.now();
      try {
        smtp ??= await submissionAs(site, named(who));
        const address = ADDRESSES[round % ADDRESSES.length] ?? 'alice';
        const asked = Date.now();
        tries++;
        const { code } = address === who ? { code: 0 } : await askSender(smtp, at(address), 'patient@elsewhere.test');
        if (code === 250) sent.set(`${who} ${address}`, asked);
        else if (code !== 553 && address !== who) throw new Error(`${code}`);
      } catch {
        smtp?.close(); // Dovecot, whom Postfix asks for the password, restarts
        smtp = undefined;
      }
      await rest(pause(who), began);
    }
    smtp?.close();
  };

  const watchers: Watchers = {
    group,
    keen: () => true,
    lastRead: (who, account) => read.get(`${who} ${account}`) ?? 0,
    lastSent: (who, address) => sent.get(`${who} ${address}`) ?? 0,
    get tries() {
      return tries;
    },
    wake: holders.wake,
    afresh: async () => {
      generation++;
      holders.drop();
      await waitFor('the watchers begin again', 60_000, () => WATCHED.every((who) => begun.get(who) === generation));
    },
    stop: async () => {
      stopping = true;
      await Promise.all(all);
      holders.drop();
    },
  };
  const all = WATCHED.flatMap((who) => [reader(who), sender(who)]);
  return watchers;
}
