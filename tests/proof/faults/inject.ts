/** One fault: set before a row comes or goes, survived, and all of it as it must be afterwards. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { rfc5322 } from '../../../config/lab/deliver.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { outcome } from '../../servers/outcomes.ts';
import { at } from '../../servers/site.ts';
import { submissionAs } from '../../servers/submission.ts';
import { seen, withLogin } from '../../servers/wire.ts';
import { changeTable } from '../histories/change-table.ts';
import { Broken } from '../histories/history.ts';
import { rowOf } from '../histories/model.ts';
import { rowsIn } from '../histories/world.ts';
import type { Fault } from './faulty-wire.ts';
import type { FaultyWorld, Place } from './faulty-world.ts';

const PAIR = { mailbox: 'alice', delegate: 'carol' } as const;
/** On a machine that does other things besides. */
const LIMIT_MS = 90_000;
/** A letter goes after the change. One that finds no server keeps all others for a minute: no fault is waited for as long. */
const LETTER_MS = 3000;
/** Processor time that a change and its repair may take however fast they are. */
const WORK_MS = 2000;
/** A message that is sent beside the change, and what becomes of its copy. */
const MESSAGE_MS = 1000;
const COPY_MS = 1500;

export interface Planned {
  readonly place: Place;
  readonly fault: Fault;
}

export const described = ({ place, fault }: Planned): string => `${place}: ${JSON.stringify(fault)}`;

export interface Injected {
  /** It came to it: the connection lasted so long. */
  readonly happened: boolean;
  /** The sidecar said in `status` that something failed, and when it tries again. */
  readonly told: boolean;
  /** Its own processor time beyond what the work takes, as a part of the time. */
  readonly busy: number;
}

/** Throws {@link Broken} where the access isn't as the table says, without anybody's help, when the fault is over. */
export async function inject(faulty: FaultyWorld, planned: Planned): Promise<Injected> {
  const { world, history, wires } = faulty;
  const { site, sidecar } = world;
  if (sidecar === undefined) throw new Error('no sidecar runs');
  const wire = wires[planned.place];
  const granting = rowOf(history.model.table, PAIR) === undefined;
  const began = performance.now();
  const spent = processorMs(sidecar.pid);
  wire.set(planned.fault);
  let told = false;
  let happened = false;
  let sending: Promise<void> | undefined;
  try {
    await changeAndSend(faulty, granting, planned.place === 'copies');
    if (planned.place === 'reinject') {
      sending = sent(faulty);
      sending.catch(() => {}); // heard below
    }
    const lasting = planned.fault.kind === 'refused' || planned.fault.kind === 'trickle';
    // It happens, or the change is through without it. What lasts is left for a while, and then taken off.
    let since = Number.POSITIVE_INFINITY;
    const over = async () => {
      if (await through(faulty, granting)) since = Math.min(since, performance.now());
      return (
        performance.now() - since >=
        { imap: 0, doveadm: 0, notices: LETTER_MS, reinject: MESSAGE_MS, copies: COPY_MS }[planned.place]
      );
    };
    await waitFor(`it happens, or the change is through: ${described(planned)}`, faulty.limitMs, async () => {
      told ||= await saysSo(faulty);
      return lasting ? (wire.happened && told) || (await over()) : wire.happened || (await over());
    });
    if (!told) told = await saysSo(faulty);
    happened = wire.happened;
  } catch (error) {
    wire.clear();
    await sending?.catch(() => {}); // the first is told
    throw error;
  } finally {
    if (planned.fault.kind === 'refused' || planned.fault.kind === 'trickle') wire.clear();
  }
  await waitFor(`it is put right after ${described(planned)}`, faulty.limitMs, async () => {
    told ||= await saysSo(faulty);
    return through(faulty, granting);
  }).catch(async (error: unknown) => {
    throw new Broken(
      granting ? 'I2' : 'I1',
      `${described(planned)}: ${error} ${JSON.stringify(await outcome(site, 'alice'))}`,
    );
  });
  happened ||= wire.happened;
  wire.clear();
  // Where the answer to a letter's end is lost, it goes again, under the same Message-ID: nobody can know better (RFC 5321 section 4.5.4.1).
  if (happened && planned.place === 'notices') world.kills++;
  await sending;
  const busy = Math.max(0, processorMs(sidecar.pid) - spent - WORK_MS) / (performance.now() - began);
  unharmed(faulty, planned);
  return { happened, told, busy };
}

/** The same without a fault, and with a message. */
export async function undisturbed(faulty: FaultyWorld): Promise<void> {
  const granting = rowOf(faulty.history.model.table, PAIR) === undefined;
  await changeAndSend(faulty, granting, true);
  await waitFor('the change is through', LIMIT_MS, () => through(faulty, granting));
  await lettersOut(faulty);
  await copiesStored(faulty);
  await sent(faulty);
}

/** With `forOwner` the delegate sends for the owner while they may: after the grant, or before the revoke. */
async function changeAndSend(faulty: FaultyWorld, granting: boolean, forOwner: boolean): Promise<void> {
  if (forOwner && !granting) await sentForOwner(faulty);
  await change(faulty, granting);
  if (!forOwner || !granting) return;
  await waitFor('the grant is through', LIMIT_MS, () => through(faulty, granting));
  await sentForOwner(faulty);
}

async function change({ history }: FaultyWorld, granting: boolean): Promise<void> {
  const step = granting
    ? ({ do: 'grant', pair: PAIR, when: 'now' } as const)
    : ({ do: 'revoke', pair: PAIR, by: 'sql' } as const);
  await changeTable(history, step);
}

/** Letters that waited after a fault are out, each of them. */
export async function lettersOut({ world }: FaultyWorld): Promise<void> {
  const waiting = "SELECT count(*) AS n FROM outbox WHERE state IN ('waiting', 'sending')";
  await waitFor(
    'every letter is sent',
    4 * LIMIT_MS,
    () => rowsIn<{ n: number }>(world.site.stateFile, waiting)[0]?.n === 0,
  );
}

/** Somebody sends under their own name: taken, or to be sent again. What was taken has to come out at the other end. */
async function sent({ world, messages }: FaultyWorld): Promise<void> {
  const letter = { from: at('bob'), to: 'patient@elsewhere.test', subject: 'proof', body: 'proof' };
  const session = await submissionAs(world.site, 'bob');
  try {
    const { at: where } = await session.sendMail(letter.from, letter.to, rfc5322(letter));
    if (where === 'accepted') messages.taken++;
  } finally {
    session.close();
  }
}

/** The delegate sends for the owner: each that was taken has its copy in the owner's Sent, once. */
async function sentForOwner({ world, messages }: FaultyWorld): Promise<void> {
  const letter = {
    from: at(PAIR.mailbox),
    to: 'patient@elsewhere.test',
    subject: 'proof for the owner',
    body: 'proof',
  };
  const session = await submissionAs(world.site, PAIR.delegate);
  try {
    const { at: where, ...answer } = await session.sendMail(letter.from, letter.to, rfc5322(letter));
    if (where !== 'accepted')
      throw new Broken('I2', `${letter.from} by the delegate: ${where} ${JSON.stringify(answer)}`);
  } finally {
    session.close();
  }
  messages.taken++;
  messages.forOwner++;
}

/** Each copy is in the owner's Sent, once. */
export async function copiesStored({ world, messages }: FaultyWorld): Promise<void> {
  const stored = async () =>
    withLogin(world.site, PAIR.mailbox, async (imap) => {
      const { lines } = await imap.command('STATUS Sent (MESSAGES)');
      return Number(/MESSAGES (\d+)/.exec(lines.join(' '))?.[1]);
    });
  await waitFor(`${messages.forOwner} copies in Sent`, LIMIT_MS, async () => (await stored()) >= messages.forOwner);
  const found = await stored();
  if (found !== messages.forOwner) throw new Broken('I5', `${messages.forOwner} copies, ${found} in Sent`);
}

async function through({ world }: FaultyWorld, granting: boolean): Promise<boolean> {
  if ((await world.site.sql('SELECT count(*) FROM pending')) !== '0\n') return false;
  return Object.keys(await seen(world.site, PAIR.mailbox, PAIR.delegate)).length > 0 === granting;
}

async function saysSo({ world }: FaultyWorld): Promise<boolean> {
  const failed = (await outcome(world.site, PAIR.mailbox))?.failure;
  return failed !== undefined && failed.message !== '' && failed.retryAt !== null;
}

/** The same process, which knows of no defect of its own. */
function unharmed({ world }: FaultyWorld, planned: Planned): void {
  const log = world.sidecar?.log() ?? [];
  const defect = log.find(
    ({ code, msg, level }) => code === 'internal' || /unhandled|uncaught/i.test(String(msg)) || level === 60,
  );
  if (defect !== undefined) throw new Broken('a defect', `${described(planned)}: ${JSON.stringify(defect)}`);
  try {
    process.kill(world.sidecar?.pid ?? -1, 0);
  } catch {
    throw new Broken('a process', `${described(planned)}: the sidecar has ended: ${JSON.stringify(log.slice(-5))}`);
  }
}

/** User and system time of a process, in ms. `proc(5)`, in hundredths of a second. */
export function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export function residentKb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** How busy the sidecar is, as a part of the time, while nothing is to be done: the calmest of a few looks, since something may be ending still. */
export async function idleBusy(pid: number, ms: number, calm = 0.2): Promise<number> {
  let least = 1;
  for (let look = 0; look < 5 && least > calm; look++) {
    const [began, spent] = [performance.now(), processorMs(pid)];
    await delay(ms);
    least = Math.min(least, (processorMs(pid) - spent) / (performance.now() - began));
  }
  return least;
}
