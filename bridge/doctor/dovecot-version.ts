/** Whether mandat was tried with this Dovecot. */

import { fragmentOf } from './dovecot-syntax.ts';
import { isTried } from './dovecot-versions.ts';
import { type Check, ok, skipped, warn } from './finding.ts';
import { adminLogin } from './imap.ts';

export const dovecotVersion: Check = {
  name: 'Dovecot',
  needs: [adminLogin],
  look: async (subject) => {
    const found = await subject.dovecot();
    if (found === undefined) return skipped('the server does not say that it is Dovecot');
    const { version, syntax, how } = found;
    if (isTried(version))
      return ok(`Dovecot ${version} (${how}): its fragments are those in ${fragmentOf(syntax, '')}`);
    return warn(
      `Dovecot ${version} (${how}) is not one that mandat was tried with`,
      `Dovecot 2.3 and 2.4 are; what is written for ${syntax.version} comes nearest`,
    );
  },
};
