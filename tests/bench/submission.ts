/**
 * Messages a second through Postfix: straight, through the filter, and through an smtp-server that only passes on. Three sites at once
 * that take turns, so that all of them meet the same machine; filter and floor are processes of their own, as in production.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RawSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { builtMandat, NODE } from '../cli/built.ts';
import { postfixDirectory } from '../doctor/breakage.ts';
import { at, type Site, startSite } from '../servers/site.ts';
import { submissionAs } from '../servers/submission.ts';

export const WAYS = ['without', 'pass-on', 'filter'] as const;
export type Way = (typeof WAYS)[number];

export interface SubmissionFigure {
  readonly way: Way;
  readonly size: number;
  readonly connections: number;
  /** Medians of the rounds. */
  readonly perSecond: number;
  readonly medianMs: number;
  /** Of the messages a second without, round by round; the median and the middle half. */
  readonly ofWithout: readonly [median: number, low: number, high: number];
  /** How much the process in between has grown meanwhile. */
  readonly grownMb: number | undefined;
}

export interface Load {
  /** In octets. */
  readonly size: number;
  readonly connections: number;
  /** Messages for each of them, in a round. */
  readonly each: number;
  readonly rounds: number;
}

interface Turn {
  readonly perSecond: number;
  readonly medianMs: number;
}

interface Passage {
  readonly way: Way;
  readonly site: Site;
  readonly between: ChildProcess | undefined;
}

export async function submissionFigures(loads: readonly Load[]): Promise<readonly SubmissionFigure[]> {
  const passages: Passage[] = [];
  try {
    for (const way of WAYS) passages.push(await passage(way));
    const figures: SubmissionFigure[] = [];
    for (const load of loads) figures.push(...(await figuresOf(passages, load)));
    return figures;
  } finally {
    for (const { between, site } of passages) {
      between?.kill();
      await site.stop();
    }
  }
}

async function passage(way: Way): Promise<Passage> {
  const site = await startSite({
    reuse: false,
    users: ['bob'],
    filter: way !== 'without',
    chroot: false,
    extraSubmission: 'sent_copy = "none"',
    extraMain: 'message_size_limit = 30000000\nmailbox_size_limit = 0\nvirtual_mailbox_limit = 0',
  });
  if (way === 'without') return { way, site, between: undefined };
  const socket = path.join(site.lab.directory, 'run/filter.sock');
  const program =
    way === 'filter'
      ? [...(await builtMandat()), '--config', site.configFile, 'filter']
      : [...NODE, '--import', 'tsx', path.join(import.meta.dirname, 'pass-on.ts'), socket, `${site.lab.reinject.port}`];
  const [file = '', ...args] = program;
  const between = spawn(file, args, { stdio: 'ignore' });
  await waitFor(`the socket of ${way}`, 15_000, () => existsSync(socket));
  return { way, site, between };
}

async function figuresOf(passages: readonly Passage[], load: Load): Promise<readonly SubmissionFigure[]> {
  const turns = new Map<Way, Turn[]>(WAYS.map((way) => [way, []]));
  const before = new Map<Way, number>();
  for (let round = -1; round < load.rounds; round++) {
    for (const { way, site, between } of passages) {
      const one = await turn(site, round < 0 ? { ...load, each: 1 } : load);
      if (round >= 0)
        turns.get(way)?.push(one); // the first only wakes everything up
      else before.set(way, await resident(between));
      await delivered(site);
    }
  }
  const figures: SubmissionFigure[] = [];
  for (const { way, between } of passages) {
    const mine = turns.get(way) ?? [];
    const ratios = mine.map(({ perSecond }, round) => perSecond / (turns.get('without')?.[round]?.perSecond ?? 0));
    figures.push({
      way,
      size: load.size,
      connections: load.connections,
      perSecond: quantile(mine.map(({ perSecond }) => perSecond)),
      medianMs: quantile(mine.map(({ medianMs }) => medianMs)),
      ofWithout: [quantile(ratios), quantile(ratios, 0.25), quantile(ratios, 0.75)],
      grownMb: between === undefined ? undefined : ((await resident(between)) - (before.get(way) ?? 0)) / 1e6,
    });
  }
  return figures;
}

async function turn(site: Site, { size, connections, each }: Load): Promise<Turn> {
  const line = `${'x'.repeat(74)}\r\n`;
  const letter = `From: <${at('bob')}>\r\nSubject: x\r\n\r\n${line.repeat(Math.ceil(size / line.length))}`;
  const took: number[] = [];
  const sessions = await Promise.all(Array.from({ length: connections }, () => submissionAs(site, 'bob')));
  const sendAll = async (session: RawSmtp) => {
    for (let sent = 0; sent < each; sent++) {
      const start = performance.now();
      const { code, text } = await session.sendMail(at('bob'), 'd@elsewhere.test', letter);
      if (code !== 250) throw new Error(`${code} ${text}`);
      took.push(performance.now() - start);
    }
  };
  const began = performance.now();
  await Promise.all(sessions.map(sendAll));
  const seconds = (performance.now() - began) / 1000;
  for (const session of sessions) session.close();
  return { perSecond: took.length / seconds, medianMs: quantile(took) };
}

/** What is still in the queue would be a load on whose turn is next. */
async function delivered(site: Site): Promise<void> {
  const queue = path.join(path.dirname(postfixDirectory(site)), 'queue');
  await waitFor('the queue is empty', 120_000, async () => {
    const waiting = await Promise.all(['incoming', 'active'].map((name) => readdir(path.join(queue, name))));
    return waiting.flat().length === 0;
  });
}

function quantile(values: readonly number[], share = 0.5): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** VmRSS, in bytes. */
async function resident(process: ChildProcess | undefined): Promise<number> {
  if (process === undefined) return 0;
  const status = await readFile(`/proc/${process.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
