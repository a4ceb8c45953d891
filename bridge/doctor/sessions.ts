/** Ending a delegate's sessions: does doveadm's HTTP API do it for us, what else does its key open, and is only they hit? */
import { doveadm } from '../configured/drivers.ts';
import { type Answer, ask, type DoveadmOptions } from '../sessions/doveadm-api.ts';
import { fragmentOf, type Syntax } from './dovecot-syntax.ts';
import type { Subject } from './examined-site.ts';
import { doveadmKey } from './files.ts';
import { type Check, fail, ok, skipped, warn } from './finding.ts';
import { imapServer } from './imap.ts';
import { nobodysLogin } from './nobodys-login.ts';

export const cutting: Check = {
  name: 'session cutting',
  needs: [],
  look: async (subject) => {
    const { sessions } = subject.config;
    if (sessions !== undefined) return ok(sessions.kind === 'command' ? 'by commands' : sessions.url);
    return warn(
      '[sessions] is not configured: sessions that a delegate has open outlive the revoke',
      `${fragmentOf((await subject.dovecot())?.syntax, 'sessions.conf')} or config/cyrus/, and [sessions]`,
    );
  },
};

const asked = (subject: Subject, command: string, parameters: object): Promise<Answer> =>
  ask(doveadm(subject.config, subject.env) as DoveadmOptions, command, parameters);

/** What the key must be allowed to do, as a remedy says it. */
export const allow = (syntax: Syntax | undefined): string =>
  `doveadm_allowed_commands = kick,who as in ${fragmentOf(syntax, 'sessions.conf')}`;

const allowIn = async (subject: Subject): Promise<string> => allow((await subject.dovecot())?.syntax);

export const who: Check = {
  name: 'who',
  needs: [cutting, doveadmKey],
  look: async (subject) => {
    const answer = await asked(subject, 'who', {});
    if (answer.done) return ok('the key may see who is connected');
    return fail(`the key may not see who is connected: ${said(answer)}`, await allowIn(subject));
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
    return fail(`the key may not end sessions: ${said(answer)}`, await allowIn(subject));
  },
};

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
    const remedy = `${await allowIn(subject)}: with more than these two the key opens every mailbox`;
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
    if (subject.config.sessions?.kind === 'command') return skipped('sessions are ended by commands');
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
