/** What the trace of access costs: IMAP commands a second with and without, events taken a second, octets an access, and a revoke beside it. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { traceDirectory } from '../../../bridge/trace/trace-files.ts';
import type { RawImap } from '../../../config/lab/raw-imap.ts';
import { at } from '../../servers/site.ts';
import { elapsed } from '../ground.ts';
import { type Comparison, compare } from '../pairs.ts';
import { madeEvent } from './made-event.ts';
import { openPosting, requestOf } from './posting.ts';
import { PASSWORD, registerPeople, type Sink, startSink, type TracedSite, tracedSite } from './site.ts';

/** `ours`, `floor`: how long so many of them took, in ms. */
export interface Rate {
  readonly compared: Comparison;
  readonly count: number;
  /** Of what was to be traced, the share that stands in the trace; undefined where nothing is. */
  readonly traced: number | undefined;
}

export interface TraceFigures {
  readonly commands: readonly Rate[];
  readonly taken: Rate;
  /** Octets an access on disk, when the month's file is closed, and how many there were. */
  readonly octets: number;
  readonly accesses: number;
}

const LETTER = `From: a@lab.test\r\nSubject: x\r\n\r\n${'x'.repeat(2000)}\r\n`;

/** What is measured of a session, by what it sends; each is in a folder of twenty messages. */
const SENT: readonly (readonly [what: string, traced: boolean, line: (n: number) => string])[] = [
  ['reading a message of 2 kB, which is traced', true, (n) => `UID FETCH ${1 + (n % 20)} (FLAGS BODY.PEEK[])`],
  [
    'marking one as read, which is traced',
    true,
    (n) => `UID STORE ${1 + (n % 20)} ${n % 2 === 0 ? '+' : '-'}FLAGS (\\Seen)`,
  ],
  ['NOOP, which is not', false, () => 'NOOP'],
];
/** Commands in flight at a time. */
const DEPTH = 20;

export async function traceFigures(pairs: number, quick: boolean): Promise<TraceFigures> {
  const sites = [await tracedSite(true, ['alice', 'bob']), await tracedSite(false, ['alice', 'bob'])] as const;
  const sink = await startSink();
  try {
    const sessions = [await prepared(sites[0]), await prepared(sites[1])] as const;
    const commands: Rate[] = [];
    for (const [what, traced, line] of SENT)
      commands.push(await commandRate(what, traced, line, sites[0], sessions, pairs, quick ? 300 : 1500));
    for (const session of sessions) session.close();
    await registerPeople(sites[0]);
    const taken = await takenRate(sites[0], sink, pairs, quick ? 2000 : 10_000);
    const accesses = sites[0].written();
    await sites[0].running.end();
    return { commands, taken, octets: octetsOf(sites[0]) / accesses, accesses };
  } finally {
    sink.stop();
    for (const site of sites) await site.stop();
  }
}

/** Bob in alice's mailbox, by a delegation. */
async function prepared({ site }: TracedSite): Promise<RawImap> {
  const owner = await site.login('alice');
  for (let n = 0; n < 20; n++) await owner.append('INBOX', LETTER);
  owner.close();
  await site.register('alice', 'bob');
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
  await site.settled();
  const session = await site.login('bob');
  const { status, text } = await session.command(`SELECT "shared/${at('alice')}"`);
  if (status !== 'OK') throw new Error(text);
  return session;
}

async function commandRate(
  what: string,
  traced: boolean,
  line: (n: number) => string,
  told: TracedSite,
  [ours, floor]: readonly [RawImap, RawImap],
  pairs: number,
  count: number,
): Promise<Rate> {
  const run = (session: RawImap) =>
    elapsed(async () => {
      let next = 0;
      const one = async () => {
        while (next < count) {
          const { status, text } = await session.send(line(next++));
          if (status !== 'OK') throw new Error(text);
        }
      };
      await Promise.all(Array.from({ length: DEPTH }, one));
    });
  let [wanted, arrived] = [0, 0];
  const compared = await compare(
    what,
    async () => {
      const before = told.written();
      const took = await run(ours);
      wanted += count;
      // What Dovecot tells behind its answers is no load on whose turn is next.
      if (traced) arrived += (await told.reached(before + count)) - before;
      return took;
    },
    () => run(floor),
    pairs,
  );
  return { compared, count, traced: traced ? arrived / wanted : undefined };
}

/** Until all of them stand in the trace, beside a sink that answers and keeps nothing. */
async function takenRate(told: TracedSite, sink: Sink, pairs: number, count: number): Promise<Rate> {
  let made = 0;
  const post = async (port: number, arrived: () => Promise<unknown>) => {
    const requests = Array.from({ length: count }, () => requestOf(port, PASSWORD, madeEvent(made++)));
    const posting = await openPosting(port, CONNECTIONS);
    const took = await elapsed(async () => {
      await posting.post(requests);
      await arrived();
    });
    posting.close();
    return took;
  };
  const compared = await compare(
    `${count.toLocaleString('en')} events over ${CONNECTIONS} connections`,
    () => {
      const before = told.written();
      return post(told.port, async () => {
        const there = await told.reached(before + count);
        if (there < before + count) throw new Error(`${there - before} of ${count} events stand in the trace`);
      });
    },
    () => post(sink.port, async () => {}),
    pairs,
  );
  return { compared, count, traced: 1 };
}
const CONNECTIONS = 16;

function octetsOf({ site }: TracedSite): number {
  const directory = traceDirectory(dataFiles(site.lab.directory));
  return readdirSync(directory).reduce((sum, name) => sum + statSync(path.join(directory, name)).size, 0);
}

/** A revoke while so many events a second come, beside one while as many go to the sink. */
export async function revokeBesideTrace(pairs: number, perSecond: number): Promise<Comparison> {
  const told = await tracedSite(true, ['alice', 'bob']);
  const sink = await startSink();
  try {
    await told.site.register('alice', 'bob');
    await registerPeople(told);
    let made = 0;
    const beside = async (port: number) => {
      await told.site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
      await told.site.settled();
      const open = await told.site.login('bob');
      await open.command(`SELECT "shared/${at('alice')}"`);
      const posting = await openPosting(port, 4);
      let going = true;
      const flood = async () => {
        for (const began = performance.now(); going; ) {
          const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
          const requests = Array.from({ length: Math.max(0, due - sent) }, () =>
            requestOf(port, PASSWORD, madeEvent(made++)),
          );
          sent += requests.length;
          await posting.post(requests);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      let sent = 0;
      const flooding = flood();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const took = await elapsed(async () => {
        await told.site.sql('DELETE FROM delegation');
        await open.waitForBye(30_000);
      });
      going = false;
      await flooding;
      posting.close();
      await told.site.settled();
      return took;
    };
    return await compare(
      `revoke to BYE, ${perSecond.toLocaleString('en')} events a second meanwhile`,
      () => beside(told.port),
      () => beside(sink.port),
      pairs,
    );
  } finally {
    sink.stop();
    await told.stop();
  }
}
