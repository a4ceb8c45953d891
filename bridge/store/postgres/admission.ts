/**
 * Each new connection is asked, before anything else, whose word it is: that of a replica, of a primary from before a fail-over, of another site's database,
 * which nothing may be written into, or of one that is
 * older than the one last seen from here (last-seen.ts, and where the audit trail ended: trail/seal-head.ts). A fail-over makes every connection anew, so
 * nothing that comes after it is read from the past unawares.
 */
import type { ClientBase } from 'pg';
import { Failure } from '../../shared/failure.ts';
import type { DataFiles } from '../files/data-files.ts';
import { headFileOf, readHead } from '../trail/seal-head.ts';
import type { AuditHead } from '../trail/seal-mac.ts';
import { digestOf, existingSealKey, otherSealKey } from '../trail/sealing.ts';
import { HISTORY, isSuperseded, type LastSeen, lastSeen, noteLastSeen } from './last-seen.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';

/** What becomes of a connection to an older database: it is refused unless it is `held`, or somebody sees to it first that nothing is given by its word. */
export type OlderDatabase = 'refused' | ((held: boolean) => Promise<void>);

export interface Admission {
  /** Rejects with a Failure `retry` where this one must not be asked. */
  admit(client: Pick<ClientBase, 'query'>): Promise<void>;
  /** The version that a commit has led to, or that was read. */
  saw(version: number): void;
}

type Asked = {
  readonly replica: number;
  readonly history: string | null;
  readonly epoch: string | null;
  readonly version: number | null;
  readonly seal: string | null;
  readonly key: string | null;
  readonly pruned: number;
  readonly held: number;
};

const WHOSE = `SELECT pg_is_in_recovery() AS replica, ${HISTORY} AS history,
  (SELECT value FROM ${TABLE_SCHEMA}.settings WHERE name = 'epoch') AS epoch,
  (SELECT version FROM ${TABLE_SCHEMA}.counters) AS version,
  (SELECT seal FROM ${STATE_SCHEMA}.audit WHERE id = $1) AS seal,
  (SELECT value FROM ${STATE_SCHEMA}.facts WHERE name = 'seal-key') AS key,
  EXISTS (SELECT FROM ${STATE_SCHEMA}.audit_checkpoints WHERE last_id >= $1) AS pruned,
  EXISTS (SELECT FROM ${STATE_SCHEMA}.facts WHERE name = 'restored' AND value = 'held') AS held`;

/** invalid_schema_name, undefined_table, undefined_column, insufficient_privilege: whoever asks next says it better. */
const NOT_MADE = ['3F000', '42P01', '42703', '42501'];

export function admission(
  files: Pick<DataFiles, 'lastSeen' | 'sealKey'>,
  shown: string,
  older: OlderDatabase,
): Admission {
  let known: Omit<LastSeen, 'version'> = { epoch: '', history: '' };
  const place = `the database (${shown})`;
  /** What is committed is committed: where no file can be written, the trail's end has to tell later. */
  const note = (version: number) => {
    try {
      noteLastSeen(files.lastSeen, { ...known, version });
    } catch {}
  };
  return {
    admit: async (client) => {
      const key = keptKey(files.sealKey);
      const head = keptHead(files.sealKey, key);
      // Read before the database is asked, as the head is: what another program commits and notes in between is no sign of an older one.
      const before = lastSeen(files.lastSeen);
      const found = await asked(client, head);
      if (found === undefined) return;
      if (found.replica === 1) throw replica(place);
      if (key !== undefined && found.key !== null && found.key !== digestOf(key)) throw otherSealKey(files.sealKey);
      const { epoch, version, history } = {
        epoch: found.epoch ?? '',
        version: found.version ?? 0,
        history: found.history ?? '',
      };
      if (isSuperseded(history, before)) throw superseded(place, history, before);
      // "mandat init" makes the tables, and then seals with a key: until then it may be anybody's.
      if (key !== undefined && found.key === null && before !== undefined && before.epoch !== epoch)
        throw unsealed(place);
      const cut = head.id > 0 && found.pruned === 0 && found.seal !== head.seal;
      const fewer = before !== undefined && (before.epoch !== epoch || version < before.version);
      if (cut || fewer) {
        if (older !== 'refused') await older(found.held === 1);
        else if (found.held === 0) throw fromThePast(place);
      }
      known = { epoch, history };
      note(version);
    },
    saw: note,
  };
}

async function asked(client: Pick<ClientBase, 'query'>, { id }: AuditHead): Promise<Asked | undefined> {
  try {
    return (await client.query<Asked>(WHOSE, [id])).rows[0];
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOT_MADE.includes(String(error.code))) return undefined;
    throw error;
  }
}

/** Undefined where there is none, or this user can't read it. */
function keptKey(file: string): Buffer | undefined {
  try {
    return existingSealKey(file);
  } catch {
    return undefined;
  }
}

/** Without the key the version alone has to tell. */
function keptHead(sealKey: string, key: Buffer | undefined): AuditHead {
  try {
    const kept = key && readHead(headFileOf(sealKey), key);
    if (kept?.kind === 'kept') return kept.head;
  } catch {}
  return { id: 0, seal: '' };
}

const replica = (place: string) =>
  new Failure(
    'retry',
    `${place} only answers questions now: it is a replica`,
    'name the primary in "database", or a name that leads to it',
  );

const timelineOf = (history: string) => Number.parseInt(history.split('/')[1] ?? '', 16);

const superseded = (place: string, history: string, before: LastSeen | undefined) =>
  new Failure(
    'retry',
    `${place} is a primary from before a fail-over (timeline ${timelineOf(history)}, and ${timelineOf(before?.history ?? '')} was seen already): it is not asked`,
    'stop it, or make it a replica of the new primary; see that "database" leads to the new one',
  );

const unsealed = (place: string) =>
  new Failure(
    'retry',
    `${place} is another than the one last seen, and no audit trail is kept in it yet: whose it is can't be told`,
    'see that "database" names this site\'s, and that "mandat init" has ended, which begins the trail',
  );

const fromThePast = (place: string) =>
  new Failure(
    'retry',
    `${place} is older than the one last seen: what was committed last is missing in it`,
    'the sidecar sees to it that nothing is given by it ("mandat run", or "mandat sync" once); then look ("mandat list") and say "mandat restore accept"',
  );
