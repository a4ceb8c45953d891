/** The world of the histories (real Dovecot and Postfix, the built `mandat run`, people who try to get in) with a faulty wire before each server. */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { postfixDirectory } from '../../doctor/breakage.ts';
import { editConfig, routeDoveadmThrough } from '../../servers/configure.ts';
import { routeThrough } from '../../servers/imap-proxy.ts';
import type { Site } from '../../servers/site.ts';
import { type History, newRound } from '../histories/history.ts';
import { startWatchers } from '../histories/watchers.ts';
import { endSidecar, startSidecar, startWorld, type World } from '../histories/world.ts';
import { type FaultyWire, openFaultyWire } from './faulty-wire.ts';

/** `copies`: LMTP, by which Postfix brings mandat the copies for Sent folders; there Postfix is the client. */
export const PLACES = ['imap', 'doveadm', 'notices', 'reinject', 'copies'] as const;
export type Place = (typeof PLACES)[number];

export interface FaultyWorld {
  readonly world: World;
  readonly history: History;
  readonly wires: Readonly<Record<Place, FaultyWire>>;
  /** Those that the submission service has said to have taken. */
  readonly messages: { taken: number; forOwner: number };
  /** What a change may take, with a fault: a list of folders is waited for ten times as long as other answers. */
  readonly limitMs: number;
  stop(): Promise<void>;
}

/** How long the sidecar waits for a server that says nothing, in seconds, where nothing else is said. */
export const PATIENCE_S = 2;
/** On a machine that does other things besides. */
const LIMIT_MS = 90_000;

/** Postfix brings copies through this port, and tries again after two seconds what it could not bring. */
async function routeCopiesThrough(site: Site, { host, port }: FaultyWire, patienceS: number): Promise<void> {
  const file = path.join(postfixDirectory(site), 'main.cf');
  const main = await readFile(file, 'utf8');
  const soon = ['minimal_backoff_time', 'maximal_backoff_time', 'queue_run_delay', 'transport_retry_time'];
  const patience = ['connect', 'lhlo', 'mail', 'rcpt', 'data_init', 'data_xfer', 'data_done', 'rset', 'quit'];
  await writeFile(
    file,
    [
      main.replace(/mandat-copy:unix:[^}]*/, `mandat-copy:inet:[${host}]:${port}`),
      ...soon.map((name) => `${name} = 2s`),
      ...patience.map((name) => `lmtp_${name}_timeout = ${patienceS}s`),
      '',
    ].join('\n'),
  );
  await site.lab.stopPostfix();
  await site.lab.startPostfix();
}

export async function startFaultyWorld(inherit: boolean, patienceS = PATIENCE_S): Promise<FaultyWorld> {
  const world = await startWorld({ inherit }).catch(() => startWorld({ inherit }));
  const { site, sink } = world;
  await endSidecar(world, 'SIGTERM');
  const { lab } = site;
  const wires = {
    imap: await openFaultyWire(lab.imap),
    doveadm: await openFaultyWire({ host: '127.0.0.1', port: Number(new URL(lab.doveadm.url).port) }),
    notices: await openFaultyWire({ host: '127.0.0.1', port: sink.port }),
    reinject: await openFaultyWire(lab.reinject),
    copies: await openFaultyWire({ path: lab.copySocket }),
  };
  await routeThrough(site, wires.imap);
  await routeDoveadmThrough(site, wires.doveadm);
  await editConfig(site, (toml) =>
    toml
      .replace(/(\[notices\]\nport = )\d+/, `$1${wires.notices.port}`)
      .replace(/(reinject = "127\.0\.0\.1:)\d+/, `$1${wires.reinject.port}`)
      .replace(/^copy_listen = .*$/m, '$&\ncopy_delay_seconds = 0')
      .replace(/timeout_seconds = \d+/, `timeout_seconds = ${patienceS}`),
  );
  await routeCopiesThrough(site, wires.copies, patienceS);
  await startSidecar(world);
  const watchers = startWatchers(site);
  const [history] = newRound(world, [watchers]).histories as [History];
  return {
    world,
    history,
    wires,
    messages: { taken: 0, forOwner: 0 },
    limitMs: LIMIT_MS + 12_000 * (patienceS - PATIENCE_S),
    stop: async () => {
      for (const wire of Object.values(wires)) wire.clear();
      await watchers.stop();
      await Promise.all(Object.values(wires).map((wire) => wire.close())); // the servers behind them end when nobody is connected
      await world.stop();
    },
  };
}
