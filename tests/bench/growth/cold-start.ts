/**
 * A sidecar that starts on a table that nobody has worked off: how long an explicit revoke takes meanwhile, from its commit to the BYE that the
 * delegate's open session is told.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { openDelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { revoke } from '../../../bridge/store/table/delegations.ts';
import { at, type Site, startSite } from '../../servers/site.ts';
import { delegate, EACH, owner, putLargeTable } from './large-table.ts';

export interface ColdStart {
  readonly delegations: number;
  /** From the commit to the BYE, in milliseconds: of each revoke, with when it was made, after the sidecar had begun to watch. */
  readonly revokes: readonly { readonly afterMs: number; readonly tookMs: number }[];
  readonly peakMb: number;
}

/** When revokes are made, in milliseconds after the start. */
const MOMENTS = [0, 250, 500, 1000, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 7000, 8000, 10_000, 15_000];

/** `delegations` 0: an empty queue. */
export async function coldStart(delegations: number, moments: readonly number[] = MOMENTS): Promise<ColdStart> {
  const people = Array.from({ length: delegations / EACH }, (_, n) => [owner(n), delegate(n)]).flat();
  const users = [...moments.flatMap((_, n) => [`alice${n}`, `bob${n}`]), ...people];
  const site = await startSite({ reuse: false, users, postfix: false });
  try {
    if (delegations > 0) putLargeTable(site.lab.directory, delegations, 'never worked off');
    for (const [n] of moments.entries()) {
      await site.register(`alice${n}`, `bob${n}`);
      const granted = await site.mandat('grant', at(`alice${n}`), at(`bob${n}`));
      if (granted.status !== 0) throw new Error(`grant: ${granted.stdout}${granted.stderr}`);
    }
    const sessions = await Promise.all(moments.map((_, n) => opened(site, n)));
    const table = openDelegationDb(site.table);
    const sidecar = await site.run();
    const began = performance.now();
    const revokes: { afterMs: number; tookMs: number }[] = [];
    for (const [n, moment] of moments.entries()) {
      await pause(Math.max(0, began + moment - performance.now()));
      await revoke(table, { actor: 'admin:bench' }, at(`alice${n}`), at(`bob${n}`));
      const committed = performance.now();
      await sessions[n]?.waitForBye(120_000);
      revokes.push({ afterMs: Math.round(committed - began), tookMs: performance.now() - committed });
    }
    const status = readFileSync(`/proc/${sidecar.pid}/status`, 'utf8');
    const peakMb = Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024);
    await table.close();
    await sidecar.end();
    return { delegations, revokes, peakMb };
  } finally {
    await site.stop();
  }
}

async function opened(site: Site, n: number) {
  const open = await site.login(`bob${n}`);
  const { status, text } = await open.command(`SELECT "shared/${at(`alice${n}`)}"`);
  if (status !== 'OK') throw new Error(`the delegate can't open the mailbox: ${text}`);
  return open;
}
