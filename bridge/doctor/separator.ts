/** What stands between folders' names, and that no login holds it. */
import { type Doveconf, sectionsNamed } from './doveconf.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import { aclCapability, NOBODY } from './imap.ts';
import type { Subject } from './subject.ts';

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
    const configured = found === undefined ? [] : separatorsIn(found);
    const [first = ''] = configured;
    const remedy =
      'separator = / in every namespace with list = yes, in the configuration of Dovecot and in config/dovecot/mandat.conf alike; users then see / in their folder names';
    if (configured.length > 1) {
      return fail(
        `${found?.source}: namespaces have ${configured.map((one) => `"${one}"`).join(' and ')} as their separators, and every session ends with an internal error`,
        remedy,
      );
    }
    const delimiter = first === '' ? (await opened.connection.namespaces()).otherUsers?.delimiter : first;
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

/** Each once, of the namespaces that must agree. */
function separatorsIn({ all }: Doveconf): readonly string[] {
  const mail = all.settings.get('mail_location') ?? '';
  const spaces = sectionsNamed(all, 'namespace').filter(
    ({ settings }) => settings.get('list') !== 'no' && settings.get('disabled') !== 'yes',
  );
  return [
    ...new Set(spaces.map(({ settings }) => settings.get('separator') || ownOf(settings.get('location') || mail))),
  ];
}

/** Of a storage whose namespace has none configured. */
const ownOf = (location: string) => (/^maildir:/i.test(location) && !/:LAYOUT=fs/i.test(location) ? '.' : '/');

async function delegateLogins(subject: Subject): Promise<readonly string[]> {
  try {
    const rows = await subject.table().query.selectFrom('delegates').select('login').limit(100).execute();
    return rows.map(({ login }) => login);
  } catch {
    return []; // the table has a check of its own
  }
}
