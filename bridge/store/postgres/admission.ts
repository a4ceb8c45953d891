/**
 * Each new connection is asked, before anything else, whose word it is: that of a replica, of a primary from before a fail-over, of another site's database
 * (whose-database.ts), or of one that is older than the one last seen from here (last-seen.ts, and where the audit trail ended: trail/seal-head.ts). A
 * fail-over makes every connection anew, so nothing that comes after it is read from the past unawares.
 */
import type { ClientBase } from 'pg';
import { Failure } from '../../shared/failure.ts';
import type { DataFiles } from '../files/data-files.ts';
import { headFileOf, readHead } from '../trail/seal-head.ts';
import type { AuditHead } from '../trail/seal-mac.ts';
import { HISTORY, isSuperseded, type LastSeen, lastSeen, noteLastSeen } from './last-seen.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';
import { ifMade, type KeptKey, keptKey, MARKS, type Marks, refuseOthers } from './whose-database.ts';

/**
 * What becomes of a connection to an older database: it is refused unless it is `held`, or somebody sees to it first that nothing is given by its word.
 * `sealed anew`: whose it is counts alone, and its key may be the one before.
 */
export type OlderDatabase = 'refused' | 'sealed anew' | ((held: boolean) => Promise<void>);

export interface Admission {
  /** Rejects with a Failure `config` where it is another site's. */
  whose(client: Pick<ClientBase, 'query'>): Promise<void>;
  /** The same, and with `retry` where this one must not be asked for another reason. */
  admit(client: Pick<ClientBase, 'query'>): Promise<void>;
  /** The version that a commit has led to, or that was read. Undefined where an older one is asked too. */
  readonly saw: ((version: number) => void) | undefined;
}

type Asked = Marks & {
  readonly replica: number;
  readonly history: string | null;
  readonly version: number | null;
  readonly seal: string | null;
  readonly pruned: number;
  readonly held: number;
};

const WHOSE = `SELECT ${MARKS}`;

const HOW_FAR = `SELECT ${MARKS}, pg_is_in_recovery() AS replica, ${HISTORY} AS history,
  (SELECT version FROM ${TABLE_SCHEMA}.counters) AS version,
  (SELECT seal FROM ${STATE_SCHEMA}.audit WHERE id = $1) AS seal,
  EXISTS (SELECT FROM ${STATE_SCHEMA}.audit_checkpoints WHERE last_id >= $1) AS pruned,
  EXISTS (SELECT FROM ${STATE_SCHEMA}.facts WHERE name = 'restored' AND value = 'held') AS held`;

/** `older`: undefined where whose it is counts alone. */
export function admission(
  files: Pick<DataFiles, 'lastSeen' | 'sealKey'>,
  shown: string,
  older?: OlderDatabase,
): Admission {
  let known: Omit<LastSeen, 'version'> = { epoch: '', history: '' };
  const place = `the database (${shown})`;
  const whose = async (client: Pick<ClientBase, 'query'>) => {
    const [key, before] = [keptKey(files.sealKey), lastSeen(files.lastSeen)];
    const marks = await ifMade<Marks>(client, WHOSE);
    if (marks !== undefined) refuseOthers(place, marks, key, before, files, older === 'sealed anew');
  };
  if (older === undefined || older === 'sealed anew') return { whose, admit: whose, saw: undefined };
  /** What is committed is committed: where no file can be written, the trail's end has to tell later. */
  const note = (version: number) => {
    try {
      noteLastSeen(files.lastSeen, { ...known, version });
    } catch {}
  };
  return {
    whose,
    admit: async (client) => {
      const key = keptKey(files.sealKey);
      const head = keptHead(files.sealKey, key);
      // Read before the database is asked, as the head is: what another program commits and notes in between is no sign of an older one.
      const before = lastSeen(files.lastSeen);
      const found = await ifMade<Asked>(client, HOW_FAR, [head.id]);
      if (found === undefined) return;
      refuseOthers(place, found, key, before, files, false);
      if (found.replica === 1) throw replica(place);
      const { epoch, version, history } = {
        epoch: found.epoch ?? '',
        version: found.version ?? 0,
        history: found.history ?? '',
      };
      if (isSuperseded(history, before)) throw superseded(place, history, before);
      // "mandat init" makes the tables, and then seals with a key: until then it may be anybody's.
      if (key !== 'lost' && found.key === null && before !== undefined && before.epoch !== epoch) throw unsealed(place);
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

/** Without the key the version alone has to tell. */
function keptHead(sealKey: string, key: KeptKey): AuditHead {
  try {
    const kept = typeof key === 'string' ? undefined : readHead(headFileOf(sealKey), key);
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
