/**
 * `npm run proof:postgresql:memory`: all connections of a sidecar to PostgreSQL are cut, again and again, and each time it connects anew and works off a
 * change. Every so many cuts all garbage is collected, by a heap snapshot, and it is measured what lives, and what the process has of the machine. Does it
 * grow with the cuts? Options: `-- --cuts N` (300), `--every N` (50).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { at, startSite } from '../../servers/site.ts';
import { keepSitesInPostgresql } from '../../servers/site-in-postgresql.ts';
import { startPostgresProxy } from '../../store/postgres-proxy.ts';

const { values } = parseArgs({ options: { cuts: { type: 'string' }, every: { type: 'string' } } });
const CUTS = Number(values.cuts ?? 300);
const EVERY = Number(values.every ?? 50);
const LIMIT_MS = 120_000;
/** What may be kept of each cut at most, in kB: a line of a log that waits to be written, a figure. */
const MOST_KB = 4;

const snapshots = mkdtempSync(path.join(os.tmpdir(), 'mandat-heap-'));
process.env.NODE_OPTIONS = `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${snapshots}`;
const postgresql = await startPostgresql();
const proxy = await startPostgresProxy(postgresql.port);
keepSitesInPostgresql(() => postgresql, proxy.port);
const site = await startSite({ users: ['alice', 'bob'], postfix: false });
let grows = false;
try {
  await site.register('alice', 'bob');
  const sidecar = await site.run();
  const residentKb = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${sidecar.pid}/status`, 'utf8'))?.[1]);
  /** What lives, in kB: the sizes of all nodes of a snapshot, which is taken when all garbage is collected. */
  const livesKb = async () => {
    process.kill(sidecar.pid, 'SIGUSR2');
    let size = -1;
    const whole = () => {
      const [name] = readdirSync(snapshots);
      if (name === undefined) return false;
      const file = path.join(snapshots, name);
      const now = statSync(file).size;
      const same = now > 0 && now === size && readFileSync(file, 'utf8').trimEnd().endsWith('}');
      size = now;
      return same;
    };
    await waitFor('a snapshot', LIMIT_MS, whole);
    const file = path.join(snapshots, readdirSync(snapshots)[0] ?? '');
    const { snapshot, nodes } = JSON.parse(readFileSync(file, 'utf8'));
    rmSync(file);
    const fields: string[] = snapshot.meta.node_fields;
    let sum = 0;
    for (let one = fields.indexOf('self_size'); one < nodes.length; one += fields.length) sum += nodes[one];
    return Math.round(sum / 1024);
  };
  const count = (what: RegExp) => sidecar.log().filter(({ msg }) => what.test(String(msg))).length;
  const found: { readonly cuts: number; readonly lives: number }[] = [];
  console.log('cuts    lives, kB    resident, kB');
  for (let cut = 0; ; cut++) {
    if (cut % EVERY === 0) {
      await site.settled(LIMIT_MS);
      const [resident, lives] = [residentKb(), await livesKb()];
      found.push({ cuts: cut, lives });
      console.log(`${String(cut).padEnd(8)}${String(lives).padEnd(13)}${resident}`);
    }
    if (cut === CUTS) break;
    const before = count(/^the database is there again/);
    proxy.cut();
    await waitFor('it is back', LIMIT_MS, () => count(/^the database is there again/) > before);
    await site.sql(
      cut % 2 === 0
        ? `INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`
        : 'DELETE FROM delegation',
    );
    await site.settled(LIMIT_MS);
  }
  // The first ones fill caches and compile what is used.
  const [, first, ...others] = found;
  const last = others.at(-1);
  if (first !== undefined && last !== undefined) {
    const each = (last.lives - first.lives) / (last.cuts - first.cuts);
    grows = each > MOST_KB;
    console.log(`from cut ${first.cuts} to cut ${last.cuts}: ${each.toFixed(2)} kB a cut${grows ? ': IT GROWS' : ''}`);
  }
} finally {
  await site.stop();
  await proxy.close();
  await postgresql.stop();
  rmSync(snapshots, { recursive: true });
}
process.exit(grows ? 1 : 0);
