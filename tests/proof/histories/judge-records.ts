/** What was recorded and told, compared with what happened (I5); when access really ended (I1, in between); and that nothing more is written (I6). */
import { syncBySidecar } from '../../../bridge/sidecar/sync.ts';
import { configOf } from '../../servers/inside.ts';
import { serverFiles } from '../../servers/wire.ts';
import type { Group } from './group.ts';
import { Broken, type History, spot } from './history.ts';
import { type Model, mayEnter, maySendAs, rowOf } from './model.ts';
import { ACCOUNTS, type Account, ADDRESSES, type Address, type Person } from './people.ts';
import { lastEntry, rowsIn, type World } from './world.ts';

interface Entry {
  readonly id: number;
  readonly at: string;
  readonly action: string;
  readonly mailbox: string | null;
  /** Of the delegate, in what mandat says of itself. */
  readonly login: string | null;
}

const WATCHED: readonly Person[] = ['bob', 'carol', 'dave', 'erin'];
const ADDRESSES_OF: Readonly<Record<Account, readonly Address[]>> = {
  alice: ['alice', 'office'],
  erin: ['alice', 'office'],
  bob: ['bob'],
};

/** The group's addresses as a list in SQL. */
const addressesOf = ({ at }: Group) => ADDRESSES.map((name) => `'${at(name)}'`).join(', ');

/** The latest that anybody came in after a revoke was recorded as in force, in milliseconds: for the figures. */
export const latest = { ms: 0 };

export function judgeRecords(history: History, before: Model): void {
  const { world } = history;
  const since = rowsIn<Entry>(
    world.site.stateFile,
    "SELECT id, at, action, mailbox, detail ->> 'login' AS login FROM audit WHERE id > ? AND action = 'withdrawn' ORDER BY id",
    history.settledTrail,
  );
  ended(history, before, since);
  countedOnce(history);
  notices(history);
  history.settledTrail = lastEntry(world);
  history.settledAt = Date.now();
}

/** Nobody without a delegation came in after the recorded end of it. */
function ended(history: History, before: Model, since: readonly Entry[]): void {
  const { watchers, model, everByHand, group } = history;
  const { at } = group;
  for (const who of WATCHED) {
    const withdrawn = (addresses: readonly Address[]) =>
      since.filter(({ login, mailbox }) => login === at(who) && addresses.some((one) => at(one) === mailbox)).at(-1);
    const late = (what: string, last: number, stood: boolean, addresses: readonly Address[]) => {
      const end = withdrawn(addresses);
      if (end === undefined && stood) throw new Broken('I5', `${what}: no "withdrawn" in the trail`);
      const from = end === undefined ? history.settledAt : Date.parse(end.at);
      if (last > from) {
        latest.ms = Math.max(latest.ms, last - from);
        throw new Broken(
          'I1',
          `${what} ${last - from} ms after ${end === undefined ? 'the last settling' : 'it was withdrawn'}`,
        );
      }
    };
    for (const account of ACCOUNTS) {
      if (account === who || mayEnter(model, who, account) || everByHand.has(spot(who, account))) continue;
      const stood = mayEnter(before, who, account);
      late(`${spot(who, account)} read`, watchers.lastRead(who, account), stood, ADDRESSES_OF[account]);
    }
    if (history.moved) continue;
    for (const address of ADDRESSES) {
      if (maySendAs(model, who, address)) continue;
      late(`${who} sent as ${address}`, watchers.lastSent(who, address), false, [address]);
    }
  }
}

/** Each row that came or went stands in the trail once. */
function countedOnce({ counts, trailFrom, world, group }: History): void {
  if (counts === undefined) return;
  const found = rowsIn<{ action: 'grant' | 'revoke'; n: number }>(
    world.site.stateFile,
    `SELECT action, count(*) AS n FROM audit WHERE id > ? AND action IN ('grant', 'revoke')
      AND mailbox IN (${addressesOf(group)}) GROUP BY action`,
    trailFrom,
  );
  for (const action of ['grant', 'revoke'] as const) {
    const there = found.find((one) => one.action === action)?.n ?? 0;
    if (there !== counts[action])
      throw new Broken('I5', `${action}: ${counts[action]} in the table, ${there} in the trail`);
  }
}

/** Each delegation that stands was told of as it stands, to the owner, once; and no letter went twice. */
function notices({ world, model, counts, began, group }: History): void {
  const { site } = world;
  const { at } = group;
  const rows = rowsIn<{ id: number; address: string; identifier: string }>(
    site.table,
    `SELECT d.id, m.address, g.identifier FROM delegations d
      JOIN mailboxes m ON m.id = d.mailbox_id JOIN delegates g ON g.id = d.delegate_id
      WHERE m.address IN (${addressesOf(group)})`,
  );
  const told = rowsIn<{ delegation_id: number; standing: string }>(
    site.stateFile,
    'SELECT delegation_id, standing FROM told',
  );
  for (const one of model.standing) {
    if (!rowOf(model.table, one)) continue; // held
    const address = at(model.table.address[one.mailbox]);
    const row = rows.find((row) => row.address === address && row.identifier === at(one.delegate));
    const standing = told.find(({ delegation_id }) => delegation_id === row?.id)?.standing;
    if (standing !== 'in-force')
      throw new Broken('I5', `${address} to ${one.delegate} is in force and told as ${standing}`);
  }
  if (counts === undefined) return; // ids are given anew
  const letters = new Map<string, string[]>();
  for (const { event } of rowsIn<{ event: string }>(
    site.stateFile,
    `SELECT event FROM outbox WHERE created_at >= ? AND part = 'owner' AND mailbox IN (${addressesOf(group)}) ORDER BY id`,
    new Date(began).toISOString(),
  )) {
    const [kind = '', id = ''] = event.split(' ');
    letters.set(id, [...(letters.get(id) ?? []), kind]);
  }
  for (const [id, kinds] of letters) {
    const again = kinds.some((kind, index) => kind !== 'suspend' && kind === kinds[index - 1]);
    if (kinds[0] !== 'grant' || again || kinds.slice(1).includes('grant'))
      throw new Broken('I5', `the owner was told of delegation ${id}: ${kinds.join(', ')}`);
  }
  const untold = rows.find(
    ({ id, address, identifier }) =>
      !letters.has(String(id)) &&
      model.standing.some((one) => at(model.table.address[one.mailbox]) === address && at(one.delegate) === identifier),
  );
  if (untold !== undefined) throw new Broken('I5', `the owner was not told of ${JSON.stringify(untold)}`);
}

/** No letter went twice. */
export function lettersOnce({ sink, kills }: World): void {
  const ids = sink.mails.map(({ parsed }) => parsed.messageId);
  const twice = ids.length - new Set(ids).size;
  // A letter whose answer was lost with a process goes again, under the same Message-ID.
  if (twice > kills) throw new Broken('I5', `${twice} letters went twice, and the sidecar was killed ${kills} times`);
}

/** I6: another pass over everything leaves every file and row as it is. */
/** `pass`: makes a pass over every mailbox. */
export async function quiet(
  world: Pick<World, 'site'>,
  pass: () => Promise<unknown> = () => syncBySidecar(configOf(world.site), { force: false, actor: 'proof' }),
): Promise<void> {
  const before = { files: filesOf(world), rows: written(world) };
  await pass();
  const after = { files: filesOf(world), rows: written(world) };
  for (const name of new Set([...Object.keys(before.files), ...Object.keys(after.files)]))
    if (before.files[name] !== after.files[name])
      throw new Broken('I6', `${name} was ${before.files[name]} and is ${after.files[name]}`);
  for (const [table, rows] of Object.entries(before.rows))
    if (after.rows[table] !== rows) throw new Broken('I6', `${table}: ${rows} and then ${after.rows[table]}`);
}

/** With the times of their last changes, but for the list of who shares with whom, which Dovecot writes anew, the same in any order, when people look. */
function filesOf({ site }: Pick<World, 'site'>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(serverFiles(site)).map(([name, text]) => [
      name,
      name.endsWith('shared-mailboxes.db') ? sharesIn(text.replace(/^.*\n/, '')) : text,
    ]),
  );
}

/** What a dict file of Dovecot's holds, a line a key and then its value, in order. */
function sharesIn(text: string): string {
  const shares = text.match(/.*\n.*\n/g) ?? [];
  return shares.sort().join('');
}

/** What stands in the trail of messages and notices comes when they come, a message's perhaps after the last settling: it is nothing that a pass writes. */
function written({ site }: Pick<World, 'site'>): Record<string, string> {
  const tables = ['ledger', 'before_entries', 'subscriptions', 'told', 'repairs'];
  const rows = tables.map((table) => [table, JSON.stringify(rowsIn(site.stateFile, `SELECT * FROM ${table}`))]);
  const letters = rowsIn<{ n: number }>(site.stateFile, 'SELECT count(*) AS n FROM outbox');
  const trail = rowsIn(
    site.stateFile,
    `SELECT id, action, mailbox, detail FROM audit WHERE action NOT LIKE 'notice-%' AND action NOT LIKE 'copy-%'
      AND action NOT IN ('sync', 'send', 'send-refused') ORDER BY id DESC LIMIT 8`,
  );
  return {
    ...Object.fromEntries(rows),
    letters: String(letters[0]?.n),
    trail: JSON.stringify(trail),
  };
}
