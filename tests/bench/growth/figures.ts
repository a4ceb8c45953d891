/** What costs the same at a million delegations as at a thousand: each measured on both tables in turn, against real servers. */
import { spawn } from 'node:child_process';
import type { RawImap } from '../../../config/lab/raw-imap.ts';
import { builtMandat } from '../../cli/built.ts';
import { at, type Site, startSite } from '../../servers/site.ts';
import { GIVE, oneGrant, TAKE } from '../one-grant.ts';
import { type Comparison, compare } from '../pairs.ts';
import { sweepsOf } from '../sweeps.ts';
import { peakMemoryMb, wakeFigures } from '../wake.ts';
import { delegate, owner, putLargeTable, type Worked } from './large-table.ts';
import { LISTS, listPeakMb } from './lists.ts';

export interface GrowthFigures {
  /** `ours`: at the larger size, `floor`: at the smaller one. */
  readonly compared: readonly Comparison[];
  readonly peakMb: readonly [small: number, large: number];
  /** Of commands that print all there is. */
  readonly lists: readonly { readonly what: string; readonly peakMb: readonly [small: number, large: number] }[];
}

/** A site of so many delegations beside alice, bob and carol, with a sidecar on it that is sweeping all the time. */
async function siteOf(size: number, worked: Worked) {
  const site = await startSite({ reuse: false, users: ['alice', 'bob', 'carol'], postfix: false });
  putLargeTable(site.lab.directory, size, worked);
  await site.register('alice', 'bob', 'carol');
  return site;
}

async function ground(size: number) {
  const site = await siteOf(size, 'worked off');
  const sidecar = await site.run();
  const { state, commit, reached, close } = oneGrant(site, LIMIT_MS);
  return {
    site,
    sidecar,
    sweeps: sweepsOf(state, sidecar, LIMIT_MS),
    /** From the commit until the sidecar says that it is in force. */
    grant: async () => {
      await reached('verified_version', commit(TAKE));
      const began = performance.now();
      const version = commit(GIVE);
      await reached('in_force_version', version);
      const took = performance.now() - began;
      await reached('verified_version', version);
      return took;
    },
    /** From the commit to the BYE on the session that is open. */
    revoke: async () => {
      await reached('verified_version', commit(`${TAKE}; ${GIVE}`));
      const open = await opened(site);
      const began = performance.now();
      const version = commit(TAKE);
      await open.waitForBye(30_000);
      const took = performance.now() - began;
      await reached('verified_version', version);
      return took;
    },
    wake: async () => (await wakeFigures(site, 'FULL', 'isolated', WAKES)).median,
    stop: async () => {
      close();
      await sidecar.end();
      await site.stop();
    },
  };
}

async function opened(site: Site): Promise<RawImap> {
  const open = await site.login('bob');
  const { status, text } = await open.command(`SELECT "shared/${at('alice')}"`);
  if (status !== 'OK') throw new Error(`the delegate can't open the mailbox: ${text}`);
  return open;
}

/** From its start to its end. */
async function command(site: Site, args: readonly string[]): Promise<number> {
  const [file = '', ...first] = await builtMandat();
  const began = performance.now();
  const child = spawn(file, [...first, '--config', site.configFile, ...args], { stdio: 'ignore' });
  await new Promise((resolve) => child.once('close', resolve));
  return performance.now() - began;
}

const [BOX, WHO] = [at(owner(3)), at(delegate(3))];

const COMMANDS: readonly (readonly string[])[] = [
  ['status'],
  ['list', '--mailbox', BOX],
  ['who', BOX],
  ['what', WHO],
  ['explain', at('alice'), at('carol')],
  ['history', BOX],
  ['audit', '--limit', '10'],
];

const WAKES = 10;

/** A grant that takes longer has failed. */
const LIMIT_MS = 60_000;

/** Writes, and is not waited for. */
const GRANT = ['grant', at('alice'), at('carol'), '--no-wait'];

export async function growthFigures(small: number, large: number, pairs: number): Promise<GrowthFigures> {
  const compared: Comparison[] = [];
  const few = await ground(small);
  const many = await ground(large);
  try {
    compared.push(await compare('wake-up', many.wake, few.wake, 3));
    for (const args of [GRANT, ...COMMANDS]) {
      const ours = () => command(many.site, args);
      const floor = () => command(few.site, args);
      compared.push(
        await compare(`\`mandat ${args[0]}${args[1]?.startsWith('--') ? ` ${args[1]}` : ''}\``, ours, floor, pairs),
      );
    }
    const lists: GrowthFigures['lists'][number][] = [];
    for (const args of LISTS) {
      const peakMb = [
        await listPeakMb(few.site.configFile, args),
        await listPeakMb(many.site.configFile, args),
      ] as const;
      lists.push({ what: `\`mandat ${args.join(' ')}\``, peakMb });
    }
    // Last: the large one is sweeping all the time, through accounts that the lab's server doesn't have.
    try {
      const sweeping = async () => {
        await few.sweeps.begin();
        return few.grant();
      };
      compared.push(await compare('a grant, in force, both sweeping', many.grant, sweeping, pairs));
      await few.sweeps.ended();
      compared.push(await compare('a grant, in force, the large one sweeping', many.grant, few.grant, pairs));
      compared.push(await compare('a revoke, BYE seen', many.revoke, few.revoke, pairs));
    } catch (error) {
      console.log(`a grant or a revoke: ${(error as Error).message}`);
    }
    const peakMb = [peakMemoryMb(few.sidecar.pid), peakMemoryMb(many.sidecar.pid)] as const;
    return { compared: [...compared, await neverWorkedOff(small, large, pairs)], peakMb, lists };
  } finally {
    await few.stop();
    await many.stop();
  }
}

async function neverWorkedOff(small: number, large: number, pairs: number): Promise<Comparison> {
  const few = await siteOf(small, 'never worked off');
  const many = await siteOf(large, 'never worked off');
  try {
    const ours = () => command(many, ['status']);
    return await compare('`mandat status`, nothing worked off yet', ours, () => command(few, ['status']), pairs);
  } finally {
    await few.stop();
    await many.stop();
  }
}
