/**
 * `npm run proof:postgresql -- --every-octet`: what a whole grant and a whole revoke write, without the mail servers between them (the row, what the ledger
 * intends, in force, verified, the events into the trail, the row gone, the pair taken back), with the connection cut behind every single octet of either side, those of the
 * connection that comes in its place among them. Each write must either be done, once, or fail with `retry` and have left nothing; and where it says
 * that nothing is done, nothing is. In the end the trail is proven and has each grant and each revoke once. Options: `--step N`, `--most N` cuts of each, `--minutes M`.
 */
import { Failure } from '../../../bridge/shared/failure.ts';
import { type PostgresSettings, postgresSettings } from '../../../bridge/store/postgres/connection.ts';
import { migrateState, openPostgresState } from '../../../bridge/store/postgres/state-db.ts';
import { openPostgresTable } from '../../../bridge/store/postgres/table-db.ts';
import { migrateTable } from '../../../bridge/store/postgres/table-schema.ts';
import { beginGrant, endPair, enterForce, setPhase } from '../../../bridge/store/state/ledger.ts';
import { addDelegate } from '../../../bridge/store/table/delegates.ts';
import { grant, revoke } from '../../../bridge/store/table/delegations.ts';
import { addMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { drainEvents } from '../../../bridge/store/trail/take-over-events.ts';
import { proveAudit } from '../../../bridge/store/trail/trail-proof.ts';
import type { Postgresql } from '../../../config/lab/postgresql.ts';
import { type FaultyWire, openFaultyWire, type Side } from '../faults/faulty-wire.ts';

const [MAILBOX, DELEGATE] = ['alice@x.test', 'bob@x.test'];
const ADMIN = { actor: 'admin' };
const KEY = Buffer.alloc(32, 7);
const SILENCE_MS = 20_000;
const SAID: Readonly<Record<Side, string>> = { client: 'what is asked', server: 'what is said' };

interface Step {
  readonly name: string;
  /** True where it stands now as after this step. */
  readonly stands: () => Promise<boolean>;
  readonly write: () => Promise<unknown>;
}

interface Figures {
  cuts: number;
  done: number;
  notDone: number;
  notKnown: number;
}

interface Wanted {
  readonly step: number;
  readonly most: number;
  /** No further cut after so many. */
  readonly minutes: number;
}

/** Whether all of it held. Each side in a database of its own, beside the other. */
export async function everyOctet(postgresql: Postgresql, wanted: Wanted): Promise<boolean> {
  console.log(
    'cut                  what                         cuts     done   not done, and said   not known, and said',
  );
  const held = await Promise.all((['client', 'server'] as const).map((side) => everyOctetOf(side, postgresql, wanted)));
  return held.every(Boolean);
}

async function everyOctetOf(side: Side, postgresql: Postgresql, { step, most, minutes }: Wanted): Promise<boolean> {
  const database = await postgresql.createDatabase();
  const wire = await openFaultyWire({ host: '127.0.0.1', port: postgresql.port });
  const settings = (where: string): PostgresSettings => {
    const named = { database: `postgres://postgres@${where}`, databasePasswordFile: '/nowhere' };
    const made = postgresSettings(named, { MANDAT_DATABASE_PASSWORD: postgresql.superuser.password });
    if (made === undefined) throw new Error('no settings');
    return made;
  };
  const straight = settings(`:${postgresql.port}/${database}?host=${postgresql.socketDirectory}`);
  await migrateTable(straight);
  await migrateState(straight);
  const cutAt = { ...settings(`127.0.0.1:${wire.port}/${database}`), silenceMs: SILENCE_MS };
  const [table, state] = [await openPostgresTable(cutAt), await openPostgresState(cutAt)];
  const [seenTable, seenState] = [await openPostgresTable(straight), await openPostgresState(straight)];
  const broken: string[] = [];
  try {
    await addMailbox(seenTable, ADMIN, MAILBOX, {});
    await addDelegate(seenTable, ADMIN, DELEGATE, { login: DELEGATE });
    await drainEvents(seenTable, seenState, KEY);
    const mailboxId = (await seenTable.query.selectFrom('mailboxes').select('id').executeTakeFirstOrThrow()).id;
    const delegateId = (await seenTable.query.selectFrom('delegates').select('id').executeTakeFirstOrThrow()).id;
    const rows = async () => (await seenTable.query.selectFrom('delegations').select('id').execute()).length;
    const pair = () => seenState.query.selectFrom('ledger').select(['id', 'phase']).executeTakeFirst();
    const pairId = async () => (await pair())?.id ?? 0;
    const now = () => new Date().toISOString();
    const waitingEvents = async () => (await seenTable.query.selectFrom('events').select('id').execute()).length;
    const trail = (name: string): Step => ({
      name,
      stands: async () => (await waitingEvents()) === 0,
      write: () => drainEvents(table, state, KEY),
    });
    const steps: readonly Step[] = [
      {
        name: 'the row of a grant',
        stands: async () => (await rows()) === 1,
        write: () => grant(table, ADMIN, MAILBOX, DELEGATE),
      },
      trail('its events into the trail'),
      {
        name: 'what the ledger intends',
        stands: async () => (await pair()) !== undefined,
        write: () =>
          beginGrant(
            state,
            {
              ...{ mailboxId, delegateId, address: MAILBOX, server: 'main', ownerLogin: MAILBOX, login: DELEGATE },
              ...{ inboxBefore: undefined, foldersBefore: [], given: [] },
            },
            now(),
          ),
      },
      {
        name: 'in force',
        stands: async () => (await pair())?.phase === 'in-force',
        write: () => state.write((query) => enterForce({ query, server: 'main' }, mailboxId, now())),
      },
      {
        name: 'the row of a revoke',
        stands: async () => (await rows()) === 0,
        write: () => revoke(table, ADMIN, MAILBOX, DELEGATE),
      },
      trail('its events into the trail'),
      {
        name: 'the ledger takes it back',
        stands: async () => (await pair())?.phase === 'revoking',
        write: async () => {
          const id = await pairId();
          await state.write((query) => setPhase({ query }, [id], 'revoking', now()));
        },
      },
      {
        name: 'it is taken back',
        stands: async () => (await pair()) === undefined,
        write: async () => endPair(state, await pairId()),
      },
    ];
    let changes = 0;
    const began = performance.now();
    const all = steps.map(() => ({ cuts: 0, done: 0, notDone: 0, notKnown: 0 }));
    const more = steps.map(() => true);
    const inTime = () => performance.now() - began < minutes * 60_000;
    let last = 0;
    for (let n = 1; more.some(Boolean) && n / step < most && inTime(); n += step) {
      last = n;
      for (const [index, one] of steps.entries()) {
        if (one.name.startsWith('the row')) changes++;
        const figures = all[index];
        if (figures === undefined) continue;
        if (more[index]) more[index] = await once(one, { side, n, wire, figures, broken });
        else await one.write();
      }
    }
    for (const [index, { cuts, done, notDone, notKnown }] of all.entries())
      console.log(
        `${SAID[side].padEnd(20)} ${(steps[index]?.name ?? '').padEnd(26)} ${[cuts, done].map((one) => String(one).padStart(8)).join('')} ${String(notDone).padStart(12)} ${String(notKnown).padStart(20)}`,
      );
    const entries = await seenState.query.selectFrom('audit').select('action').execute();
    for (const action of ['grant', 'revoke']) {
      const found = entries.filter((entry) => entry.action === action).length;
      if (found !== changes / 2) broken.push(`the trail has ${found} times ${action}, and there were ${changes / 2}`);
    }
    const proof = await proveAudit(seenState, KEY);
    if (!proof.intact) broken.push(`the trail is not proven: ${JSON.stringify(proof)}`);
    if (more.some(Boolean))
      console.log(
        `${SAID[side]}: ended behind octet ${last}; of these there are more: ${steps.filter((_, index) => more[index]).map(({ name }) => name)}`,
      );
    const seconds = Math.round((performance.now() - began) / 1000);
    console.log(
      `${SAID[side]}: ${changes / 2} grants and revokes in ${seconds} s, each in the trail once: ${broken.length === 0 ? 'yes' : 'NO'}`,
    );
    for (const one of broken.slice(0, 50)) console.log(`BROKEN  ${one}`);
    return broken.length === 0;
  } finally {
    for (const one of [table, state, seenTable, seenState]) await one.close();
    await wire.close();
  }
}

interface Cut {
  readonly side: Side;
  readonly n: number;
  readonly wire: FaultyWire;
  readonly figures: Figures;
  readonly broken: string[];
}

/** False where so many octets did not pass. */
async function once({ name, stands, write }: Step, { side, n, wire, figures, broken }: Cut): Promise<boolean> {
  const where = `${name}, ${side} ${n}`;
  wire.set({ kind: 'cut', of: side, after: n - 1 });
  const said = await write().then(
    () => undefined,
    (error: unknown) => error,
  );
  const { happened } = wire;
  wire.clear();
  const there = await stands();
  const message = said instanceof Failure ? said.message : String(said);
  if (said === undefined && !there) broken.push(`${where}: said to be done, and isn't`);
  if (said !== undefined && !(said instanceof Failure && said.code === 'retry'))
    broken.push(`${where}: not to be tried again: ${message}`);
  if (/nothing of this is done/.test(message) && there) broken.push(`${where}: said not to be done, and is`);
  if (happened) {
    figures.cuts++;
    if (said === undefined) figures.done++;
    else if (/not known/.test(message)) figures.notKnown++;
    else figures.notDone++;
  }
  if (!there) {
    await write().catch((error: unknown) => broken.push(`${where}: can't be done again: ${String(error)}`));
    if (!(await stands())) broken.push(`${where}: done again, and it isn't`);
  }
  return happened;
}
