/**
 * The delegation table, and what is mandat's own, where the configuration says that they are: in files, or in a site's PostgreSQL, whose code is
 * loaded only then. Whoever opens one closes it.
 */
import { existsSync } from 'node:fs';
import type { Config } from '../../config/schema.ts';
import { Failure } from '../shared/failure.ts';
import { DELEGATIONS, type InitReport, initialise, makeDataPlaces } from '../store/databases.ts';
import { whenFree } from '../store/files/busy.ts';
import { dataFiles } from '../store/files/data-files.ts';
import type { Holder } from '../store/files/lock.ts';
import type { OpenOptions } from '../store/files/open.ts';
import type { OlderDatabase } from '../store/postgres/admission.ts';
import type { Hearing, Listening } from '../store/postgres/commits.ts';
import type { PostgresSettings } from '../store/postgres/connection.ts';
import type { InDatabase } from '../store/postgres/remains.ts';
import type { RolesReport } from '../store/postgres/roles.ts';
import type { SiteDuties } from '../store/postgres/site-duties.ts';
import type { StandBy, Workers } from '../store/postgres/take-work.ts';
import { copyStateDb, openStateDb, type StateDb } from '../store/state/state-db.ts';
import { existingSubmissions, openSubmissions, type SubmissionStore } from '../store/submissions/submission-db.ts';
import { type DelegationDb, openDelegationDb, type TableOptions } from '../store/table/delegation-db.ts';
import { differencesIn, repairRules } from '../store/table/rule-repair.ts';
import type { Difference } from '../store/table/schema.ts';
import { ALONE, type Working } from '../store/working.ts';

/** What of the configuration says where they are, and for which mail server we look into them. */
export type Placed = Pick<Config, 'dataDir' | 'database' | 'databasePasswordFile' | 'databaseCaFile' | 'server'>;

export async function openTable(config: Placed, given: TableOptions = {}): Promise<DelegationDb> {
  const options = { ...given, server: config.server.name };
  const settings = await postgresOf(config, given.older);
  if (settings === undefined)
    return onceFree(options, (now) => openDelegationDb(dataFiles(config.dataDir).delegations, now));
  const { openPostgresTable } = await import('../store/postgres/table-db.ts');
  return openPostgresTable(settings, options);
}

export async function openState(config: Placed, given: OpenOptions = {}): Promise<StateDb> {
  const options = { ...given, server: config.server.name };
  const settings = await postgresOf(config, given.older);
  if (settings === undefined) return onceFree(options, (now) => openStateDb(dataFiles(config.dataDir).state, now));
  const { openPostgresState } = await import('../store/postgres/state-db.ts');
  return openPostgresState(settings, options);
}

/** One that another program holds as it is opened is tried again while all else goes on. */
const onceFree = <Options extends OpenOptions, Database>(options: Options, open: (options: Options) => Database) =>
  whenFree(() => open({ ...options, busyMs: 0 }), options.patienceMs);

/** For a process that is about to end: it doesn't wait long for a database that says nothing. */
export async function hurryStores({ database }: Placed): Promise<void> {
  if (database === undefined) return;
  const { hurry } = await import('../store/postgres/patience.ts');
  hurry();
}

/** A copy, to rehearse on: nothing of it is ever saved. */
export async function copyState(config: Placed): Promise<StateDb> {
  const settings = await postgresOf(config);
  if (settings === undefined) return copyStateDb(dataFiles(config.dataDir).state, config.server.name);
  const { copyPostgresState } = await import('../store/postgres/state-copy.ts');
  return copyPostgresState(settings, config.server.name);
}

/** A file is made when there is none. */
export async function openSubmissionStore(
  config: Placed,
  { older }: Pick<OpenOptions, 'older'> = {},
): Promise<SubmissionStore> {
  const settings = await postgresOf(config, older);
  if (settings === undefined)
    return onceFree({}, (options) => openSubmissions(dataFiles(config.dataDir).submissions, options));
  const { openPostgresSubmissions } = await import('../store/postgres/submissions-db.ts');
  return openPostgresSubmissions(settings);
}

/** Undefined where nothing was ever submitted through us. */
export async function existingSubmissionStore(
  config: Placed,
  options: Pick<OpenOptions, 'older'> = {},
): Promise<SubmissionStore | undefined> {
  return config.database === undefined
    ? onceFree({}, (options) => existingSubmissions(dataFiles(config.dataDir).submissions, options))
    : openSubmissionStore(config, options);
}

/** Makes or migrates them; never empties or replaces one. `roles`: for other programs, in PostgreSQL. */
export async function makeStores(
  config: Placed,
  older?: OlderDatabase,
): Promise<{ readonly made: readonly InitReport[]; readonly roles?: RolesReport }> {
  const files = dataFiles(config.dataDir);
  const settings = await postgresOf(config, older);
  if (settings === undefined) return { made: initialise(files) };
  makeDataPlaces(files);
  const { initialisePostgres } = await import('../store/postgres/initialise.ts');
  return initialisePostgres(settings);
}

/** Puts the released rules back into the delegation table; every row is kept. What was put right. Before {@link makeStores}, which says who gets in again. */
export async function repairTable(config: Placed): Promise<readonly Difference[]> {
  const settings = await postgresOf(config);
  if (settings === undefined) {
    const { delegations } = dataFiles(config.dataDir);
    return existsSync(delegations) ? repairRules(delegations, DELEGATIONS) : [];
  }
  const { repairPostgresRules } = await import('../store/postgres/rule-repair.ts');
  return repairPostgresRules(settings);
}

/** How its rules differ from the released ones, whether it may be read or not. */
export async function tableDifferences(config: Placed): Promise<readonly Difference[]> {
  const settings = await postgresOf(config);
  if (settings === undefined) return differencesIn(dataFiles(config.dataDir).delegations, DELEGATIONS);
  const { postgresDifferences } = await import('../store/postgres/rule-repair.ts');
  return postgresDifferences(settings);
}

/** Whether there is anything of mandat's own, of whatever version. */
export async function stateIsThere(config: Placed): Promise<boolean> {
  const settings = await postgresOf(config);
  if (settings === undefined) return existsSync(dataFiles(config.dataDir).state);
  const { stateIsMade } = await import('../store/postgres/state-db.ts');
  return stateIsMade(settings);
}

/** Who works on the databases beside the lock file, which says it on this machine alone. `again`: after a lost connection, before the work goes on. */
export async function takeWorkOn(config: Placed, as: Holder, again: () => Promise<void>): Promise<Working> {
  const settings = await postgresOf(config);
  if (settings === undefined) return ALONE;
  const { takeWork } = await import('../store/postgres/take-work.ts');
  return takeWork(settings, { ...wanted(config), as, again });
}

/** Who does what belongs to no mail server, where several work on one database. In files it is whoever has the lock. */
export async function siteDutiesOn(config: Placed, worker: string | undefined): Promise<SiteDuties> {
  const settings = await postgresOf(config);
  if (settings === undefined) return { ours: async () => true, release: async () => {} };
  const { siteDuties } = await import('../store/postgres/site-duties.ts');
  return siteDuties(settings, worker);
}

/** Waits until this sidecar is the one that works; with files it is at once. Undefined when `until.signal` came first. */
export async function standByOn(
  config: Placed,
  again: () => Promise<void>,
  until: StandBy,
): Promise<Working | undefined> {
  const settings = await postgresOf(config);
  if (settings === undefined) return ALONE;
  const { standBy } = await import('../store/postgres/take-work.ts');
  return standBy(settings, { ...wanted(config), as: 'sidecar', again }, until);
}

/** Who works on this server's mailboxes and who stands by, wherever they run; undefined with files. */
export async function workersOn(config: Placed): Promise<Workers | undefined> {
  const settings = await postgresOf(config);
  if (settings === undefined) return undefined;
  const { workersOf } = await import('../store/postgres/take-work.ts');
  return workersOf(settings, config.server.name);
}

/** Of the time within which another is at work, what a lease takes; the rest is for noticing, and for beginning. */
const LEASE = 0.6;

const wanted = ({ server }: Placed) => ({ server: server.name, leaseMs: server.takeoverSeconds * 1000 * LEASE });

/** Of commits to a table in PostgreSQL; undefined where it is a file. */
export async function listenForCommits(
  config: Placed,
  pollMs: number,
  hearing: Hearing,
  older: OlderDatabase,
): Promise<Listening | undefined> {
  const settings = await postgresOf(config, older);
  if (settings === undefined) return undefined;
  const { listenForCommits: listen } = await import('../store/postgres/commits.ts');
  return listen(settings, pollMs, hearing);
}

/** What of mandat's is in PostgreSQL, beside its files; undefined with files. */
export async function remainsOn(
  config: Placed,
  state: Pick<StateDb, 'query' | 'server'>,
): Promise<InDatabase | undefined> {
  const settings = await postgresOf(config);
  if (settings === undefined) return undefined;
  const { remainsIn } = await import('../store/postgres/remains.ts');
  return remainsIn(state, settings);
}

/** For people, and no secret; undefined where they are files. */
export async function shownDatabase(config: Placed): Promise<string | undefined> {
  return (await postgresOf(config))?.shown;
}

/** What works on files alone says so, before it does anything. `instead`: what to do. */
export function refusePostgres({ database }: Pick<Placed, 'database'>, what: string, instead: string): void {
  if (database === undefined) return;
  throw new Failure('refused', `${what} is for databases in files, and these are in PostgreSQL`, instead, {
    rule: 'MANDAT_POSTGRESQL',
  });
}

/** How to connect; undefined where they are files. No connection is made to another site's. `older`: where an older one is not asked either. */
export async function postgresOf(config: Placed, older?: OlderDatabase): Promise<PostgresSettings | undefined> {
  if (config.database === undefined) return undefined;
  const { postgresSettings } = await import('../store/postgres/connection.ts');
  const settings = postgresSettings(config);
  if (settings === undefined) return undefined;
  const { admission } = await import('../store/postgres/admission.ts');
  return { ...settings, admission: admission(dataFiles(config.dataDir), settings.shown, older) };
}
