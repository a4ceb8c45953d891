/** state.db as this program opens it. The sidecar writes; the command line reads outcomes. */
import Database from 'better-sqlite3';
import { type Generated, Kysely, type Transaction } from 'kysely';
import { STATE } from '../databases.ts';
import { dataVersionOf, patientDialect, waitsForNobody } from '../files/busy.ts';
import { keptStatements, stampOf } from '../files/kept-statements.ts';
import { logSync } from '../files/log-sync.ts';
import { explained, type OpenOptions, open } from '../files/open.ts';
import { MAIN_SERVER } from '../main-server.ts';

export type LedgerPhase = 'granting' | 'in-force' | 'verified' | 'revoking';

/** Null unless given. */
type Nullable = Generated<string | null>;

export interface StateDatabase {
  facts: { name: string; value: string };
  ledger: {
    id: Generated<number>;
    mailbox_id: number;
    delegate_id: number;
    address: string;
    server: string;
    owner_login: string;
    login: string;
    phase: LedgerPhase;
    inbox_before: string | null;
    folders_before: string | null;
    given: Generated<string>;
    cut_done: Generated<number>;
    since: string;
    in_force_at: Nullable;
    verified_at: Nullable;
    identifier: Nullable;
    verified_rights: Nullable;
  };
  repairs: {
    id: Generated<number>;
    server: string;
    owner_login: string;
    login: string;
    folder_id: string;
    at: string;
  };
  other_entries: {
    server: string;
    owner_login: string;
    identifier: string;
    rights: string;
    folders: number;
    since: string;
  };
  before_entries: { ledger_id: number; folder: string; folder_id: string | null; rights: string };
  subscriptions: { ledger_id: number; folder: string; ours: number };
  folders_seen: {
    server: string;
    owner_login: string;
    ids: string;
    listing: Nullable;
    special: Nullable;
    unsettled: Nullable;
  };
  owner_folders: { server: string; owner_login: string; folder_id: string; folder: string; subscribed: number };
  outcomes: {
    server: string;
    mailbox_id: number;
    address: string;
    in_force_version: Generated<number>;
    in_force_at: Nullable;
    verified_version: Generated<number>;
    verified_at: Nullable;
    code: Nullable;
    message: Nullable;
    hint: Nullable;
    failed_version: Generated<number>;
    attempts: Generated<number>;
    failed_at: Nullable;
    retry_at: Nullable;
    notices: Generated<string>;
  };
  audit: {
    id: Generated<number>;
    at: string;
    actor: string;
    reason: string | null;
    action: string;
    mailbox: string | null;
    delegate: string | null;
    detail: string | null;
    seal: string;
    on_behalf: Nullable;
    via: Nullable;
    claimed: Nullable;
  };
  rows_seen: {
    mailbox_id: number;
    delegate_id: number;
    delegation_id: number;
    mailbox: string;
    delegate: string;
    terms: string;
  };
  audit_checkpoints: {
    last_id: number;
    at: string;
    entries: number;
    last_at: string;
    last_seal: string;
    standing: string;
    seal: string;
  };
  accounts: {
    delegate_id: number;
    contact: Nullable;
    contact_since: Nullable;
    language: Generated<Language | null>;
    refuses_surveys: Generated<number>;
    refuses_newsletters: Generated<number>;
    asked_contact: Nullable;
    asked_terms: Nullable;
    asked_language: Generated<Language | null>;
    code_mac: Nullable;
    code_expires_at: Nullable;
    code_tries: Generated<number>;
    codes_asked: Generated<number>;
    codes_since: Nullable;
  };
  owner_contacts: { mailbox_id: number; contact: string | null; language: Generated<Language | null> };
  outbox: {
    id: Generated<number>;
    event: string;
    kind: string;
    part: string;
    subject: string;
    mailbox: string | null;
    recipient: string | null;
    language: Language;
    data: string;
    message_id: string;
    created_at: string;
    state: OutboxState;
    attempts: Generated<number>;
    since: Nullable;
    next_at: Nullable;
    sent_at: Nullable;
    error: Nullable;
  };
  api_answers: {
    name: string;
    asker: string;
    question: string;
    status: number;
    headers: string;
    body: string;
    at: string;
  };
  told: {
    delegation_id: number;
    mailbox_id: number;
    delegate_id: number;
    standing: 'in-force' | 'withheld';
    why: string | null;
    /** The end that has been announced as coming. */
    ending: string | null;
    identifier: string;
    login: string;
    address: string;
    first_name: string | null;
    last_name: string | null;
    profession: string | null;
  };
}

export type Language = 'fr' | 'en';
export type OutboxState = 'waiting' | 'sending' | 'sent' | 'failed' | 'no-address';

export interface StateDb {
  readonly file: string;
  /** Whose ledger, outcomes and facts are meant where nothing else is said: `[server] name`. */
  readonly server: string;
  readonly query: Kysely<StateDatabase>;
  dataVersion(): number;
  /** The same as long as nothing was written by anybody ({@link whileUnchanged}); missing where that can't be told. */
  readonly stamp?: () => string;
  write<T>(work: (query: Transaction<StateDatabase>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function openStateDb(file: string, options: OpenOptions = {}): StateDb {
  return stateDbOn(open(file, STATE, options), file, options);
}

/** Where a SQLite file's header says how it is written and read (file format, section 1.3.3). */
const WRITE_VERSION = 18;

/** A copy in memory, to rehearse on: nothing of it is ever saved. */
export function copyStateDb(file: string, server?: string): StateDb {
  const original = open(file, STATE, { readonly: true });
  try {
    const copy = original.serialize();
    copy.fill(1, WRITE_VERSION, WRITE_VERSION + 2); // from WAL to a plain journal: there is no WAL in memory
    return stateDbOn(new Database(copy), `a copy of ${file}`, { server });
  } finally {
    original.close();
  }
}

function stateDbOn(database: Database.Database, file: string, { patienceMs, server }: OpenOptions): StateDb {
  waitsForNobody(database);
  const kept = keptStatements(database);
  const sync = logSync(database);
  const log = sync && { writes: kept.writes, reached: sync.reached };
  const query = new Kysely<StateDatabase>({ dialect: patientDialect(kept.database, patienceMs, log) });
  const dataVersion = dataVersionOf(database);
  return {
    file,
    server: server ?? MAIN_SERVER,
    query,
    dataVersion,
    stamp: stampOf(kept, dataVersion),
    write: async (work) => {
      try {
        return await query.transaction().execute(work);
      } catch (error) {
        throw explained(error, file, STATE.what);
      }
    },
    close: async () => {
      await query.destroy();
      await sync?.close();
      database.close(); // which one that was never asked anything leaves open
    },
  };
}
