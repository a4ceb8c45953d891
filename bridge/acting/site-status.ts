/** What an administrator sees of a site: by counts, without speaking to a mail server; and why a delegation is as it is, by asking it. */

import { policyOf } from '../configured/site-policy.ts';
import { everyServer, type ServerSeen } from '../questions/every-server.ts';
import { type Explained, explain } from '../questions/explain.ts';
import type { Pause } from '../safeguards/pause.ts';
import { Failure } from '../shared/failure.ts';
import { mayDelegate } from './permitted.ts';
import type { Acting } from './site.ts';
import { needsSomebody, type Status, statusOf } from './status/status.ts';

export interface SiteStatus {
  /** The mail server of this machine, and whether a sidecar works on it: wherever it runs, where the database tells. */
  readonly here: string;
  readonly running: boolean;
  readonly servers: readonly ServerSeen[];
  readonly paused: Pause | null;
  /** The table is older than the one last seen: it gives nobody access. */
  readonly restored: boolean;
  /** Since when all delegations are withdrawn; null where they aren't. */
  readonly withdrawnSince: string | null;
  /** Of the mail server of this machine: all that `mandat status` says. */
  readonly own: Status;
  /** Whether something failed on it, is held or broken, or nobody works. */
  readonly needsSomebody: boolean;
}

/** Of each list, the first. */
const SHOWN = 20;

/** Fails `refused` for whoever is no administrator. */
export async function siteStatus(acting: Acting): Promise<SiteStatus> {
  refuseOthers(acting);
  const own = await statusOf(acting, SHOWN);
  return acting.table((table) =>
    acting.state(async (state) => {
      const here = acting.config.server.name;
      const servers = await everyServer(table, state);
      const works = servers.find(({ server }) => server === here)?.works;
      return {
        here,
        running: works === undefined ? acting.sidecarRuns() : works?.alive === true,
        servers,
        paused: own.paused ?? null,
        restored: own.restored,
        withdrawnSince: own.withdrawn,
        own,
        needsSomebody: needsSomebody(own),
      };
    }),
  );
}

/** Speaks to the mail server. `env`: where secrets may stand. An owner asks of their own mailboxes. */
export async function explained(
  acting: Acting,
  mailbox: string,
  typed: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Explained> {
  await acting.table((db) => mayDelegate(acting, db, [mailbox]));
  const delegate = typed === undefined ? undefined : await acting.delegate(typed);
  const { mailServer } = await import('../configured/drivers.ts'); // the IMAP library takes its time to load
  const { config } = acting;
  const site = { server: mailServer(config, env), policy: policyOf(config), now: new Date().toISOString() };
  return acting.table((table) => acting.state((state) => explain({ ...site, table, state }, mailbox, delegate)));
}

function refuseOthers({ actor }: Acting): void {
  if (actor.kind === 'admin') return;
  throw new Failure('refused', 'this is for administrators', '', { rule: 'MANDAT_ACTOR' });
}
