/** How the server shares what was granted: what reaches the other folders, how long a revoked right lingers, whose \Seen it is. */

import { atom, text } from '../imap/arguments.ts';
import type { Connection } from '../imap/connection.ts';
import { INBOX } from '../reconcile/driver-interfaces.ts';
import { fact } from '../store/state/facts.ts';
import { sectionsNamed } from './doveconf-text.ts';
import { fragmentOf } from './dovecot-syntax.ts';
import type { Subject } from './examined-site.ts';
import { type Check, type Finding, fail, ok, skipped, warn } from './finding.ts';
import { badCut, listOf } from './kick-findings.ts';
import { identity, sharedNamespace } from './own-session.ts';

export const probing: Check = {
  name: 'probe',
  needs: [identity],
  look: async (subject) => {
    const probed = await subject.probed();
    if (probed === undefined) return skipped('nothing is tried on the server without --probe MAILBOX');
    const cleared =
      probed.cleared.length === 0 ? '' : `; so was ${probed.cleared.join(', ')}, left by a doctor that was killed`;
    return ok(
      `${probed.name}, an entry and a folder of ${subject.options.probe}, was made and taken away again${cleared}`,
    );
  },
};

export const sharing: Check = {
  name: 'sharing',
  needs: [sharedNamespace],
  look: async (subject) => {
    if (subject.options.probe !== undefined && subject.options.probe === subject.options.probeAs) {
      return fail('--probe and --probe-as name the same mailbox', 'name another account with --probe-as');
    }
    const shared = await subject.shared();
    if (shared === undefined) {
      return skipped('that a grant reaches a delegate is tried with --probe MAILBOX --probe-as ACCOUNT only');
    }
    const { owner, delegate, folder, theirs, why, listed, opened, cut } = shared;
    const what = `a folder of ${owner}, shared with ${delegate} for a moment,`;
    const log = "Dovecot's log says more (mail_debug = yes)";
    if (why !== undefined) return fail(`${what} is shown to them by no name: ${why.message}`, why.hint);
    const syntax = (await subject.dovecot())?.syntax;
    const fragment = fragmentOf(syntax, 'mandat.conf');
    const advice = (await subject.dialect())?.advice;
    if (!opened)
      return fail(`${what} can't be opened by them`, advice?.sharing ?? `${fragment}, its shared namespace; ${log}`);
    if (!listed) {
      return fail(
        `${what} could be opened, and isn't listed to them: mail programs show nothing`,
        advice?.sharing ??
          `${syntax?.sharingMapName ?? 'the list of who shares with whom'}, and that user ${delegate} may write where it lies: ${fragment}; ${log}`,
      );
    }
    const kind = subject.config.sessions?.kind;
    const bad = badCut(kind, cut, delegate, syntax);
    if (bad !== undefined) return bad;
    const ended =
      cut === undefined ? '' : `; their session was cut, and has ended, as it said itself and as ${listOf(kind)} shows`;
    return ok(`${what} was listed to them and opened${ended}; it is gone again. ${folder} was ${theirs} to them`);
  },
};

/** Undefined without --probe, and when trying failed, of which `probe` tells. */
async function tried(subject: Subject) {
  return subject.probed().catch(() => undefined);
}

export const inheritance: Check = {
  name: 'inheritance',
  needs: [identity],
  look: async (subject) => {
    const dialect = await subject.dialect();
    if (dialect !== undefined && dialect.asksInherited === undefined) {
      return ok(`${dialect.title} has none: each folder gets an entry of its own, and a new one copies its parent's`);
    }
    const probed = await tried(subject);
    const fragment = fragmentOf((await subject.dovecot())?.syntax, 'inherit.conf');
    if (probed !== undefined) return inherits(probed.inherits, 'tried with --probe', fragment);
    const learnt = await recorded(subject);
    if (learnt !== undefined) return inherits(learnt === 'yes', 'as the sidecar last saw', fragment);
    const { found } = await subject.doveconf();
    if (found === undefined) return skipped('not known before the first grant: give --probe MAILBOX');
    return inherits(found.syntax.inheritsFromInbox(found.all), found.source, fragment);
  },
};

/** The sidecar notes it at each grant; state.db has a check of its own. */
async function recorded(subject: Subject): Promise<string | undefined> {
  try {
    return await fact(await subject.state(), 'inherits');
  } catch {
    return undefined;
  }
}

function inherits(does: boolean, how: string, fragment: string): Finding {
  if (does) return ok(`INBOX's entry holds for every folder without one of its own (${how})`);
  return warn(
    `INBOX's entry holds for INBOX alone (${how}): grants are slower, no delegate can make or rename a folder at the top level, and one made there later stays closed to them until the next look at the folders ([schedule] folder_look_seconds)`,
    `${fragment}, if what it says of entries that users have set themselves suits you`,
  );
}

export const aclCache: Check = {
  name: 'ACL cache',
  needs: [identity],
  look: async (subject) => {
    const goesOn = (await subject.dialect())?.advice?.openSessions;
    if (goesOn !== undefined) {
      const cut = subject.config.sessions !== undefined;
      return cut ? ok(`${goesOn}; sessions are cut at a revoke`) : warn(goesOn, '[sessions], to cut them');
    }
    const probed = await tried(subject);
    const reading = await subject.doveconf();
    const found = reading.found;
    const setting = found?.syntax.aclCache(found.all);
    const written = setting === undefined ? '' : ` (${setting.words}, ${found?.source})`;
    const syntax = (await subject.dovecot())?.syntax;
    const remedy = `${syntax?.lines.aclCache ?? 'no ACL cache'} as in ${fragmentOf(syntax, 'mandat.conf')}`;
    if (probed !== undefined) {
      if (!probed.caches) return ok('an open session sees at once that a right is gone (tried with --probe)');
      return warn(`an open session goes on with a right that is gone (tried with --probe)${written}`, remedy);
    }
    if (setting === undefined) return skipped('give --probe MAILBOX, or run the doctor where Dovecot is');
    if (setting.seconds === 0) return ok(`none${written}`);
    return warn(`an open session goes on with a right that is gone for up to ${setting.seconds} s${written}`, remedy);
  },
};

/** INDEXPVT gives each delegate flags of their own: the owner doesn't see what has been read for them. */
export const seenFlag: Check = {
  name: '\\Seen',
  needs: [sharedNamespace],
  look: async (subject) => {
    const reading = await subject.doveconf();
    if (reading.found !== undefined) {
      const { source, all, syntax } = reading.found;
      const shared = sectionsNamed(all, 'namespace').filter(({ settings }) => settings.get('type') === 'shared');
      return seen(!shared.some(syntax.hasPrivateIndex), source, syntax.lines.privateIndex);
    }
    const compared = await compare(subject).catch(() => undefined); // state.db and the login have checks of their own
    return compared ?? skipped(`${reading.why}, and no delegation in force shows it`);
  },
};

function seen(shared: boolean, how: string, remedy: string): Finding {
  if (shared) return ok(`what a delegate has read, the owner sees as read (${how})`);
  return warn(
    `each delegate has \\Seen flags of their own (${how}): the owner doesn't see what has been read for them`,
    remedy,
  );
}

/** The same INBOX as the owner and as the delegate: STATUS changes nothing. Undefined where it tells nothing. */
async function compare(subject: Subject): Promise<Finding | undefined> {
  const { query, server } = await subject.state();
  const pair = await query
    .selectFrom('ledger')
    .select(['owner_login as ownerLogin', 'login'])
    .where('server', '=', server)
    .where('phase', '=', 'verified')
    .executeTakeFirst();
  if (pair === undefined) return undefined;
  const opened: Connection[] = [];
  try {
    const owner = await subject.openAs(pair.ownerLogin);
    opened.push(owner);
    const delegate = await subject.openAs(pair.login);
    opened.push(delegate);
    const { prefix = '' } = (await delegate.namespaces()).otherUsers ?? {};
    const status = async (connection: Connection, folder: string) => {
      const reply = await connection.run('STATUS', [text(folder), [atom('MESSAGES'), atom('UNSEEN')]], 'STATUS');
      const values = reply.ok ? reply.untagged[0]?.values[1] : undefined;
      return Array.isArray(values) ? { messages: Number(values[1]), unseen: Number(values[3]) } : undefined;
    };
    const [own, theirs] = await Promise.all([status(owner, INBOX), status(delegate, `${prefix}${pair.ownerLogin}`)]);
    // Mail came in between, or nothing has been read yet: there is nothing to compare.
    const remedy =
      (await subject.dialect())?.advice?.privateSeen ??
      (await subject.dovecot())?.syntax.lines.privateIndex ??
      'take private indexes out of the shared namespace';
    if (own === undefined || theirs === undefined || own.messages !== theirs.messages || own.unseen === own.messages) {
      return undefined;
    }
    return seen(own.unseen === theirs.unseen, `INBOX of ${pair.ownerLogin}, beside what ${pair.login} sees`, remedy);
  } finally {
    for (const connection of opened) connection.close();
  }
}
