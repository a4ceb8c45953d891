/** The upkeep of the audit trail: what others have noted is taken over, what is too old goes, its end is told to the log. */
import type { Instant } from '../../acl/delegation-facts.ts';
import { failureOf } from '../shared/failure.ts';
import type { GiveWay } from '../shared/portions.ts';
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { SubmissionStore } from '../store/submissions/submission-db.ts';
import { headFileOf, readHead } from '../store/trail/seal-head.ts';
import { auditHead, bringToDisk, keepHead } from '../store/trail/sealing.ts';
import { drainSubmissions } from '../store/trail/take-over-submissions.ts';
import { describeBroken, proveAudit } from '../store/trail/trail-proof.ts';
import { pruneAudit } from '../store/trail/trail-pruning.ts';
import { proveTraceDaily } from '../trace/daily-proof.ts';
import type { Ground } from './acting.ts';

export interface TrailProof {
  readonly at: Instant;
  /** Null where it is broken. */
  readonly entries: number | null;
  /** How it is broken, a sentence; null where it is whole. */
  readonly broken: string | null;
}

/** What the sidecar's last proof of the whole trail has shown; undefined where there was none. */
export async function lastProof(state: Pick<StateDb, 'query'>): Promise<TrailProof | undefined> {
  return jsonFact<TrailProof>(state, 'trail-proof');
}

const DAY_MS = 86_400_000;

export function openTrail({
  state,
  files,
  clock,
  key,
  log,
  existingSubmissions,
}: Pick<Ground, 'state' | 'files' | 'clock' | 'key' | 'log'> & {
  /** Undefined where nothing was ever submitted through us. */
  readonly existingSubmissions: () => Promise<SubmissionStore | undefined>;
}) {
  let submissions: SubmissionStore | undefined;
  let submissionsSeen: number | undefined;
  let told: number | undefined;
  return {
    /** Takes off what is older than so many days, in portions; 0: nothing. */
    prune: async (retentionDays: number, giveWay: GiveWay): Promise<void> => {
      if (retentionDays === 0) return;
      const now = clock.now();
      const before = new Date(Date.parse(now) - retentionDays * 86_400_000).toISOString();
      const entries = await pruneAudit(state, key, before, now, giveWay);
      if (entries > 0) log.info({ entries, before }, 'audit trail pruned');
    },
    /** All of it, once a day, in portions; broken or not, that stands in state.db for `status` and `doctor`. */
    prove: async (giveWay: GiveWay): Promise<void> => {
      const last = await lastProof(state);
      const now = clock.now();
      await proveTraceDaily({ state, files, key, log, now }, giveWay).catch((error: unknown) =>
        log.error({ reason: failureOf(error).message }, 'the trace of access could not be proven'),
      );
      if (last !== undefined && Date.parse(now) - Date.parse(last.at) < DAY_MS) return;
      const headFile = headFileOf(files.sealKey);
      const proof = await proveAudit(state, key, undefined, readHead(headFile, key), giveWay);
      const broken = proof.intact ? null : describeBroken(proof, headFile);
      const noted: TrailProof = { at: now, entries: proof.intact ? proof.entries : null, broken };
      await setJsonFact(state, 'trail-proof', noted);
      if (proof.intact) log.info({ entries: proof.entries }, 'the audit trail was proven, all of it');
      else log.error({ hint: '"mandat audit verify"' }, broken ?? '');
    },
    /** Notes it beside the key (store/trail/seal-head.ts). */
    keepHead: () => keepHead(files.sealKey, key, state),
    /** Says in the log where the trail ends: what was cut off it later shows beside it. */
    tellHead: async (): Promise<void> => {
      const head = await auditHead(state);
      if (head === undefined || head.id === told) return;
      await bringToDisk(state, head);
      log.info({ head: `${head.id}:${head.seal}` }, 'audit trail');
      told = head.id;
    },
    /** Takes over what the submission filter has noted since. */
    drainSubmissions: async (giveWay: GiveWay): Promise<void> => {
      submissions ??= await existingSubmissions();
      const version = submissions?.dataVersion();
      if (submissions === undefined || version === submissionsSeen) return;
      await drainSubmissions(submissions, state, key, clock.now(), giveWay);
      submissionsSeen = version;
    },
    close: (): void => submissions?.close(),
  };
}
