/**
 * What a sidecar has done leaves nothing in its memory: over some hundred grants and revokes, each with the cut of an open session, and sweeps under a
 * configuration that is read again each time, what lives after a collection stays as large as it was.
 */
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { openDelegationDb } from '../../bridge/store/table/delegation-db.ts';
import { grant, revoke } from '../../bridge/store/table/delegations.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { at, startSite } from '../servers/site.ts';

const MAILBOXES = 6;
/** Before the first measurement: what is loaded and kept once. */
const WARM = 5;
const ROUNDS = 21;
const SWEEP_EACH = 4;

/** Of what lived after the first rounds. What is kept of each of a hundred grants and revokes shows above some 20 kB. */
const MOST_GROWTH = 1.1;

t.test('the heap is flat', async (t) => {
  const file = path.join(mkdtempSync(path.join(os.tmpdir(), 'mandat-heap-')), 'heap');
  process.env.MANDAT_HEAP = file;
  process.env.PROOF_NODE_ARGUMENTS = `--expose-gc --import=${path.join(import.meta.dirname, 'heap-recorder.mjs')}`;
  const pairs = Array.from({ length: MAILBOXES }, (_, n) => [`alice${n}`, `bob${n}`] as const);
  const site = await startSite({
    users: pairs.flat(),
    postfix: false,
    extraToml: '[schedule]\nsweep_logins_per_second = 0',
  });
  t.teardown(() => site.stop());
  for (const pair of pairs) await site.register(...pair);
  const table = openDelegationDb(site.table);
  const sidecar = await site.run();
  const state = new Database(site.stateFile, { readonly: true });
  t.teardown(async () => {
    state.close();
    await table.close();
  });
  const swept = state.prepare("SELECT value FROM facts WHERE name = 'sweep'").pluck();
  const sweep = async () => {
    await waitFor('no sweep is under way', 60_000, () => swept.get() !== undefined);
    const before = swept.get();
    process.kill(sidecar.pid, 'SIGHUP');
    await waitFor('a sweep has ended', 60_000, () => swept.get() !== before);
  };
  let cuts = 0;
  const round = async () => {
    for (const [owner, delegate] of pairs) await grant(table, { actor: 'admin:test' }, at(owner), at(delegate));
    await site.settled();
    const sessions = [];
    for (const [owner, delegate] of pairs) {
      const session = await site.login(delegate);
      t.equal((await session.command(`SELECT "shared/${at(owner)}"`)).status, 'OK', `${delegate} opens it`);
      sessions.push(session);
    }
    for (const [owner, delegate] of pairs) await revoke(table, { actor: 'admin:test' }, at(owner), at(delegate));
    for (const session of sessions) await session.waitForBye(60_000);
    cuts += sessions.length;
    await site.settled();
  };
  const living = async () => {
    const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
    const before = lines().length;
    process.kill(sidecar.pid, 'SIGUSR2');
    await waitFor('it is measured', 60_000, () => lines().length > before);
    return Number(lines().at(-1));
  };
  const measured: number[] = [];
  for (let n = 1; n <= WARM + ROUNDS; n++) {
    await round();
    if (n % SWEEP_EACH === 0) await sweep();
    if (n >= WARM) measured.push(await living());
  }
  const [first = 0, last = Number.POSITIVE_INFINITY] = [measured[0], measured.at(-1)];
  const mb = measured.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join(' ');
  t.comment(`${cuts} cuts; living, in MB: ${mb}`);
  t.ok(cuts > 120 && last / first <= MOST_GROWTH, `${(last / first).toFixed(3)} times what it was, ${cuts} cuts`);
  t.equal(await sidecar.end(), 0);
});
