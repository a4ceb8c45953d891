/** Ending a delegate's sessions: does doveadm's HTTP API do it for us, what else does its key open, and is only he hit? */
import { doveadm } from '../drivers.ts';
import { type Answer, ask, type DoveadmOptions } from '../sessions/doveadm-api.ts';
import { doveadmKey } from './files.ts';
import { type Check, type Finding, fail, ok, skipped, warn } from './finding.ts';
import { imapServer } from './imap.ts';
import { nobodysLogin } from './nobody.ts';
import type { CutSeen } from './probe-sharing.ts';
import type { Subject } from './subject.ts';

export const cutting: Check = {
  name: 'session cutting',
  needs: [],
  look: ({ config }) =>
    config.sessions === undefined
      ? warn(
          '[sessions] is not configured: sessions that a delegate has open outlive the revoke',
          'config/dovecot/sessions.conf, and [sessions]',
        )
      : ok(config.sessions.url),
};

const asked = (subject: Subject, command: string, parameters: object): Promise<Answer> =>
  ask(doveadm(subject.config, subject.env) as DoveadmOptions, command, parameters);

const ALLOW = 'doveadm_allowed_commands = kick,who as in config/dovecot/sessions.conf';

export const who: Check = {
  name: 'who',
  needs: [cutting, doveadmKey],
  look: async (subject) => {
    const answer = await asked(subject, 'who', {});
    if (answer.done) return ok('the key may see who is connected');
    return fail(`the key may not see who is connected: ${said(answer)}`, ALLOW);
  },
};

/** Of a login that nobody has: nobody is hit. */
export const kick: Check = {
  name: 'kick',
  needs: [who],
  look: async (subject) => {
    const answer = await asked(subject, 'kick', { mask: [nobodysLogin()] });
    const nobody = answer.done ? answer.rows.every(({ count }) => count === '0') : answer.type === 'exitCode'; // 2.4, 2.3
    if (nobody) return ok('the key may end sessions');
    return fail(`the key may not end sessions: ${said(answer)}`, ALLOW);
  },
};

/** What is wrong with the cut of a session in which a shared folder was open; tried with --probe-as (sharing.ts). */
export function badCut(cut: CutSeen | undefined, delegate: string): Finding | undefined {
  switch (cut) {
    case 'goes-on':
      return fail(
        `the session of ${delegate} goes on after it was cut, with a shared folder open in it: who has lost a mailbox would go on reading it`,
        `in Dovecot 2.4: service imap { unix_listener "srv.imap/%{pid}" { mode = 0 } }, as config/dovecot/sessions.conf explains`,
      );
    case 'listed':
      return fail(
        `the session of ${delegate} was cut and has ended, and "who" shows it still: no revoke can be verified`,
        "Dovecot's log, for its anvil process",
      );
    case 'unlisted':
      return fail(
        `the session of ${delegate} was not in "who" while it was open: no cut can be proven`,
        'does the server know them under another login? auth_username_format, and what the userdb answers as user',
      );
    case 'unseen':
      return warn(`the session of ${delegate} was cut and has ended; at a revoke nobody could see that`, ALLOW);
    default:
      return undefined;
  }
}

/**
 * Commands that read mail, in a mailbox that doesn't exist: the answer is "not allowed", or "no such user" when they are. They are
 * complete, because Dovecot 2.3 drops the connection at one that lacks a parameter.
 */
const READING: readonly (readonly [command: string, parameters: object])[] = [
  ['mailboxList', {}],
  ['search', { query: ['ALL'] }],
  ['fetch', { field: ['uid'], query: ['ALL'] }],
];

export const keyReach: Check = {
  name: "doveadm key's reach",
  needs: [who],
  look: async (subject) => {
    const remedy = `${ALLOW}: with more than these two the key opens every mailbox`;
    const { found } = await subject.doveconf().catch(() => ({ found: undefined }));
    if (found !== undefined) {
      const allowed = (found.all.settings.get('doveadm_allowed_commands') ?? '')
        .split(/[,\s]+/)
        .filter((one) => one !== '');
      const more = allowed.filter((one) => one !== 'kick' && one !== 'who');
      if (allowed.length === 0) return warn(`the key may do everything (${found.source})`, remedy);
      if (more.length > 0) return warn(`the key may also do ${more.join(', ')} (${found.source})`, remedy);
    }
    for (const [command, parameters] of READING) {
      const answer = await asked(subject, command, { user: nobodysLogin(), ...parameters });
      if (answer.done || answer.type === 'exitCode') return warn(`the key may also do ${command}`, remedy);
    }
    return ok(
      `the key may not read mail${found === undefined ? '' : `; kick and who are all it may (${found.source})`}`,
    );
  },
};

const said = (answer: Answer) =>
  answer.done ? 'it answered as if somebody was there' : `${answer.type} ${answer.exitCode ?? ''}`.trim();

export const hibernation: Check = {
  name: 'hibernation',
  needs: [imapServer],
  look: async (subject) => {
    const reading = await subject.doveconf();
    if (reading.found === undefined) return skipped(reading.why);
    const { source, all } = reading.found;
    const timeout = all.settings.get('imap_hibernate_timeout') ?? '0';
    if (/^0\b/.test(timeout)) return ok(`off (${source})`);
    return warn(
      `imap_hibernate_timeout = ${timeout} (${source}): ending a delegate's session may end that of somebody else with it`,
      'imap_hibernate_timeout = 0',
    );
  },
};
