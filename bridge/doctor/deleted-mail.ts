/** Where mail goes that a delegate deletes: config/dovecot/keep-deleted.conf, which a site may do without. */
import { readFile } from 'node:fs/promises';
import { type Doveconf, pluginSetting, sectionsNamed } from './doveconf.ts';
import { type Check, ok, skipped, warn } from './finding.ts';
import { sharedNamespace } from './own-session.ts';

const SCRIPT = 'keep-deleted.sieve';
const FRAGMENT = 'config/dovecot/keep-deleted.conf';

export const deletedMail: Check = {
  name: 'deleted mail',
  needs: [sharedNamespace],
  look: async (subject) => {
    const reading = await subject.doveconf();
    if (reading.found === undefined) return skipped(reading.why);
    const { found } = reading;
    const rule = ruleOf(found);
    if (rule === undefined) {
      return skipped(
        `nothing brings it back (${found.source}): what a delegate deletes goes into the delegate's own Trash and is gone from the owner's mailbox; see ${FRAGMENT}`,
      );
    }
    const lacking = [...missing(found, rule), ...(await scriptFaults(found, rule))];
    if (lacking.length > 0) {
      return warn(
        `what a delegate deletes is not brought back to the owner, although ${SCRIPT} is configured: ${lacking.join('; ')} (${found.source})`,
        FRAGMENT,
      );
    }
    return ok(`what a delegate deletes goes into the owner's Trash (${found.source})`);
  },
};

interface Rule {
  readonly number: number;
  readonly script: string;
  readonly from: string;
}

/** Dovecot reads rules from 1 on, up to the first number without a name. */
const MOST_RULES = 100;

function ruleOf(doveconf: Doveconf): Rule | undefined {
  for (let number = 1; number <= MOST_RULES; number++) {
    const setting = (name: string) => pluginSetting(doveconf, `imapsieve_mailbox${number}_${name}`) ?? '';
    const script = setting('before')
      .replace(/^file:/, '')
      .replace(/;.*/, '');
    if (script.endsWith(SCRIPT)) return { number, script, from: setting('from') };
  }
  return undefined;
}

function missing(doveconf: Doveconf, rule: Rule): readonly string[] {
  const plugin = (name: string) => pluginSetting(doveconf, name) ?? '';
  const nameless = Array.from({ length: rule.number }, (_, at) => at + 1).find(
    (number) => plugin(`imapsieve_mailbox${number}_name`) === '',
  );
  return [
    ...(words(doveconf.all.settings.get('mail_plugins')).includes('imap_sieve')
      ? []
      : ['protocol imap has no imap_sieve in mail_plugins']),
    ...(words(plugin('sieve_plugins')).includes('sieve_imapsieve') ? [] : ['sieve_plugins lacks sieve_imapsieve']),
    ...(nameless === undefined ? [] : [`rule ${rule.number} is not reached, since there is no rule ${nameless}`]),
    ...(/^y/i.test(plugin('imapsieve_expunge_discarded'))
      ? []
      : ["imapsieve_expunge_discarded is not yes: it stays in the delegate's Trash, too"]),
    ...prefixes(doveconf)
      .filter((prefix) => rule.from !== `${prefix}*`)
      .map(
        (prefix) => `rule ${rule.number} is for mail from "${rule.from}", and shared mailboxes are below "${prefix}"`,
      ),
  ];
}

async function scriptFaults(doveconf: Doveconf, { script }: Rule): Promise<readonly string[]> {
  try {
    const text = await readFile(script, 'utf8');
    const prefix = /^\s*set\s+"shared"\s+"([^"]*)"/m.exec(text)?.[1];
    return prefixes(doveconf)
      .filter((one) => prefix !== one)
      .map((one) => `${script} sets "shared" to "${prefix ?? ''}", and shared mailboxes are below "${one}"`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [`there is no ${script}`];
    throw error;
  }
}

/** What stands before the owner's name in shared namespaces. */
function prefixes({ all }: Doveconf): readonly string[] {
  return sectionsNamed(all, 'namespace')
    .filter(({ settings }) => settings.get('type') === 'shared')
    .map(({ settings }) => (settings.get('prefix') ?? '').replace(/%%.*$/, ''));
}

const words = (list = '') => list.split(/\s+/);
