/** The upkeep of the audit trail: what others have noted is taken over, what is too old goes, its end is told to the log. */

import type { Ground } from './acting.ts';
import type { GiveWay } from './giving-way.ts';
import { auditHead, bringToDisk, keepHead } from './store/audit.ts';
import { pruneAudit } from './store/audit-prune.ts';
import { drainSubmissions } from './store/submission-trail.ts';
import { existingSubmissions, type SubmissionStore } from './store/submissions.ts';

export function openTrail({
  state,
  files,
  clock,
  key,
  log,
}: Pick<Ground, 'state' | 'files' | 'clock' | 'key' | 'log'>) {
  let submissions: SubmissionStore | undefined;
  let submissionsSeen: number | undefined;
  let told: number | undefined;
  return {
    /** Takes off what is older than so many days; 0: nothing. */
    prune: async (retentionDays: number): Promise<void> => {
      if (retentionDays === 0) return;
      const now = clock.now();
      const before = new Date(Date.parse(now) - retentionDays * 86_400_000).toISOString();
      const entries = await pruneAudit(state, key, before, now);
      if (entries > 0) log.info({ entries, before }, 'audit trail pruned');
    },
    /** Notes it beside the key (store/seal-head.ts). */
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
      submissions ??= existingSubmissions(files.submissions);
      const version = submissions?.dataVersion();
      if (submissions === undefined || version === submissionsSeen) return;
      await drainSubmissions(submissions, state, key, clock.now(), giveWay);
      submissionsSeen = version;
    },
    close: (): void => submissions?.close(),
  };
}
