/** Wake-up alone: from a COMMIT by another process to the moment at which the sidecar's loop begins to work. And what watching costs. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { watchTable } from '../../bridge/sidecar/watch-table.ts';
import { openDelegationDb } from '../../bridge/store/table/delegation-db.ts';
import type { Site } from '../servers/site.ts';
import { quantile } from './pairs.ts';

export interface WakeFigures {
  readonly synchronous: 'FULL' | 'NORMAL';
  readonly kind: 'isolated' | 'burst';
  readonly commits: number;
  readonly noticed: number;
  /** Milliseconds from the return of COMMIT; below zero when the loop was awake before it returned. */
  readonly median: number;
  readonly worst: number;
}

const BURST = 20;

/** `commits` isolated ones, or bursts of 20 of which the last counts: the loop must not sleep on it. */
export async function wakeFigures(
  site: Site,
  synchronous: WakeFigures['synchronous'],
  kind: WakeFigures['kind'],
  commits: number,
): Promise<WakeFigures> {
  const table = openDelegationDb(site.table);
  const writer = spawn(
    process.execPath,
    ['--import=tsx', path.join(import.meta.dirname, 'writer.ts'), site.table, synchronous],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  let woken: (() => void) | undefined;
  let lastWake = 0n;
  const watch = watchTable(table, 60_000, () => {
    lastWake = process.hrtime.bigint();
    woken?.();
  });
  try {
    await answer(writer); // ready
    const latencies: number[] = [];
    for (let round = 0; round < commits; round++) {
      await pause(30); // longer than the watch looks again for, so that each commit is met by a loop at rest
      await pause(70);
      writer.stdin.write(`${kind === 'burst' ? BURST : 1}\n`);
      const committed = BigInt(await answer(writer));
      const settled =
        lastWake >= committed - 5_000_000n ? Promise.resolve() : new Promise<void>((resolve) => (woken = resolve));
      const late = await Promise.race([settled.then(() => false), pause(500).then(() => true)]);
      if (!late) latencies.push(Number(lastWake - committed) / 1e6);
    }
    return {
      synchronous,
      kind,
      commits,
      noticed: latencies.length,
      median: quantile(latencies, 0.5),
      worst: Math.max(...latencies),
    };
  } finally {
    watch.close();
    writer.stdin.end();
    await table.close();
  }
}

function answer(writer: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve) =>
    writer.stdout?.once('data', (chunk: Buffer) => resolve(chunk.toString().trim().split('\n').at(-1) ?? '')),
  );
}

/** Processor time of a process over so many seconds, in percent of one core. */
export async function idleCpu(pid: number, seconds: number): Promise<number> {
  const ticks = () => {
    const [, , ...fields] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/\(.*\)/, 'x')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = ticks();
  await pause(seconds * 1000);
  return (ticks() - before) / seconds; // 100 ticks a second, so ticks a second are percent
}

export function peakMemoryMb(pid: number): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .find((one) => one.startsWith('VmHWM'));
  return Math.round(Number(line?.replace(/\D+/g, '')) / 1024);
}
