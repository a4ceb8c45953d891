/** Whether the IMAP server has an account, asked when somebody names one: a mistyped login shows now, and not at the first grant. */
import { failureOf } from '../bridge/shared/failure.ts';
import { naming, OtherLogin } from '../bridge/shared/other-login.ts';
import { ConfigError } from '../config/mistake.ts';
import { oneLine } from './output.ts';
import type { Session } from './session.ts';

export interface AccountThere {
  /** Null where it could not be looked up. */
  readonly known: boolean | null;
  readonly warning?: string;
}

/** Longer than a login takes; whoever waits longer has nothing from it. */
const PATIENCE_S = 5;

export async function accountOf(
  { config }: Pick<Session, 'config'>,
  address: string,
  login: string,
): Promise<AccountThere> {
  const { mailServer } = await import('../bridge/configured/drivers.ts'); // the IMAP library takes its time to load
  const timeoutSeconds = Math.min(config.imap.timeoutSeconds, PATIENCE_S);
  try {
    const server = mailServer({ ...config, imap: { ...config.imap, timeoutSeconds } }, process.env);
    (await server.asOwner(login)).close();
    return { known: true };
  } catch (error) {
    const { code, message } =
      error instanceof ConfigError ? { code: 'config', message: error.mistakes[0]?.message ?? '' } : failureOf(error);
    if (error instanceof OtherLogin) {
      const { hint } = naming(error, `mandat mailbox set ${address}`);
      return { known: null, warning: `${oneLine(message)}: ${hint}` };
    }
    if (code === 'absent')
      return { known: false, warning: `${oneLine(message)}: nothing of it can be delegated until it is there` };
    return {
      known: null,
      warning: `whether the IMAP server has an account ${login} could not be seen: ${oneLine(message)}`,
    };
  }
}
