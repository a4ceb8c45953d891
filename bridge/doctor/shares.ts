/** Who keeps for Dovecot who shares with whom: where mandat does, that it answers, and that Dovecot asks there. */
import { askShares } from '../shares/asking.ts';
import { fragmentOf } from './dovecot-syntax.ts';
import { configuration } from './files.ts';
import { type Check, type Finding, fail, ok, skipped, warn } from './finding.ts';
import { nobodysLogin } from './nobodys-login.ts';

const START = 'systemctl status mandat-shares.socket mandat-shares.service; "mandat shares serve" answers there';

export const shares: Check = {
  name: 'shares',
  needs: [configuration],
  look: async (subject) => {
    const { found } = await subject.doveconf();
    const asked = found?.syntax.sharesSocket(found.all);
    const { shares: kept } = subject.config;
    if (kept !== undefined)
      return judge(kept.listen, found && { asked, fragment: fragmentOf(found.syntax, 'shares.conf') });
    return asked === undefined
      ? skipped('Dovecot keeps who shares with whom by itself: no section [shares] is configured')
      : warn(
          `Dovecot asks at ${asked} who shares with whom, and no section [shares] is configured`,
          `add it: listen = "${asked}"`,
        );
  },
};

/** `dovecot`: what its configuration says, where that can be read. */
async function judge(
  listen: string,
  dovecot: { readonly asked: string | undefined; readonly fragment: string } | undefined,
): Promise<Finding> {
  if (dovecot?.asked !== undefined && dovecot.asked !== listen) {
    return fail(`Dovecot asks at ${dovecot.asked}, and [shares] listen is ${listen}`, 'let both name the same socket');
  }
  try {
    await askShares(listen, nobodysLogin());
  } catch (error) {
    const why = `nobody answers at ${listen}: ${(error as Error).message}`;
    return dovecot?.asked === undefined
      ? warn(`[shares] is configured, and ${why}`, START)
      : fail(`${why}. Dovecot shows nobody the mailboxes delegated to them`, START);
  }
  if (dovecot === undefined) return ok(`${listen} answers; whether Dovecot asks there is not known (--dovecot-config)`);
  if (dovecot.asked === undefined)
    return warn(`${listen} answers, and Dovecot asks elsewhere who shares with whom`, `include ${dovecot.fragment}`);
  return ok(`${listen} answers, and Dovecot asks there`);
}
