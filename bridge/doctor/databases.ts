/** The two databases: ours, of a version that this program knows, whole, of one time, and the clock they were written by. */

import { shownDatabase } from '../configured/stores.ts';
import { ADOPTING, adoptingFrom, FOREIGN_STATE_HINT, foreignState } from '../safeguards/foreign-state.ts';
import { isFromThePast } from '../safeguards/table-from-the-past.ts';
import { lastProof } from '../sidecar/trail-upkeep.ts';
import { DELEGATIONS, STATE } from '../store/databases.ts';
import { complaintsOf } from '../store/files/integrity.ts';
import type { FileKind } from '../store/files/open.ts';
import { fact } from '../store/state/facts.ts';
import { countPairs } from '../store/state/ledger-pairs.ts';
import { REPAIR_RULES, rulesChanged } from '../store/table/schema.ts';
import { headFileOf, readHead } from '../store/trail/seal-head.ts';
import { existingSealKey } from '../store/trail/sealing.ts';
import { describeBroken, proveEnd } from '../store/trail/trail-proof.ts';
import type { Subject } from './examined-site.ts';
import { dataDirectory, sealed } from './files.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';

export const delegationTable: Check = {
  name: 'delegation.db',
  needs: [dataDirectory],
  look: async (subject) => {
    const table = await subject.table();
    const counts = await Promise.all(
      (['mailboxes', 'delegates', 'delegations'] as const).map(async (name) => {
        const row = await table.query
          .selectFrom(name)
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .executeTakeFirstOrThrow();
        return `${name} ${row.count}`;
      }),
    );
    const changed = await table.differences();
    if (changed.length > 0) return fail(rulesChanged(changed), REPAIR_RULES);
    return ok(`${await placed(subject, DELEGATIONS)}; ${counts.join(', ')}`);
  },
};

export const ownState: Check = {
  name: 'state.db',
  needs: [dataDirectory],
  look: async (subject) => {
    const count = await countPairs(await subject.state());
    return ok(`${await placed(subject, STATE)}; pairs in the ledger ${count}`);
  },
};

/** It is of this program's version, or it couldn't have been opened. */
async function placed({ config }: Subject, { migrations }: FileKind): Promise<string> {
  const database = await shownDatabase(config);
  return database === undefined ? `version ${migrations.length}` : `in ${database}`;
}

export const integrity: Check = {
  name: 'integrity',
  needs: [delegationTable, ownState],
  look: ({ files, config }) => {
    if (config.database !== undefined)
      return skipped('PostgreSQL looks after its own files: data_checksums, pg_amcheck');
    const complaints = [...complaintsOf(files.delegations, DELEGATIONS), ...complaintsOf(files.state, STATE)];
    if (complaints.length === 0) return ok('both databases are whole');
    return fail(
      complaints.slice(0, 3).join('; '),
      'stop the sidecar, restore both databases from the backup, then "mandat restore accept"',
    );
  },
};

/** Its end, which costs the same whatever its length; "mandat audit verify" proves all of it. */
export const auditTrail: Check = {
  name: 'audit trail',
  needs: [ownState, sealed, integrity],
  look: async (subject) => {
    const { sealKey } = subject.files;
    const key = existingSealKey(sealKey);
    const headFile = headFileOf(sealKey);
    const proof = await proveEnd(await subject.state(), key, readHead(headFile, key));
    const remedy =
      '"mandat audit verify" says where. From the backup of state.db, seal.key and seal.head; if there is none: "mandat init --new-seal-key"';
    if (!proof.intact) return fail(describeBroken(proof, headFile), remedy);
    const whole = await lastProof(await subject.state());
    if (whole !== undefined && whole.broken !== null)
      return fail(`${whole.broken} (all of it was looked at ${whole.at})`, remedy);
    const all = whole === undefined ? '"mandat audit verify" proves all of it' : `all of it was proven ${whole.at}`;
    return ok(`its last ${proof.entries} entries hold, and it ends no earlier than it did; ${all}`);
  },
};

export const epoch: Check = {
  name: 'epoch',
  needs: [delegationTable, ownState],
  look: async (subject) => {
    const [table, state] = await Promise.all([subject.table(), subject.state()]);
    if ((await fact(state, 'restored')) === 'held') return fail(FROM_THE_PAST, RESTORE);
    if (await isFromThePast(table, state)) return fail(FROM_THE_PAST, RESTORE);
    const foreign =
      (await foreignState(table, state)) ?? ((await adoptingFrom(state)) === undefined ? undefined : ADOPTING);
    if (foreign !== undefined) return fail(foreign, FOREIGN_STATE_HINT);
    const seen = await fact(state, 'epoch');
    return ok(seen === undefined ? 'no sidecar has seen the table yet' : 'the table is the one last seen');
  },
};

const FROM_THE_PAST =
  'the delegation table is older than the one last seen, or another: it is obeyed only where it takes access away';
const RESTORE = 'was a backup put back? "mandat list", then "mandat restore accept"; otherwise put the right file back';

/** A time as far ahead as this is no matter of reading the clock twice. */
const AHEAD_MS = 5_000;

export const clock: Check = {
  name: 'clock',
  needs: [ownState],
  look: async (subject) => {
    const highest = await fact(await subject.state(), 'clock');
    const now = subject.now();
    if (highest === undefined) return ok(`${now.toISOString()}; no sidecar has looked at it yet`);
    const ahead = Date.parse(highest) - now.getTime();
    if (ahead <= AHEAD_MS) return ok(now.toISOString());
    const seen = `it is ${now.toISOString()}, but mandat has seen ${highest}: until then it takes the time to stand still`;
    const [shell, facts] =
      subject.config.database === undefined
        ? [`sqlite3 ${subject.files.state}`, 'facts']
        : ['psql -c', 'mandat_private.facts'];
    const remedy = `set the clock right. If it was ${highest} that was wrong: stop the sidecar, and ${shell} "DELETE FROM ${facts} WHERE name = 'clock'"`;
    return ahead < 60_000 ? warn(seen, remedy) : fail(seen, remedy);
  },
};
