/** Whether a kick, as Dovecot is configured, ends a session with somebody's mailbox open in it: that it is answered is no proof. */
import { fragmentOf } from './dovecot-syntax.ts';
import { type Check, fail, ok, skipped } from './finding.ts';
import { kick } from './sessions.ts';

export const cut: Check = {
  name: 'cut',
  needs: [kick],
  look: async (subject) => {
    const reading = await subject.doveconf();
    if (reading.found === undefined)
      return skipped(
        `${reading.why}; whether a kick ends a session with a shared mailbox open is tried with --probe MAILBOX --probe-as ACCOUNT`,
      );
    const { source, syntax, all } = reading.found;
    const vain = syntax.kickInVain(all);
    if (vain === undefined) return ok(`a kick ends the sessions that it is meant for (${source})`);
    return fail(
      `${vain} (${source}): a kick is answered, and ends no session that has opened anybody's mailbox: who has lost it would go on reading`,
      `${fragmentOf(syntax, 'sessions.conf')} has the lines, and what goes with client_limit`,
    );
  },
};
