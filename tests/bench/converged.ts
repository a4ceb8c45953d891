/** A sweep of a site where all is as it should be, beside a bare client with the same logins that asks the least. */
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { waitFor } from '../../config/lab/wait.ts';
import { at, type Site, startSite } from '../servers/site.ts';
import { atOnce, loggedIn } from './bare-client.ts';
import { type Comparison, comparison } from './pairs.ts';

/** As many sessions at once as a sweep takes: all places ([imap] connections) but one. */
const AT_ONCE = 3;

const LONG_MS = 600_000;
/** Between one measurement and the next. */
const REST_MS = 100;
/** How often it is looked whether a sweep has ended. */
const LOOK_MS = 5;

/** Mailboxes and delegates in a ring: each delegate has as many mailboxes as a mailbox has delegates. */
export function ring(mailboxes: number, delegatesEach: number) {
  const owners = Array.from({ length: mailboxes }, (_, n) => `owner${n}`);
  const people = owners.map((_, n) => `delegate${n}`);
  const pairs = owners.flatMap((owner, n) =>
    Array.from({ length: delegatesEach }, (_, k) => ({ owner, delegate: people[(n + k) % mailboxes] as string })),
  );
  return { owners, people, pairs };
}

/** All of it in one commit. */
export function putRing(site: Site, { owners, people, pairs }: ReturnType<typeof ring>): void {
  const insert = (into: string, values: readonly string[]) => `INSERT INTO ${into} VALUES ${values.join(',')};`;
  const row = (...names: readonly string[]) => `(${names.map((name) => `'${at(name)}'`).join(', ')})`;
  const table = new Database(site.table);
  table.exec(
    [
      'BEGIN;',
      insert(
        'mailbox (address)',
        owners.map((name) => row(name)),
      ),
      insert(
        'delegate (id)',
        people.map((name) => row(name)),
      ),
      ...owners.map((one) =>
        insert(
          'delegation (mailbox, delegate)',
          pairs.filter(({ owner }) => owner === one).map(({ owner, delegate }) => row(owner, delegate)),
        ),
      ),
      'COMMIT;',
    ].join('\n'),
  );
  table.close();
}

/** Whether the bare client logs in as a delegate once for each of their mailboxes, or once. */
const WAYS = ['person', 'pair'] as const;
type Way = (typeof WAYS)[number];

/** One sweep after the other, the bare client each way behind it. The first round doesn't count. */
export async function convergedFigures(
  mailboxes: number,
  delegatesEach: number,
  rounds: number,
): Promise<Readonly<Record<Way, Comparison>>> {
  const people = ring(mailboxes, delegatesEach);
  const site = await startSite({
    reuse: false,
    users: [...people.owners, ...people.people],
    postfix: false,
    extraToml: process.env.BENCH_SCHEDULE ?? '[schedule]\nsweep_logins_per_second = 0',
  });
  try {
    putRing(site, people);
    const sidecar = await site.run();
    await site.settled(LONG_MS);
    const state = new Database(site.stateFile, { readonly: true });
    const ended = state.prepare("SELECT value FROM facts WHERE name = 'sweep'").pluck();
    await waitFor('the first sweep has ended', LONG_MS, () => ended.get() !== undefined);
    const sweep = async () => {
      const before = ended.get();
      const began = performance.now();
      process.kill(sidecar.pid, 'SIGHUP');
      const until = performance.now() + LONG_MS;
      while (ended.get() === before) {
        if (performance.now() > until) throw new Error('no sweep has ended');
        await pause(LOOK_MS); // often: a tenth of a second would be a tenth of what is measured
      }
      return performance.now() - began;
    };
    const floor = async (by: Way) => {
      const began = performance.now();
      await bareSweep(site, people, by);
      return performance.now() - began;
    };
    const mine: number[] = [];
    const theirs: Record<Way, number[]> = { person: [], pair: [] };
    for (let round = -1; round < rounds; round++) {
      await pause(REST_MS);
      const took = await sweep();
      if (round >= 0) mine.push(took);
      for (const by of round % 2 === 0 ? WAYS : WAYS.toReversed()) {
        await pause(REST_MS);
        const bare = await floor(by);
        if (round >= 0) theirs[by].push(bare);
      }
    }
    const what = (by: Way) =>
      `sweep, ${mailboxes} mailboxes with ${delegatesEach} delegates each, a login a ${by} below`;
    const figures = {
      person: comparison(what('person'), mine, theirs.person),
      pair: comparison(what('pair'), mine, theirs.pair),
    };
    state.close();
    await sidecar.end();
    return figures;
  } finally {
    await site.stop();
  }
}

/** Each owner's entries, as the owner; each folder as each delegate sees it. What can be sent ahead is. */
export async function bareSweep(site: Site, { owners, people, pairs }: ReturnType<typeof ring>, by: Way) {
  const folders = new Map<string, readonly string[]>();
  await atOnce(AT_ONCE, owners, async (owner) => {
    const imap = await loggedIn(site, owner);
    const { lines } = await imap.command('LIST "" "*" RETURN (SPECIAL-USE SUBSCRIBED STATUS (X-GUID))');
    const names = lines.filter((line) => line.startsWith('* LIST')).map((line) => line.split(' "/" ')[1] ?? '');
    folders.set(
      owner,
      names.map((name) => name.replaceAll('"', '')),
    );
    await Promise.all(names.map((name) => imap.send(`GETACL ${name}`)));
    imap.close();
  });
  const sessions =
    by === 'pair' ? pairs.map((pair) => [pair]) : people.map((one) => pairs.filter(({ delegate }) => delegate === one));
  await atOnce(AT_ONCE, sessions, async (session) => {
    const imap = await loggedIn(site, session[0]?.delegate ?? '');
    await Promise.all(
      session.flatMap(({ owner }) => {
        const root = `shared/${at(owner)}`;
        const asked = (folders.get(owner) ?? []).map((name) => (name === 'INBOX' ? root : `${root}/${name}`));
        return [imap.send(`LIST "" ("${root}" "${root}/*")`), ...asked.map((name) => imap.send(`MYRIGHTS "${name}"`))];
      }),
    );
    imap.close();
  });
}
