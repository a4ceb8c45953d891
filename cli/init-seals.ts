/** What `mandat init` does for the audit trail: the key, what is kept beside it, and a beginning under a new key where one was lost. */
import { existsSync } from 'node:fs';
import { shownDatabase, stateIsThere } from '../bridge/configured/stores.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { takeLock } from '../bridge/store/files/lock.ts';
import { headFileOf, NO_HEAD, readHead, writeHead } from '../bridge/store/trail/seal-head.ts';
import { renewSeals } from '../bridge/store/trail/seal-renewal.ts';
import { auditHead, existingSealKey, sealKeyOf } from '../bridge/store/trail/sealing.ts';
import { hasTrace, type Resealed, resealTrace } from '../bridge/trace/trace-resealing.ts';
import { counted } from './output.ts';
import type { Session } from './session.ts';

/** Before databases are made: a state that was there once isn't made anew without a word. */
export async function refuseLostState({ files, config }: Session, renew: boolean): Promise<void> {
  if (renew || !existsSync(files.sealKey) || (await stateIsThere(config))) return;
  const kept = readHead(headFileOf(files.sealKey), existingSealKey(files.sealKey));
  if (kept.kind !== 'kept' || kept.head.id === 0) return;
  const database = await shownDatabase(config);
  const place = database === undefined ? files.state : `what mandat had for itself in ${database}`;
  throw new Failure(
    'config',
    `${place} is gone: seal.head beside the key says that there was one, with ${kept.head.id} entries in its trail. It knows which entries on the servers are mandat's, and what stood there before`,
    `put ${database === undefined ? 'state.db' : 'it'} back from the backup; if there is none: "mandat init --new-seal-key" begins a new one, and a new trail`,
    { rule: 'MANDAT_STATE_LOST' },
  );
}

function traceLines({ accesses, left }: Resealed): readonly string[] {
  return [
    `the trace of access: ${counted(accesses, 'access', 'accesses')} sealed anew, as they stand; what was done to them before can't be found any more`,
    ...left.map(
      (file) =>
        `the trace of access: ${file} can't be read, and is left as it is; put it back from a backup of its key`,
    ),
  ];
}

/** What was done, a line each. */
export async function prepareSeals({ files, state }: Session, renew: boolean): Promise<readonly string[]> {
  if (renew) {
    const lock = takeLock(files.lock, 'sync'); // nobody else seals meanwhile
    try {
      let trace: Resealed | undefined;
      const sealAnew = (key: Buffer) => {
        if (hasTrace(files)) trace = resealTrace(files, key);
        return trace === undefined ? {} : { trace: trace.accesses };
      };
      const pruned = await state((db) => renewSeals(db, files.sealKey, new Date().toISOString(), sealAnew), {
        older: 'sealed anew',
      });
      return [
        `${files.sealKey}: a new key; ${counted(pruned, 'entry', 'entries')} that can't be proven any more pruned from the trail`,
        ...(trace === undefined ? [] : traceLines(trace)),
      ];
    } finally {
      lock.release();
    }
  }
  return state(async (db) => {
    const key = await sealKeyOf(files.sealKey, db);
    const file = headFileOf(files.sealKey);
    if (readHead(file, key).kind !== 'none') return [];
    writeHead(file, key, (await auditHead(db)) ?? NO_HEAD);
    return [`${file}: where the audit trail ends, made`];
  });
}
