/** What every command has at hand: the options before the command, the configuration, the databases. */

import { accessSync, constants } from 'node:fs';
import { type Actor, actorName } from '../acl/actor.ts';
import { refuseHalfRestored } from '../bridge/backup/unfinished.ts';
import { existingSubmissionStore, openState, openTable } from '../bridge/configured/stores.ts';
import { mendValues } from '../bridge/safeguards/mended-values.ts';
import { versionOf } from '../bridge/safeguards/table-from-the-past.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { holdFiles } from '../bridge/shared/given-file.ts';
import { becomeForGood, isAnother } from '../bridge/shared/unix-user.ts';
import { type DataFiles, dataFiles, SHARED_GROUP } from '../bridge/store/files/data-files.ts';
import { dataOwner, makeRuntimeDirectory, refuseUnsafePlaces } from '../bridge/store/files/directories.ts';
import { refuseHalfCopied } from '../bridge/store/files/half-copied.ts';
import { holderPid, lockHolder } from '../bridge/store/files/lock.ts';
import { refuseOldPlaces } from '../bridge/store/files/old-layout.ts';
import { guarded, type OpenOptions } from '../bridge/store/files/open.ts';
import type { StateDb } from '../bridge/store/state/state-db.ts';
import type { SubmissionStore } from '../bridge/store/submissions/submission-db.ts';
import { identifiersOf, noSuchDelegate } from '../bridge/store/table/delegates.ts';
import type { DelegationDb, Writer } from '../bridge/store/table/delegation-db.ts';
import { type Pending, pendingMailboxes } from '../bridge/store/table/rows.ts';
import { applySettings } from '../bridge/store/table/rule-settings.ts';
import { REPAIR_RULES, rulesChanged } from '../bridge/store/table/schema.ts';
import { vouchingKey } from '../bridge/store/table/vouched-events.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { keyboard, readActor } from './actor.ts';
import { type Identity, openIdentity } from './identity.ts';
import type { Output } from './output.ts';

export interface Session {
  readonly out: Output;
  readonly config: Config;
  readonly files: DataFiles;
  /** Who acts. */
  readonly actor: Actor;
  readonly writer: Writer;
  readonly identity: Identity;
  /**
   * The identifier of a delegate who is typed by identifier or login. Fails `absent` where there is nobody of that name; to whoever may not
   * ask who there is, and of whom may be gone, it answers what was typed.
   */
  delegate(typed: string, gone?: 'may be gone'): Promise<string>;
  /** The same of many, for a file: what nobody has stays as it is. */
  delegates(typed: readonly string[]): Promise<(name: string) => string>;
  /** Whether a sidecar runs on these databases now. Fails for a user who may not see it. */
  sidecarRuns(): boolean;
  /** Whose the lock is; undefined where nobody has it, or this user may not see whose. */
  sidecarPid(): number | undefined;
  /** What a session of the caller's ({@link openSession}) does before it touches a file of ours. */
  becomeOwner(): void;
  /** Opens the delegation table for the time of the work. */
  table<T>(work: (table: DelegationDb) => Promise<T>, options?: OpenOptions): Promise<T>;
  /**
   * The same, to write to it: the rules' settings are those of the configuration. A refusal says whom it is about, which the
   * table's rules can't know.
   */
  writing<T>(about: string, work: (table: DelegationDb) => Promise<T>): Promise<T>;
  /** Mailboxes that {@link writing} has left to be worked off: theirs by what this command changed. */
  touched(): Promise<readonly Pending[]>;
  state<T>(work: (state: StateDb) => Promise<T>): Promise<T>;
  /** What the submission filter has noted; undefined where it never ran. */
  submissions<T>(read: (store: SubmissionStore) => Promise<T>): Promise<T | undefined>;
}

/**
 * `caller`: who typed it stays who they are, for what touches no file of ours, or sees to that by itself. `owner`: root becomes the owner of the
 * data, and fails `config` where somebody else could have put something in the place of what is ours. `given`: files that the user named.
 */
export function openSession(
  out: Output,
  options: { readonly config?: string | undefined; readonly as?: string | undefined },
  { acting = 'owner', given = [] }: { readonly acting?: 'owner' | 'caller'; readonly given?: readonly string[] } = {},
): Session {
  const config = loadConfig({ path: options.config, env: process.env, cwd: process.cwd() });
  const files = dataFiles(config.dataDir);
  const identity = openIdentity(config.identity, out.warn);
  const actor = readActor(options.as, identity);
  const via = actor.kind === 'admin' && actor.name === keyboard() ? {} : { via: keyboard() };
  const becomeOwner = () => {
    refuseOldPlaces(files);
    refuseUnsafePlaces(files);
    refuseHalfRestored(files);
    if (config.database === undefined) refuseHalfCopied(files);
    if (isAnother(dataOwner(files))) holdFiles(given);
    becomeOwnerOf(config, files);
  };
  if (acting === 'owner') becomeOwner();
  const using = async <D extends { close(): Promise<void> }, T>(
    opening: Promise<D>,
    work: (database: D) => Promise<T>,
  ) => {
    const database = await opening;
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  };
  const delegates = async (names: readonly string[]) => {
    const known = await using(openTable(config), (db) => identifiersOf(db, names));
    return (name: string) => known.get(name);
  };
  /** What is noted is vouched for, where this user may read the key. */
  const vouching = (options: OpenOptions = {}) => openTable(config, { ...options, key: vouchingKey(files.sealKey) });
  let versionBefore: number | undefined;
  return {
    out,
    config,
    files,
    actor,
    delegate: async (typed, gone) => {
      const name = identity.find(typed);
      const found = (await delegates([name]))(name);
      if (found !== undefined) return found;
      if (gone === undefined && actor.kind === 'admin') throw noSuchDelegate(name, identity.addition(name));
      return name;
    },
    delegates: async (names) => {
      const known = await delegates(names);
      return (name) => known(name) ?? name;
    },
    writer: {
      actor: actorName(actor),
      ...via,
    },
    identity,
    sidecarPid: () => holderPid(files.lock),
    becomeOwner,
    sidecarRuns: () => guarded(files.lock, { what: "the sidecar's lock" }, () => lockHolder(files.lock) === 'sidecar'),
    table: (work, options) => using(vouching(options), work),
    writing: (about, work) =>
      using(vouching({ older: 'refused' }), async (table) => {
        const changed = await table.differences();
        if (changed.length > 0) out.warn(`mandat: ${rulesChanged(changed)}\n        ${REPAIR_RULES}`);
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
    state: (work) => using(openState(config), work),
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

/** The place for the sockets may be in a directory of root's (/run), and after a restart of the machine it is gone. */
export function becomeOwnerOf(config: Config, files: DataFiles): void {
  const owner = dataOwner(files);
  if (owner === undefined) return;
  makeRuntimeDirectory(config.runtimeDir, owner);
  becomeForGood(owner, groupsFor(config));
}

/** Beside the owner's own: that of the table, and that of the SMTP server. */
export function groupsFor({ senderRules, submission }: Config): readonly string[] {
  return [SHARED_GROUP, ...((senderRules ?? submission) ? [senderRules?.group ?? 'postfix'] : [])];
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
  const { code, message, hint, rule } = error;
  return new Failure(code, `${about}: ${message}`, hint, { cause: error, rule });
}
