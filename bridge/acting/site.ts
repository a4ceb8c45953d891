/**
 * The site that somebody acts on, whoever shows it to them: the command line, the pages, the API. Its databases are opened for the time of each
 * piece of work. Who acts, and what they may do, is `Acting`'s: acl/actor.ts decides, through permitted.ts.
 */
import { accessSync, constants } from 'node:fs';
import { type Actor, actorName } from '../../acl/actor.ts';
import type { Config } from '../../config/schema.ts';
import { existingSubmissionStore, openState, openTable } from '../configured/stores.ts';
import { mendValues } from '../safeguards/mended-values.ts';
import { versionOf } from '../safeguards/table-from-the-past.ts';
import { Failure } from '../shared/failure.ts';
import { type DataFiles, dataFiles } from '../store/files/data-files.ts';
import { holderPid, lockHolder } from '../store/files/lock.ts';
import { guarded, type OpenOptions } from '../store/files/open.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { SubmissionStore } from '../store/submissions/submission-db.ts';
import { identifiersOf, noSuchDelegate } from '../store/table/delegates.ts';
import type { DelegationDb, Writer } from '../store/table/delegation-db.ts';
import { type Pending, pendingMailboxes } from '../store/table/rows.ts';
import { applySettings } from '../store/table/rule-settings.ts';
import { REPAIR_RULES, rulesChanged } from '../store/table/schema.ts';
import { vouchingKey } from '../store/table/vouched-events.ts';
import { type Identity, openIdentity } from './identity.ts';

export interface Site {
  readonly config: Config;
  readonly files: DataFiles;
  readonly identity: Identity;
  /** Remarks beside a result, a line each, for whoever asked for it. */
  readonly warn: (line: string) => void;
  /** Whether a sidecar runs on these databases now. Fails for a user who may not see it. */
  sidecarRuns(): boolean;
  /** Whose the lock is; undefined where nobody has it, or this user may not see whose. */
  sidecarPid(): number | undefined;
  /** Opens the delegation table for the time of the work. */
  table<T>(work: (table: DelegationDb) => Promise<T>, options?: OpenOptions): Promise<T>;
  /**
   * The same, to write to it: the rules' settings are those of the configuration. A refusal says whom it is about, which the
   * table's rules can't know.
   */
  writing<T>(about: string, work: (table: DelegationDb) => Promise<T>): Promise<T>;
  /** Mailboxes that {@link writing} has left to be worked off: theirs by what was changed here. */
  touched(): Promise<readonly Pending[]>;
  state<T>(work: (state: StateDb) => Promise<T>, options?: OpenOptions): Promise<T>;
  /** What the submission filter has noted; undefined where it never ran. */
  submissions<T>(read: (store: SubmissionStore) => Promise<T>): Promise<T | undefined>;
}

export interface Acting extends Site {
  readonly actor: Actor;
  readonly writer: Writer;
  /**
   * The identifier of a delegate who is typed by identifier or login. Fails `absent` where there is nobody of that name; to whoever may not
   * ask who there is, and of whom may be gone, it answers what was typed.
   */
  delegate(typed: string, gone?: 'may be gone'): Promise<string>;
  /** Where {@link Site.table} only reads: what notes in the trail that more was tried. */
  readonly trail?: Site['table'];
  /** The same of many, for a file: what nobody has stays as it is. */
  delegates(typed: readonly string[]): Promise<(name: string) => string>;
}

export function openSite(config: Config, warn: (line: string) => void = () => {}): Site {
  const files = dataFiles(config.dataDir);
  /** What is noted is vouched for, where this user may read the key. */
  const vouching = (options: OpenOptions = {}) => openTable(config, { ...options, key: vouchingKey(files.sealKey) });
  return {
    config,
    files,
    identity: openIdentity(config.identity, warn),
    warn,
    sidecarPid: () => holderPid(files.lock),
    sidecarRuns: () => guarded(files.lock, { what: "the sidecar's lock" }, () => lockHolder(files.lock) === 'sidecar'),
    table: (work, options) => using(vouching(options), work),
    ...changing(config, files, warn, () => vouching({ older: 'refused' })),
    state: (work, options) => using(openState(config, options), work),
    submissions: async (read) => {
      const store = await existingSubmissionStore(config);
      try {
        return store && (await read(store));
      } finally {
        store?.close();
      }
    },
  };
}

/**
 * Somebody who acts on it. `via`: at whose keyboard, or in which session, where that isn't themselves; it stands in the trail. `warn` hears what
 * is remarked to them alone. Each has a {@link Site.touched} of their own.
 */
export function actingAs(site: Site, actor: Actor, via?: string, warn = site.warn): Acting {
  const own = warn === site.warn ? site : openSite(site.config, warn);
  const { identity } = own;
  const vouching = () => openTable(own.config, { older: 'refused', key: vouchingKey(own.files.sealKey) });
  const delegates = (names: readonly string[]) => own.table((db) => identifiersOf(db, names));
  return {
    ...own,
    ...changing(own.config, own.files, warn, vouching),
    actor,
    writer: { actor: actorName(actor), ...(via === undefined ? {} : { via }) },
    delegate: async (typed, gone) => {
      const name = identity.find(typed);
      const found = (await delegates([name])).get(name);
      if (found !== undefined) return found;
      if (gone === undefined && actor.kind === 'admin') throw noSuchDelegate(name, identity.addition(name));
      return name;
    },
    delegates: async (names) => {
      const known = await delegates(names);
      return (name) => known.get(name) ?? name;
    },
  };
}

async function using<D extends { close(): Promise<void> }, T>(
  opening: Promise<D>,
  work: (database: D) => Promise<T>,
): Promise<T> {
  const database = await opening;
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

function changing(
  config: Config,
  files: DataFiles,
  warn: (line: string) => void,
  opened: () => Promise<DelegationDb>,
): Pick<Site, 'writing' | 'touched'> {
  let versionBefore: number | undefined;
  return {
    writing: (about, work) =>
      using(opened(), async (table) => {
        const changed = await table.differences();
        if (changed.length > 0) warn(`mandat: ${rulesChanged(changed)}\n        ${REPAIR_RULES}`);
        await mendIfSeen(table, config, files);
        await applySettings(table, config);
        versionBefore ??= await versionOf(table);
        return work(table).catch((error: unknown) => {
          throw concerning(about, error);
        });
      }),
    touched: async () => {
      const before = versionBefore;
      if (before === undefined) return [];
      return using(openTable(config), (table) => pendingMailboxes(table, before));
    },
  };
}

/** Who may see mandat's own state puts right what would keep any write from succeeding; for others the sidecar does. */
async function mendIfSeen(table: DelegationDb, config: Config, files: DataFiles): Promise<void> {
  if (!seesState(config, files)) return;
  let state: StateDb | undefined;
  try {
    state = await openState(config);
    await mendValues(table, state);
  } catch (error) {
    if (!(error instanceof Failure)) throw error; // of another version, or locked: what follows says what it needs
  } finally {
    await state?.close();
  }
}

/** Whether this user may read and write what is mandat's own: the files, or the password for the database. */
export function seesState({ database }: Pick<Config, 'database'>, files: DataFiles): boolean {
  try {
    accessSync(database === undefined ? files.state : files.privateDirectory, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function concerning(about: string, error: unknown): unknown {
  if (!(error instanceof Failure) || error.rule === undefined || error.message.includes(about)) return error;
  const { code, message, hint, rule, fault } = error;
  return new Failure(code, `${about}: ${message}`, hint, { cause: error, rule, fault, about: error.about ?? about });
}
