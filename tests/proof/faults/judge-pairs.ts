/** What has become of many pairs when a round of faults is over: who sees what, whose entries stand, who may send, and what was recorded. */
import path from 'node:path';
import { syncBySidecar } from '../../../bridge/sidecar/sync.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { configOf } from '../../servers/inside.ts';
import { at } from '../../servers/site.ts';
import { granted, seen, serverFiles } from '../../servers/wire.ts';
import { Broken } from '../histories/history.ts';
import { quiet } from '../histories/judge-records.ts';
import { rowsIn } from '../histories/world.ts';
import type { Holders } from './held-sessions.ts';
import { inPortions, type ManyPairs, STRANGER } from './many-pairs.ts';

const LIMIT_MS = 180_000;

/** The last entry of the trail. */
export function lastEntry({ site }: Pick<ManyPairs, 'site'>): number {
  return rowsIn<{ id: number | null }>(site.stateFile, 'SELECT max(id) AS id FROM audit')[0]?.id ?? 0;
}

/** I1 to I4 by sessions of their own, I5 by the trail. `since`: where the trail stood before this round. */
export async function judgePairs(many: ManyPairs, granting: boolean, since: number, holders?: Holders): Promise<void> {
  await recordedOnce(many, granting, since);
  const { site, pairs } = many;
  const senders = new Set(
    rowsIn<{ address: string; login: string }>(
      path.join(site.lab.senderDirectory, 'sender.db'),
      'SELECT address, login FROM sender_login',
    ).map(({ address, login }) => `${address} ${login}`),
  );
  const files = Object.entries(serverFiles(site)).filter(([name]) => name.endsWith('dovecot-acl'));
  await inPortions(pairs, async ({ owner, delegate }) => {
    const who = `${delegate} at ${owner}`;
    const sees = await seen(site, owner, delegate);
    const expected: typeof sees = granting ? granted() : {};
    const wrong = Object.keys({ ...sees, ...expected }).filter((name) => sees[name] !== expected[name]);
    if (wrong.length > 0) throw new Broken(granting ? 'I2' : 'I1', `${who} sees ${JSON.stringify(sees)}`);
    const acls = files.filter(([name]) => name.includes(`/${at(owner)}/`)).map(([, text]) => text);
    const [theirs, strangers] = [`user=${at(delegate)} `, `user=${at(STRANGER)} l\n`];
    if (acls.some((text) => text.includes(theirs)) !== granting)
      throw new Broken(granting ? 'I2' : 'I1', `${who}: ${JSON.stringify(acls)}`);
    if (!acls.some((text) => text.includes(strangers))) throw new Broken('I3', `${owner}: ${JSON.stringify(acls)}`);
    if (senders.has(`${at(owner)} ${at(delegate)}`) !== granting)
      throw new Broken(granting ? 'I2' : 'I1', `${who}: may send: ${!granting}`);
    if (!senders.has(`${at(owner)} ${at(owner)}`)) throw new Broken('I4', `${owner} may not send`);
  });
  if (holders !== undefined && holders.late.length > 0) throw new Broken('I1', holders.late.join('; '));
}

/** Each row that came or went stands in the trail once, and each end is recorded. */
async function recordedOnce({ site, pairs }: ManyPairs, granting: boolean, since: number): Promise<void> {
  const action = granting ? 'grant' : 'revoke';
  const events = () => rowsIn<{ n: number }>(site.table, 'SELECT count(*) AS n FROM events')[0]?.n;
  await waitFor('the trail has taken over what happened', LIMIT_MS, () => events() === 0);
  const found = rowsIn<{ action: string; n: number }>(
    site.stateFile,
    'SELECT action, count(*) AS n FROM audit WHERE id > ? GROUP BY action',
    since,
  );
  const count = (of: string) => found.find((one) => one.action === of)?.n ?? 0;
  if (count(action) !== pairs.length)
    throw new Broken('I5', `${pairs.length} times ${action}, ${count(action)} in the trail`);
  if (!granting && count('withdrawn') !== pairs.length)
    throw new Broken('I5', `${pairs.length} ends, ${count('withdrawn')} recorded as withdrawn`);
}

/** On a machine that is busy with other things a server may be late in a pass, which then says nothing of what a converged system does. */
const PASSES = 5;

/** I6: another pass over everything changes nothing. One that couldn't come to its end is made again. */
export async function nothingMore({ site }: ManyPairs): Promise<void> {
  const pass = async () => {
    const { results } = await syncBySidecar(configOf(site), { force: false, actor: 'proof' });
    const failed = results.flatMap((one) => (one.kind === 'failed' ? [one.failure.message] : []));
    if (failed.length > 0) throw new Error(`the last pass: ${failed.join('; ')}`);
  };
  for (let time = 1; ; time++) {
    try {
      return await quiet({ site }, pass);
    } catch (error) {
      if (error instanceof Broken || time === PASSES) throw error;
    }
  }
}
