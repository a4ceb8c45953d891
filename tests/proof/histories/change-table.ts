/** Steps that change the table, as programs and administrators do, and the model with it. */
import { beside, type History, heldOf } from './history.ts';
import { goneOf, type Model, rowOf, samePair, type Table } from './model.ts';
import { MAX_PAIRS, type Pair } from './people.ts';
import { settle } from './settle.ts';
import type { Step } from './steps.ts';

const SOON_MS = 350;
const iso = (at: number | null) => (at === null ? 'NULL' : `'${new Date(at).toISOString()}'`);

export type TableStep = Extract<
  Step,
  {
    do:
      | 'grant'
      | 'revoke'
      | 'suspend'
      | 'credential'
      | 'active'
      | 'eligible'
      | 'moveMailbox'
      | 'moveDelegate'
      | 'address';
  }
>;

/** False: it fits nothing here, and nothing was done. */
export async function changeTable(history: History, step: TableStep): Promise<boolean> {
  const { model, world, group } = history;
  const { at } = group;
  const { table } = model;
  const write = (sql: string, change: (table: Table) => void) => written(history, sql, change);
  const where = ({ mailbox, delegate }: Pair) =>
    `mailbox = '${at(table.address[mailbox])}' AND delegate = '${at(delegate)}'`;
  switch (step.do) {
    case 'grant': {
      if (rowOf(table, step.pair)) return false;
      // Of a wave that is held, what is put back may end the hold: what is gone then goes, alone.
      if (heldOf(history).length > 0) await settle(history);
      const now = Date.now();
      const starts = step.when === 'starts-soon' ? now + SOON_MS : null;
      const ends = { 'ends-soon': now + SOON_MS, over: now - 1000, now: null, 'starts-soon': null }[step.when];
      return counted(history, 'grant', 1, () =>
        write(
          `INSERT INTO delegation (mailbox, delegate, starts_at, ends_at) VALUES ('${at(table.address[step.pair.mailbox])}', '${at(step.pair.delegate)}', ${iso(starts)}, ${iso(ends)})`,
          ({ rows }) => void rows.push({ ...step.pair, suspended: false, starts, ends }),
        ),
      );
    }
    case 'revoke': {
      if (!rowOf(table, step.pair)) return false;
      if (wouldBeMany(history) || heldOf(history).length > 0) await settle(history);
      if (step.by === 'sql') {
        return counted(history, 'revoke', 1, () =>
          write(`DELETE FROM delegation WHERE ${where(step.pair)}`, (to) => {
            to.rows = to.rows.filter((row) => !samePair(row, step.pair));
          }),
        );
      }
      return counted(history, 'revoke', 1, async () => {
        const to = [at(table.address[step.pair.mailbox]), at(step.pair.delegate)];
        const { status, stderr } = await world.site.mandat('revoke', ...to, '--yes', '--no-wait');
        if (status !== 0) throw new Error(`mandat revoke ${to.join(' ')}: ${status} ${stderr}`);
        change(history, (now) => {
          now.rows = now.rows.filter((row) => !samePair(row, step.pair));
        });
        history.model = { ...history.model, askedFor: [...history.model.askedFor, step.pair] };
        return true;
      });
    }
    case 'suspend':
      if (!rowOf(table, step.pair) || rowOf(table, step.pair)?.suspended === step.on) return false;
      return write(`UPDATE delegation SET suspended = ${Number(step.on)} WHERE ${where(step.pair)}`, (to) => {
        const row = rowOf(to, step.pair);
        if (row) row.suspended = step.on;
      });
    case 'credential': {
      const now = Date.now();
      const until = { past: now - 1000, soon: now + SOON_MS, later: now + 86_400_000, unknown: null }[step.until];
      return write(
        `UPDATE delegate SET credential_valid_until = ${iso(until)} WHERE id = '${at(step.delegate)}'`,
        (to) => {
          to.credential[step.delegate] = until;
        },
      );
    }
    case 'active':
      return write(
        `UPDATE delegate SET state = '${step.on ? 'active' : 'suspended'}' WHERE id = '${at(step.delegate)}'`,
        (to) => {
          to.active[step.delegate] = step.on;
        },
      );
    case 'eligible':
      return write(
        `UPDATE mailbox SET eligible = ${Number(step.on)} WHERE address = '${at(table.address[step.mailbox])}'`,
        (to) => {
          to.eligible[step.mailbox] = step.on;
        },
      );
    case 'moveMailbox': {
      await settle(history);
      if (heldOf(history).length > 0) return false;
      const login = table.login.alice === 'alice' ? 'erin' : 'alice';
      history.moved = true;
      return write(`UPDATE mailbox SET login = '${at(login)}' WHERE address = '${at(table.address.alice)}'`, (to) => {
        to.login.alice = login;
      });
    }
    case 'moveDelegate': {
      await settle(history);
      if (heldOf(history).length > 0) return false;
      const login = table.delegateLogin.dave === 'dave' ? 'erin' : 'dave';
      history.moved = true;
      return write(`UPDATE delegate SET login = '${at(login)}' WHERE id = '${at('dave')}'`, (to) => {
        to.delegateLogin.dave = login;
      });
    }
    case 'address': {
      const address = table.address.alice === 'alice' ? 'office' : 'alice';
      history.moved = true;
      return write(
        `UPDATE mailbox SET address = '${at(address)}' WHERE address = '${at(table.address.alice)}'`,
        (to) => {
          to.address.alice = address;
        },
      );
    }
  }
}

/** Whether one row more might be what the guard holds. */
function wouldBeMany(history: History): boolean {
  const many = (all: readonly Model[]) =>
    all.reduce((sum, model) => sum + goneOf(model).length, 0) + 1 > MAX_PAIRS * all.length;
  const { model, round } = history;
  return (
    model.standing.filter((one) => !rowOf(model.table, one)).length + 1 > MAX_PAIRS ||
    (round.inTurns && many(beside(history)))
  );
}

/** As another program writes it. What a rule refuses changes nothing, here and there. */
async function written(history: History, sql: string, how: (table: Table) => void): Promise<boolean> {
  try {
    await history.world.site.sql(sql);
  } catch (error) {
    if (/MANDAT_/.test(String(error))) return false;
    throw error;
  }
  change(history, how);
  return true;
}

export function change(history: History, how: (table: Table) => void): void {
  const table: Model['table'] = structuredClone(history.model.table);
  how(table);
  // Who is granted anew isn't revoked any more.
  const askedFor = history.model.askedFor.filter((pair) => !rowOf(table, pair));
  history.model = { ...history.model, table, askedFor };
  history.dirty = true;
}

async function counted(
  history: History,
  what: 'grant' | 'revoke',
  count: number,
  work: () => Promise<boolean>,
): Promise<boolean> {
  const done = await work();
  if (done && history.counts !== undefined) history.counts[what] += count;
  return done;
}
