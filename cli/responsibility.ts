/** What an owner answers for with a grant, shown before it and acknowledged. R23. */
import { RESPONSIBILITY, RESPONSIBILITY_VERSION } from '../bridge/acting/responsibility.ts';
import { confirmed } from './confirm.ts';
import type { Session } from './session.ts';

/** The version acknowledged; undefined where the site doesn't ask and nobody said so; null when the answer was no. */
export async function acknowledged(session: Session, given: boolean | undefined): Promise<string | undefined | null> {
  if (given === true) return RESPONSIBILITY_VERSION;
  if (!session.config.grant.acknowledge) return undefined;
  for (const line of [RESPONSIBILITY.fr, `(${RESPONSIBILITY.en})`]) session.out.warn(line);
  const yes = await confirmed(session, 'Do you acknowledge this?', undefined, {
    message:
      'a grant needs that the owner’s responsibility is acknowledged, and there is no terminal to ask at; nothing was changed',
    hint: 'read the text above and give --acknowledge; [grant] acknowledge = false asks nobody',
  });
  return yes ? RESPONSIBILITY_VERSION : null;
}
