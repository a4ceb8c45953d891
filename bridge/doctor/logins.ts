/**
 * Whether the server knows people by the logins that the table has: an entry for another name would be nobody's. A few are tried, until
 * one is wrong, since where one is the others are as well; each that isn't there would be a failed login.
 */
import { naming, OtherLogin } from '../shared/other-login.ts';
import type { Subject } from './examined-site.ts';
import { type Check, fail, ok, skipped } from './finding.ts';
import { aclCapability } from './imap.ts';

/** So many mailboxes, and so many delegates. */
const MOST = 3;

interface Named {
  readonly login: string;
  /** What changes it. */
  readonly command: string;
}

export const logins: Check = {
  name: 'logins',
  needs: [aclCapability],
  look: async (subject) => {
    const tried = await some(subject);
    let known = 0;
    for (const { login, command } of tried) {
      try {
        (await subject.prove({ login, connection: await subject.openAs(login) })).close();
        known++;
      } catch (error) {
        if (!(error instanceof OtherLogin)) continue; // what else is wrong has a check of its own, or shows at the grant
        const { message, hint } = naming(error, command);
        return fail(message, hint);
      }
    }
    if (known === 0) return skipped('no mailbox and no delegate is registered that has an account on the server');
    return ok(`the server knows people by the logins that the table has (${known} tried)`);
  },
};

async function some(subject: Subject): Promise<readonly Named[]> {
  try {
    const { query } = await subject.table();
    const owners = await query.selectFrom('mailboxes').select(['address', 'login']).orderBy('id').limit(MOST).execute();
    const people = await query
      .selectFrom('delegates')
      .select(['identifier', 'login'])
      .orderBy('id')
      .limit(MOST)
      .execute();
    return [
      ...owners.map(({ address, login }) => ({ login, command: `mandat mailbox set ${address}` })),
      ...people.map(({ identifier, login }) => ({ login, command: `mandat delegate set ${identifier}` })),
    ];
  } catch {
    return []; // the table has a check of its own
  }
}
