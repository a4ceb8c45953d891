/**
 * One pass over a mailbox that comes to a dead stop at its n-th change on the server and is never heard of again: what stands in
 * the databases and on the server then is what a process leaves that was killed there.
 */

import { mailServer, sessionCutter } from '../../bridge/configured/drivers.ts';
import { policyOf } from '../../bridge/configured/site-policy.ts';
import { openState, openTable } from '../../bridge/configured/stores.ts';
import { openGate } from '../../bridge/reconcile/login-turns.ts';
import { type Restraint, reconcileMailbox } from '../../bridge/reconcile/mailbox.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import { openClock } from '../../bridge/store/state/facts.ts';
import { within } from '../../config/lab/wait.ts';
import { isChange, startProxy } from './imap-proxy.ts';
import { configOf } from './inside.ts';
import type { Site } from './site.ts';

export interface Stop {
  /** Counted from 1: each SETACL, DELETEACL, SUBSCRIBE, UNSUBSCRIBE, and each cut. */
  readonly change: number;
  /** Whether the server still does this one. */
  readonly done: boolean;
}

/** A pass over the only mailbox. Returns what it stopped at, or undefined when it came to its end before. */
const UNRESTRAINED: Restraint = { held: new Set(), mayGive: true, asOf: undefined };

export async function passUntil(site: Site, stop: Stop, onEnd: (close: () => Promise<void>) => void) {
  const config = configOf(site);
  const files = dataFiles(config.dataDir);
  let changes = 0;
  let at: string | undefined;
  const isHere = (what: string) => {
    if (++changes !== stop.change) return false;
    at = what;
    return true;
  };
  const proxy = await startProxy(site.lab.imap, (line) => {
    if (!isChange(line) || !isHere(line)) return 'pass';
    return stop.done ? 'freeze-after' : 'freeze';
  });
  const table = await openTable(config);
  const state = await openState(config);
  const senders = openSenderMap(files.senderDirectory);
  onEnd(async () => {
    await proxy.close();
    senders.close();
    await table.close();
    await state.close();
  });
  const cutter = sessionCutter(config, {});
  const [id] = (await site.sql('SELECT id FROM mailboxes')).trim().split('\n').map(Number);
  const pass = reconcileMailbox(
    {
      table,
      state,
      server: mailServer({ ...config, imap: { ...config.imap, port: proxy.port, timeoutSeconds: 600 } }, {}),
      senders,
      cutter: {
        cut: async (login) => {
          const here = isHere(`kick ${login}`);
          const cut = here && !stop.done ? undefined : await cutter?.cut(login);
          if (here) {
            proxy.freeze();
            await new Promise<never>(() => {});
          }
          return cut ?? { before: undefined, toSee: '', ended: async () => false };
        },
      },
      clock: await openClock(state),
      audit: async () => {},
      acts: () => [],
      hasActed: () => false,
      gate: openGate(),
      noticeRules: undefined,
      stopping: () => false,
      policy: { ...policyOf(config), autoSubscribe: true, cutAtGrant: true, onDrift: 'repair' },
    },
    id ?? 0,
    UNRESTRAINED,
  );
  const over = Promise.race([
    proxy.frozen.then(() => at),
    pass.then((result) => {
      if (result.kind !== 'verified') throw new Error(`the pass ended as ${JSON.stringify(result)}`);
      return undefined;
    }),
  ]);
  return within(`the end of a pass, or its change ${stop.change} of ${changes} so far`, 120_000, over);
}
