/** What stands between folders' names, and that no login holds it. */
import type { Connection } from '../imap/connection.ts';
import type { Doveconf } from './doveconf.ts';
import { sectionsNamed } from './doveconf-text.ts';
import { fragmentOf } from './dovecot-syntax.ts';
import type { Subject } from './examined-site.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import { aclCapability, NOBODY } from './imap.ts';

/**
 * Before anything is asked: with a wrong one Dovecot's sessions end at once, or die when they are asked for an ACL. So its own configuration
 * is read first, where it is to be had.
 */
export const separator: Check = {
  name: 'separator',
  needs: [aclCapability],
  look: async (subject) => {
    const opened = await subject.opened();
    if (opened === undefined) return skipped(NOBODY);
    const { found } = await subject.doveconf();
    const separators = found === undefined ? [] : separatorsIn(found);
    const configured = separators.filter((one) => one !== undefined);
    const [first = ''] = configured;
    const fragment = fragmentOf((await subject.dovecot())?.syntax, 'mandat.conf');
    const remedy = `separator = / in every namespace with list = yes, in the configuration of Dovecot and in ${fragment} alike; users then see / in their folder names`;
    if (configured.length > 1) {
      return fail(
        `${found?.source}: namespaces have ${configured.map((one) => `"${one}"`).join(' and ')} as their separators, and every session ends with an internal error`,
        remedy,
      );
    }
    if (separators.length > configured.length && first !== '' && !(await goesOn(opened.connection))) {
      return fail(
        `${found?.source}: one namespace has "${first}" as its separator and another none, which is "." in a Maildir, and every session ends with an internal error`,
        remedy,
      );
    }
    const own = found === undefined ? '' : sharedSeparator(found); // which may differ where it isn't listed
    const told = own || first;
    const delimiter = told === '' ? (await opened.connection.namespaces()).otherUsers?.delimiter : told;
    if (delimiter === undefined || delimiter === '') return ok('none that concerns other users');
    const logins = [...(await subject.logins()), ...(await delegateLogins(subject))];
    const patterns = found === undefined ? [] : patternsIn(found);
    const torn = logins.find((login) => login.includes(delimiter) && !isWritten(login, patterns, delimiter));
    if (torn !== undefined && patterns.length === 0) {
      return warn(
        `folders are separated by "${delimiter}", which logins hold too (${torn}): where the shared namespace names owners by their whole login, nobody sees what is shared with them`,
        `--probe and --probe-as show it; ${remedy}`,
      );
    }
    if (torn !== undefined) {
      return fail(
        `folders are separated by "${delimiter}", which logins hold too (${torn}): Dovecot takes a part of the login for the owner, nobody sees what is shared with them, and its imap process dies of it`,
        remedy,
      );
    }
    return ok(`"${delimiter}" between folders, which is in no owner's name there`);
  },
};

/** What stands for the owner in the prefixes of shared namespaces: `%%u`, `%%d/%%n`; in 2.4 `$user`, `$domain/$username`. */
function patternsIn({ all }: Doveconf): readonly string[] {
  const shared = sectionsNamed(all, 'namespace').filter(({ settings }) => settings.get('type') === 'shared');
  return shared.map(({ settings }) => settings.get('prefix') ?? '').filter((prefix) => /%%|\$/.test(prefix));
}

function sharedSeparator({ all }: Doveconf): string {
  const shared = sectionsNamed(all, 'namespace').find(
    ({ settings }) => settings.get('type') === 'shared' && settings.get('disabled') !== 'yes',
  );
  return shared?.settings.get('separator') ?? '';
}

/** Whether every pattern writes a login without tearing it apart. */
function isWritten(login: string, patterns: readonly string[], delimiter: string): boolean {
  const [local = '', domain = ''] = login.split('@');
  const parts = (pattern: string) =>
    [...pattern.matchAll(/%%([und])|\$(username|user|domain)\b/g)].map(([, letter, word]) => {
      if (letter === 'n' || word === 'username') return local;
      return letter === 'd' || word === 'domain' ? domain : login;
    });
  return patterns.length > 0 && patterns.every((pattern) => parts(pattern).every((part) => !part.includes(delimiter)));
}

/** Each once, of the namespaces that must agree; undefined for one of which the configuration doesn't tell it. */
function separatorsIn({ all, syntax }: Doveconf): readonly (string | undefined)[] {
  const spaces = sectionsNamed(all, 'namespace').filter(
    ({ settings }) => settings.get('list') !== 'no' && settings.get('disabled') !== 'yes',
  );
  return [...new Set(spaces.map((space) => space.settings.get('separator') || syntax.ownSeparator(all, space)))];
}

/** Whether the session answers at all. */
const goesOn = (connection: Connection): Promise<boolean> =>
  connection.namespaces().then(
    () => true,
    () => false,
  );

async function delegateLogins(subject: Subject): Promise<readonly string[]> {
  try {
    const rows = await (await subject.table()).query.selectFrom('delegates').select('login').limit(100).execute();
    return rows.map(({ login }) => login);
  } catch {
    return []; // the table has a check of its own
  }
}
