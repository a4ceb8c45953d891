/**
 * A sidecar that is gone, by how: from then until the one that stands by has obeyed a revoke that was committed at that moment (the BYE on the delegate's
 * open session). The setting that it is held against is [server] takeover_seconds. The sidecars see one another as on two machines: each has numbers of
 * processes of its own.
 */
import { startPostgresql } from '../../config/lab/postgresql.ts';
import { anotherPlace, type Sidecar, startSidecarAt } from '../servers/second-sidecar.ts';
import { at, startSite } from '../servers/site.ts';
import { keepSitesInPostgresql } from '../servers/site-in-postgresql.ts';
import { type PostgresProxy, startPostgresProxy } from '../store/postgres-proxy.ts';
import { quantile } from './pairs.ts';

const WAYS = {
  'asked to stop': ({ sidecar }) => sidecar.signal('SIGTERM'),
  killed: ({ sidecar }) => sidecar.signal('SIGKILL'),
  frozen: ({ sidecar }) => sidecar.signal('SIGSTOP'),
  'cut off from PostgreSQL': ({ database }) => {
    database.silent = true;
  },
} satisfies Readonly<Record<string, (place: Place) => void>>;

interface Place {
  readonly file: string;
  readonly database: PostgresProxy;
  sidecar: Sidecar;
}

export interface TakeOver {
  readonly way: keyof typeof WAYS;
  readonly takeoverSeconds: number;
  /** In milliseconds, each round. */
  readonly took: readonly number[];
}

/** Median and worst, as shares of the setting. */
export const ofSetting = ({ took, takeoverSeconds }: TakeOver) =>
  [quantile(took, 0.5), Math.max(...took)].map((ms) => ms / takeoverSeconds / 1000) as [median: number, worst: number];

export async function takeOverFigures(takeoverSeconds: number, rounds: number): Promise<readonly TakeOver[]> {
  const postgresql = await startPostgresql();
  keepSitesInPostgresql(() => postgresql);
  const extraToml = `[server]\ntakeover_seconds = ${takeoverSeconds}`;
  const site = await startSite({ reuse: false, users: ['alice', 'bob'], postfix: false, extraToml });
  const limitMs = takeoverSeconds * 10_000;
  const places: Place[] = [];
  const begin = (file: string) => startSidecarAt(file, 'another machine');
  const given = () => site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
  try {
    for (const name of ['one', 'two']) {
      const database = await startPostgresProxy(postgresql.port);
      const file = await anotherPlace(site, name, (toml) => toml.replace(/(@127\.0\.0\.1:)\d+/, `$1${database.port}`));
      const sidecar = await begin(file);
      places.push({ file, database, sidecar });
      await sidecar.said(places.length === 1 ? /^watching$/ : /this one stands by/);
    }
    await site.register('alice', 'bob');
    await site.settled();
    const figures: TakeOver[] = [];
    for (const [way, go] of Object.entries(WAYS)) {
      const took: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const [first] = places as [Place, Place];
        await given();
        await site.settled(limitMs);
        const open = await site.login('bob');
        const { status, text } = await open.command(`SELECT "shared/${at('alice')}"`);
        if (status !== 'OK') throw new Error(`the delegate can't open the mailbox: ${text}`);
        const began = performance.now();
        go(first);
        await site.sql(`DELETE FROM delegation WHERE delegate = '${at('bob')}'`);
        await open.waitForBye(limitMs);
        took.push(performance.now() - began);
        await site.settled(limitMs);
        first.database.silent = false;
        await first.sidecar.end('SIGKILL');
        first.sidecar = await begin(first.file);
        await first.sidecar.said(/this one stands by/);
        places.reverse();
      }
      figures.push({ way: way as TakeOver['way'], takeoverSeconds, took });
    }
    return figures;
  } finally {
    for (const { sidecar, database } of places) {
      await sidecar.end('SIGKILL').catch(() => {});
      await database.close();
    }
    await site.stop();
    await postgresql.stop();
  }
}
