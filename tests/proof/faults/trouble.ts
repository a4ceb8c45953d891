/** What the troubles of a machine have in common: how one is played, and what must be so afterwards. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Running, Site } from '../../servers/site.ts';
import { seen } from '../../servers/wire.ts';

export const run = promisify(execFile);
/** On a machine that does other things besides. */
export const LIMIT_MS = 90_000;

export interface Survived {
  readonly what: string;
  /** Empty: all as it must be. */
  readonly wrong: readonly string[];
  readonly said: string;
  /** Why it could not be played on this machine. */
  readonly notTried?: string;
}

export type Played = Omit<Survived, 'what'>;

/** One of them, by what it is. */
export type Trouble = readonly [what: string, play: (site: Site) => Promise<Played>];

/** Why it could not be played here. */
export const notTried = (why: string): Played => ({ wrong: [], said: '', notTried: why });

export const inForce = async (site: Site) => Object.keys(await seen(site, 'alice', 'bob')).length > 0;

/** By itself, without a restart. */
export async function becomes(site: Site, wanted: boolean, wrong: string[]): Promise<void> {
  await site.settled(LIMIT_MS).catch(() => wrong.push('it never settles'));
  if ((await inForce(site)) !== wanted) wrong.push(`access is ${!wanted}`);
}

export function defects(sidecar: Running, wrong: string[]): string {
  const log = sidecar.log();
  const defect = log.find(({ code, level }) => code === 'internal' || level === 60);
  if (defect !== undefined) wrong.push(`a defect: ${JSON.stringify(defect)}`);
  const told = log.filter(({ level }) => Number(level) >= 40).map(({ msg }) => String(msg));
  return [...new Set(told)].slice(0, 3).join(' | ').slice(0, 300);
}

/** The environment that the next sidecar is started with. */
export async function startedWith(site: Site, more: Readonly<Record<string, string>>): Promise<Running> {
  const before = Object.keys(more).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, more);
  try {
    return await site.run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
