/** Where mail goes that a delegate deletes: keep-deleted.conf of config/dovecot/, which a site may do without. */
import { readFile } from 'node:fs/promises';
import type { Doveconf } from './doveconf.ts';
import { sectionsNamed } from './doveconf-text.ts';
import { fragmentOf, type KeepDeleted } from './dovecot-syntax.ts';
import { type Check, ok, skipped, warn } from './finding.ts';
import { sharedNamespace } from './own-session.ts';

const SCRIPT = 'keep-deleted.sieve';

export const deletedMail: Check = {
  name: 'deleted mail',
  needs: [sharedNamespace],
  look: async (subject) => {
    const reading = await subject.doveconf();
    if (reading.found === undefined) return skipped(reading.why);
    const { found } = reading;
    const fragment = fragmentOf(found.syntax, 'keep-deleted.conf');
    const rule = found.syntax.keepDeleted(found.all);
    if (rule === undefined) {
      return skipped(
        `nothing brings it back (${found.source}): what a delegate deletes goes into the delegate's own Trash and is gone from the owner's mailbox; see ${fragment}`,
      );
    }
    const lacking = [...rule.lacking, ...fromElsewhere(found, rule), ...(await scriptFaults(found, rule))];
    if (lacking.length > 0) {
      return warn(
        `what a delegate deletes is not brought back to the owner, although ${SCRIPT} is configured: ${lacking.join('; ')} (${found.source})`,
        fragment,
      );
    }
    return ok(`what a delegate deletes goes into the owner's Trash (${found.source})`);
  },
};

/** A shared mailbox from which mail is deleted without the script being asked. */
function fromElsewhere(doveconf: Doveconf, { from }: KeepDeleted): readonly string[] {
  if (from === undefined) return [];
  return prefixes(doveconf)
    .filter((prefix) => from !== `${prefix}*`)
    .map((prefix) => `its rule is for mail from "${from}", and shared mailboxes are below "${prefix}"`);
}

async function scriptFaults(doveconf: Doveconf, { script }: KeepDeleted): Promise<readonly string[]> {
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
function prefixes({ all, syntax }: Doveconf): readonly string[] {
  return sectionsNamed(all, 'namespace')
    .filter(({ settings }) => settings.get('type') === 'shared')
    .map(({ settings }) => syntax.beforeOwner(settings.get('prefix') ?? ''));
}
