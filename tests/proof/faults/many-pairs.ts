/** Many owners with one delegate each on one real Dovecot, and a port before its IMAP and its doveadm on which each pair has faults of its own. */
import { routeDoveadmThrough } from '../../servers/configure.ts';
import { routeThrough } from '../../servers/imap-proxy.ts';
import { at, type Running, type Site, startSite } from '../../servers/site.ts';
import { withLogin } from '../../servers/wire.ts';
import { openSortedWire, type SortedWire, type Spot } from './faulty-wire.ts';

/** What connections of a pair are for. */
export const PURPOSES = ['owner', 'delegate', 'doveadm'] as const;
export type Purpose = (typeof PURPOSES)[number];

export interface PairOfMany {
  readonly owner: string;
  readonly delegate: string;
  readonly spots: Readonly<Record<Purpose, Spot>>;
}

export interface ManyPairs {
  readonly site: Site;
  readonly sidecar: Running;
  readonly pairs: readonly PairOfMany[];
  readonly imap: SortedWire;
  readonly doveadm: SortedWire;
  /** Faults for connections of which nobody knows yet what they are for: each goes to the next one that comes, until it has happened. */
  readonly early: Spot[];
  stop(): Promise<void>;
}

/** How long the sidecar waits for a server that says nothing. */
const PATIENCE_S = 2;
/** Mailboxes at once. */
const AT_ONCE = 8;
/** Somebody whom mandat has nothing to do with has an entry everywhere. */
export const STRANGER = 'zoe';

/** Some at once. */
export async function inPortions<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const waiting = [...all];
  const next = async () => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

export async function startManyPairs(count: number, inherit: boolean): Promise<ManyPairs> {
  const numbers = Array.from({ length: count }, (_, number) => String(number).padStart(3, '0'));
  const names = numbers.map((number) => ({ owner: `o${number}`, delegate: `d${number}` }));
  const site = await startSite({
    users: [...names.flatMap(({ owner, delegate }) => [owner, delegate]), STRANGER],
    inherit,
    postfix: false,
    extraImap: `timeout_seconds = ${PATIENCE_S}\nconnections = ${AT_ONCE}\n`,
    extraToml: `[guard]\nmax_pairs = ${2 * count}\n[schedule]\npoll_interval_ms = 100\nretry_min_seconds = 1\nretry_max_seconds = 1\nlogin_retry_seconds = 1\nsweep_logins_per_second = 0`,
  });
  for (const { owner, delegate } of names) await site.register(owner, delegate);
  await inPortions(names, async ({ owner }) => {
    await withLogin(site, owner, async (imap) => {
      for (const folder of ['Drafts', 'Sent', 'Trash', 'Junk']) await imap.command(`STATUS ${folder} (MESSAGES)`);
      await imap.append('INBOX', 'Subject: first\r\n\r\nfirst\r\n');
      await imap.command(`SETACL INBOX ${at(STRANGER)} l`);
    });
  });
  const byName = new Map<string, Spot>();
  const masks = new Map<string, Spot>();
  const early: Spot[] = [];
  const imap = await openSortedWire(site.lab.imap, {
    accepted: () => early.shift(),
    said: (bytes, now) => {
      const own = byName.get(loggedInAs(bytes) ?? '');
      if (own === undefined) return now;
      if (now?.fault !== undefined && now !== own && !now.happened) {
        now.set(now.fault); // counted anew
        early.unshift(now);
      }
      return own;
    },
  });
  const doveadm = await openSortedWire(
    { host: '127.0.0.1', port: Number(new URL(site.lab.doveadm.url).port) },
    { accepted: () => undefined, said: (bytes, now) => (isWhole(bytes) ? (masks.get(maskIn(bytes)) ?? now) : 'wait') },
  );
  const pairs = names.map(({ owner, delegate }): PairOfMany => {
    const spots = { owner: imap.newSpot(), delegate: imap.newSpot(), doveadm: doveadm.newSpot() };
    byName.set(at(owner), spots.owner);
    byName.set(at(delegate), spots.delegate);
    masks.set(at(delegate), spots.doveadm);
    return { owner, delegate, spots };
  });
  await routeThrough(site, imap);
  await routeDoveadmThrough(site, doveadm);
  return {
    site,
    sidecar: await site.run(),
    pairs,
    imap,
    doveadm,
    early,
    stop: async () => {
      await Promise.all([imap.close(), doveadm.close()]);
      await site.stop();
    },
  };
}

/** Whom a session is opened as: SASL PLAIN's authorization identity, in the command that it comes with. */
function loggedInAs(bytes: Buffer): string | undefined {
  const [, response] = /^\S+ AUTHENTICATE PLAIN (\S+)/im.exec(bytes.toString('latin1')) ?? [];
  return response === undefined ? undefined : Buffer.from(response, 'base64').toString('utf8').split('\0')[0];
}

/** Whose sessions a request asks for. */
const maskIn = (bytes: Buffer) => /"mask":\["([^"]+)"/.exec(bytes.toString('latin1'))?.[1] ?? '';

/** A request with its body. */
function isWhole(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  const head = text.indexOf('\r\n\r\n');
  return head >= 0 && text.length >= head + 4 + Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0);
}
