/** A first pass over a site that nobody has worked off, beside a bare client that gives the same entries and looks with as many logins, each on a site of its own, in turn. */
import { writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { type SharesServer, startShares } from '../servers/shares-server.ts';
import { at, type Site, startSite } from '../servers/site.ts';
import { atOnce, loggedIn } from './bare-client.ts';
import { putRing, ring } from './converged.ts';
import { RIGHTS } from './ground.ts';
import { type Comparison, comparison } from './pairs.ts';
import { sharesOf } from './shares.ts';

/** As many sessions at once as a sidecar has places ([imap] connections). */
const AT_ONCE = 4;
const LONG_MS = 3_000_000;
const LOOK_MS = 5;

/** What may not be renamed or removed has entries of its own. */
const RIGHTS_SPECIAL = RIGHTS.replace('x', '');

type Ring = ReturnType<typeof ring>;

export interface FirstPassFigures {
  readonly inForce: Comparison;
  readonly verified: Comparison;
}

interface Took {
  readonly inForce: number;
  readonly verified: number;
  /** When each delegation came into force, ascending, in milliseconds. */
  readonly instants?: readonly number[];
}

export async function firstPassFigures(mailboxes: number, each: number, pairs: number): Promise<FirstPassFigures> {
  const people = ring(mailboxes, each);
  const ours: Took[] = [];
  const floor: Took[] = [];
  for (let round = 0; round < pairs; round++) {
    const turns = [() => onSite(people, firstPass, ours), () => onSite(people, barePass, floor)];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  return comparisonsOf(mailboxes, each, ours, floor);
}

type Phase = 'inForce' | 'verified';

function comparisonsOf(
  mailboxes: number,
  each: number,
  ours: readonly Took[],
  floor: readonly Took[],
): FirstPassFigures {
  const of = (phase: Phase) =>
    comparison(
      `first pass, ${mailboxes} mailboxes with ${each} delegates each, all ${phase === 'inForce' ? 'in force' : 'verified'}`,
      ours.map((one) => one[phase]),
      floor.map((one) => one[phase]),
    );
  return { inForce: of('inForce'), verified: of('verified') };
}

export interface LastAgainstFirst {
  readonly delegations: number;
  /** How much longer the last tenth took than the first, of one pass. */
  readonly ratio: number;
}

/** One pass alone, over many: what the last of its delegations cost beside the first. */
export async function longPassFigures(
  mailboxes: number,
  each: number,
): Promise<FirstPassFigures & { readonly last: LastAgainstFirst }> {
  const people = ring(mailboxes, each);
  const [ours, floor]: [Took[], Took[]] = [[], []];
  await onSite(people, firstPass, ours);
  await onSite(people, barePass, floor);
  const instants = ours[0]?.instants ?? [];
  const tenth = Math.floor(instants.length / 10);
  const span = (from: number) => (instants[from + tenth - 1] ?? 0) - (instants[from] ?? 0);
  return {
    ...comparisonsOf(mailboxes, each, ours, floor),
    last: { delegations: instants.length, ratio: span(instants.length - tenth) / span(0) },
  };
}

/** The same pass beside so many shares of others' on the server, and beside few, in turn: what the last of many delegations cost, and the first. */
export async function besideSharesFigures(
  mailboxes: number,
  each: number,
  [few, many]: readonly [number, number],
  pairs: number,
): Promise<FirstPassFigures> {
  const people = ring(mailboxes, each);
  const [small, large]: [Took[], Took[]] = [[], []];
  await onSite(people, firstPass, [], few); // neither counts: caches
  for (let round = 0; round < pairs; round++) {
    const turns = [() => onSite(people, firstPass, small, few), () => onSite(people, firstPass, large, many)];
    for (const turn of round % 2 === 0 ? turns : turns.reverse()) await turn();
  }
  const of = (phase: Phase) =>
    comparison(
      `first pass, ${mailboxes * each} delegations, all ${phase === 'inForce' ? 'in force' : 'verified'}, beside ${many.toLocaleString('en')} shares against ${few.toLocaleString('en')}`,
      large.map((one) => one[phase]),
      small.map((one) => one[phase]),
    );
  return { inForce: of('inForce'), verified: of('verified') };
}

async function onSite(
  people: Ring,
  work: (site: Site, people: Ring) => Promise<Took>,
  into: Took[],
  others = 0,
): Promise<void> {
  const shares = await startShares();
  if (others > 0) await haveShares(shares, others);
  const site = await startSite({
    reuse: false,
    users: [...people.owners, ...people.people],
    postfix: false,
    shares: shares.socket,
  });
  try {
    await haveFolders(site, people);
    into.push(await work(site, people));
  } finally {
    await site.stop();
    await shares.stop();
  }
}

/** As in every account in use: an entry of a folder that isn't made yet costs Dovecot half. */
const haveFolders = (site: Site, { owners }: Ring) =>
  atOnce(AT_ONCE, owners, async (owner) => {
    const imap = await loggedIn(site, owner);
    await imap.command('LIST "" "*" RETURN (STATUS (MESSAGES))');
    imap.close();
  });

async function haveShares({ mandat, database }: SharesServer, count: number): Promise<void> {
  const file = `${database}.bench`;
  await writeFile(file, sharesOf(count));
  const taken = await mandat('shares', 'import', file);
  if (taken.status !== 0) throw new Error(taken.stderr);
}

/** From the commit on, with a sidecar that runs already. */
async function firstPass(site: Site, people: Ring): Promise<Took> {
  const sidecar = await site.run();
  const state = new Database(site.stateFile, { readonly: true });
  const count = (phase: string) => state.prepare(`SELECT count(*) FROM ledger WHERE ${phase} IS NOT NULL`).pluck();
  const [inForce, verified] = [count('in_force_at'), count('verified_at')];
  const began = performance.now();
  putRing(site, people);
  const until = async (reached: typeof inForce) => {
    while ((reached.get() as number) < people.pairs.length) {
      if (performance.now() - began > LONG_MS) throw new Error('the first pass has no end');
      await pause(LOOK_MS);
    }
    return performance.now() - began;
  };
  const took = {
    inForce: await until(inForce),
    verified: await until(verified),
    instants: (state.prepare('SELECT in_force_at FROM ledger').pluck().all() as string[])
      .map(Date.parse)
      .sort((one, other) => one - other),
  };
  state.close();
  await sidecar.end();
  return took;
}

/**
 * The least of the same: INBOX's entries as the owner, and each person's login opens, which is "in force"; then the entries of special folders,
 * subscriptions, and every folder's rights in a session that came after.
 */
async function barePass(site: Site, { owners, people, pairs }: Ring): Promise<Took> {
  const began = performance.now();
  const folders = new Map<string, readonly string[]>();
  await atOnce(AT_ONCE, owners, async (owner) => {
    const imap = await loggedIn(site, owner);
    const { lines } = await imap.command('LIST "" "*" RETURN (SPECIAL-USE)');
    const names = lines.filter((line) => line.startsWith('* LIST')).map((line) => line.split(' "/" ')[1] ?? '');
    folders.set(
      owner,
      names.map((name) => name.replaceAll('"', '')),
    );
    const given = pairs.filter((pair) => pair.owner === owner);
    await Promise.all(given.map(({ delegate }) => imap.send(`SETACL INBOX ${at(delegate)} ${RIGHTS}`)));
    imap.close();
  });
  await atOnce(AT_ONCE, people, async (delegate) => {
    const imap = await loggedIn(site, delegate);
    await imap.command('LIST "" "shared/*"');
    imap.close();
  });
  const inForce = performance.now() - began;
  await atOnce(AT_ONCE, owners, async (owner) => {
    const imap = await loggedIn(site, owner);
    const special = (folders.get(owner) ?? []).filter((folder) => folder !== 'INBOX'); // there are no others here
    const given = pairs.filter((pair) => pair.owner === owner);
    await Promise.all(
      special.flatMap((folder) =>
        given.map(({ delegate }) => imap.send(`SETACL "${folder}" ${at(delegate)} ${RIGHTS_SPECIAL}`)),
      ),
    );
    imap.close();
  });
  await atOnce(AT_ONCE, people, async (delegate) => {
    const imap = await loggedIn(site, delegate);
    const names = pairs
      .filter((pair) => pair.delegate === delegate)
      .flatMap(({ owner }) => (folders.get(owner) ?? []).map((folder) => sharedName(owner, folder)));
    await Promise.all(names.flatMap((name) => [imap.send(`SUBSCRIBE "${name}"`), imap.send(`MYRIGHTS "${name}"`)]));
    imap.close();
  });
  return { inForce, verified: performance.now() - began };
}

const sharedName = (owner: string, folder: string) =>
  folder === 'INBOX' ? `shared/${at(owner)}` : `shared/${at(owner)}/${folder}`;
