/**
 * What makes mailboxes worth another try whose account, or whose login by the master user, was refused: a secret's file that has changed,
 * and a server that takes mandat's own password again. What the table says anew is seen by the schedule itself.
 */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { secretsStamp } from '../configured/secrets.ts';
import { CREDENTIALS_REFUSED } from '../imap/login-guard.ts';
import type { Result } from '../reconcile/mailbox.ts';

export interface Credentials {
  /** What became of a pass. */
  heard(result: Result): void;
  /** Looks whether a secret is another than at the last look. */
  look(): void;
}

export function followCredentials({
  config,
  env,
  log,
  tryAgain,
}: {
  readonly config: () => Config;
  readonly env: Environment;
  readonly log: Logger;
  readonly tryAgain: () => void;
}): Credentials {
  let refused = false;
  let stamp = secretsStamp(config(), env);
  return {
    heard: (result) => {
      if (['superseded', 'paused', 'unseen'].includes(result.kind)) return; // tells nothing of them
      if (result.kind === 'failed' && result.failure.code === 'retry') return; // nor does this
      const before = refused;
      refused = result.kind === 'failed' && result.failure.rule === CREDENTIALS_REFUSED;
      if (before && !refused) tryAgain();
    },
    look: () => {
      const now = secretsStamp(config(), env);
      if (now === stamp) return;
      stamp = now;
      log.info('the file of a secret has changed, and is read at the next login; what was refused is tried again');
      tryAgain();
    },
  };
}
