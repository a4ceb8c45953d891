/** Which kinds of files there are below data_dir, and how they are made. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Failure } from '../shared/failure.ts';
import { type DataFiles, SHARED_GROUP } from './files/data-files.ts';
import { makePlaces } from './files/directories.ts';
import { rewriteOnce } from './files/free-pages.ts';
import { isLocked } from './files/lock.ts';
import { type FileKind, guarded, migrate, versionIn } from './files/open.ts';
import { delegation1 } from './migrations/delegation-1.ts';
import { delegation2 } from './migrations/delegation-2.ts';
import { delegation3 } from './migrations/delegation-3.ts';
import { delegation4 } from './migrations/delegation-4.ts';
import { delegation5 } from './migrations/delegation-5.ts';
import { delegation6 } from './migrations/delegation-6.ts';
import { delegation7 } from './migrations/delegation-7.ts';
import { delegation8 } from './migrations/delegation-8.ts';
import { delegation9 } from './migrations/delegation-9.ts';
import { state1 } from './migrations/state-1.ts';
import { state2 } from './migrations/state-2.ts';
import { state3 } from './migrations/state-3.ts';
import { state4 } from './migrations/state-4.ts';
import { state5 } from './migrations/state-5.ts';
import { state6 } from './migrations/state-6.ts';
import { state7 } from './migrations/state-7.ts';
import { state8 } from './migrations/state-8.ts';
import { state9 } from './migrations/state-9.ts';
import { state10 } from './migrations/state-10.ts';
import { state11 } from './migrations/state-11.ts';
import { state12 } from './migrations/state-12.ts';
import { state13 } from './migrations/state-13.ts';
import { state14 } from './migrations/state-14.ts';
import { state15 } from './migrations/state-15.ts';
import { submission1 } from './migrations/submission-1.ts';
import { submission2 } from './migrations/submission-2.ts';
import { differencesIn } from './table/rule-repair.ts';
import { describeDifferences, REPAIR_RULES } from './table/schema.ts';

export const DELEGATIONS: FileKind = {
  what: 'the delegation table',
  applicationId: 0x6d616e31, // "man1"
  mode: 0o660,
  migrations: [
    delegation1,
    delegation2,
    delegation3,
    delegation4,
    delegation5,
    delegation6,
    delegation7,
    delegation8,
    delegation9,
  ],
  schema: 'f831e93ed4bb98ea27b892a022fb1ff14d2dbbf7eeb944449b219c4616b3e695',
};

export const STATE: FileKind = {
  what: "mandat's own state",
  applicationId: 0x6d616e32, // "man2"
  mode: 0o600,
  migrations: [
    state1,
    state2,
    state3,
    state4,
    state5,
    state6,
    state7,
    state8,
    state9,
    state10,
    state11,
    state12,
    state13,
    state14,
    state15,
  ],
};

/** Made by the submission filter when it first runs. */
export const SUBMISSIONS: FileKind = {
  what: 'the record of submissions',
  applicationId: 0x6d616e34, // "man4"
  mode: 0o600,
  migrations: [submission1, submission2],
};

export interface InitReport {
  readonly file: string;
  readonly what: string;
  readonly from: number;
  readonly to: number;
  /** Written anew, so that it gives back by itself from now on what it no longer needs. */
  readonly rewritten: boolean;
}

/** The directories, which are there also where the databases are elsewhere. Returns the shared group, where there is one. */
export function makeDataPlaces(files: DataFiles): number | undefined {
  const gid = groupId(SHARED_GROUP);
  guarded(files.directory, { what: 'the data directory' }, () => makePlaces(files, gid));
  return gid;
}

/** Makes or migrates both databases. Never empties or replaces one. A table whose rules were changed is not migrated: fails `config`. */
export function initialise(files: DataFiles): readonly InitReport[] {
  const gid = makeDataPlaces(files);
  refuseChangedRules(files.delegations);
  const migrated = [
    { file: files.delegations, what: DELEGATIONS.what, ...migrate(files.delegations, DELEGATIONS, { gid }) },
    { file: files.state, what: STATE.what, ...migrate(files.state, STATE) },
  ];
  const alone = !isLocked(files.lock);
  if (alone) rewriteOnce(files.submissions);
  return migrated.map((one) => ({ ...one, rewritten: alone && rewriteOnce(one.file) }));
}

/** A migration builds on what the ones before it made. */
function refuseChangedRules(file: string): void {
  if (!existsSync(file) || versionIn(file, DELEGATIONS) === DELEGATIONS.migrations.length) return;
  const found = differencesIn(file, DELEGATIONS);
  if (found.length === 0) return;
  throw new Failure(
    'config',
    `the delegation table (${file}) can't be migrated, because its rules have been changed: ${describeDifferences(found)}`,
    REPAIR_RULES,
    { rule: 'MANDAT_SCHEMA' },
  );
}

const groups = new Map<string, number>();

/** The id of a Unix group as the system knows it (files, LDAP, ...), or undefined. Asked once: it doesn't change while we run. A number is taken as it is. */
export function groupId(name: string): number | undefined {
  if (/^[1-9]\d*$/.test(name)) return Number(name); // of another container, which alone has a name for it
  const known = groups.get(name);
  if (known !== undefined) return known;
  const found = spawnSync('getent', ['group', name], { encoding: 'utf8' });
  if (found.status !== 0) return undefined;
  const id = Number(found.stdout.split(':')[2]);
  groups.set(name, id);
  return id;
}
