/**
 * Mail for real, with --probe: one message from outside, and with the password of the --probe-as account one through submission. Each is seen
 * in the probe mailbox, and taken away again.
 */
import { randomBytes } from 'node:crypto';
import { imapEndpoint } from '../configured/drivers.ts';
import { atom, text } from '../imap/arguments.ts';
import type { Connection } from '../imap/connection.ts';
import { must } from '../imap/replies.ts';
import { INBOX } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import type { Subject } from './examined-site.ts';
import { type Check, type Finding, fail, ok, skipped, warn } from './finding.ts';
import { type Address, openWire, type Wire } from './line-session.ts';
import { nobodysLogin } from './nobodys-login.ts';
import { identity } from './own-session.ts';
import { greeted, hand, logIn, reply, secured } from './smtp-talk.ts';

/** How long a message may take from the server's yes to the INBOX. */
const ARRIVES_MS = 30_000;
const PAUSE_MS = 250;
const TALK_MS = 30_000;

export const messageFromOutside: Check = {
  name: 'message from outside',
  needs: [identity],
  look: async (subject) => {
    const to = subject.options.probe;
    if (to === undefined) return skipped('that mail arrives is tried with --probe MAILBOX only');
    if (!to.includes('@')) return skipped(`${to} is no address to send to: name the mailbox by its address`);
    const address = subject.options.smtp ?? { host: subject.config.imap.host, port: 25 };
    return trying(address, '--smtp HOST:PORT', async (wire) => {
      await greeted(wire);
      const { id, message } = letter(to, to);
      const { at, answer } = await hand(wire, '', to, message);
      const where = nameOf(address);
      if (/^4/.test(answer))
        return warn(
          `${where} puts mail from outside off: ${answer}`,
          'mailq and its log say more; greylisting does that to whoever is new',
        );
      if (!answer.startsWith('250')) {
        const remedy =
          'what stands below the service at port 25 in master.cf: nothing of config/postfix/ but port25.master.cf.fragment belongs there';
        return fail(`${where} refuses mail from outside at ${at}: ${answer}`, remedy);
      }
      return arrived(subject, to, id, `from outside, through ${where},`);
    });
  },
};

export const messageSubmitted: Check = {
  name: 'message submitted',
  needs: [identity],
  look: async (subject) => {
    const { probe: to, probeAs: from, probePassword, submission } = subject.options;
    if (to === undefined || from === undefined || probePassword === undefined)
      return skipped('that users can send is tried with --probe, --probe-as and --probe-password-file only');
    if (!to.includes('@') || !from.includes('@')) return skipped('both accounts must be named by their addresses');
    const { host } = subject.config.imap;
    const address = submission ?? { host, port: 587 };
    return trying(address, '--submission HOST:PORT', async (wire) => {
      const { problem, plain } = await secured(wire, { ca: imapEndpoint(subject.config).ca }, address.port === 465);
      if (problem !== undefined && !wire.here)
        return skipped(`the password is not sent to ${nameOf(address)}: ${problem}`);
      if (!plain)
        return fail(
          `${nameOf(address)} lets nobody log in with a password`,
          'smtpd_sasl_auth_enable = yes at the submission services',
        );
      const welcome = await logIn(wire, from, probePassword());
      if (!welcome.startsWith('235'))
        return fail(
          `${nameOf(address)} refuses the login of ${from}: ${welcome}`,
          'the password file; Dovecot answers for Postfix here',
        );
      const stranger = `${nobodysLogin()}@${to.split('@')[1]}`;
      const forged = await hand(wire, stranger, to, letter(stranger, to).message);
      if (!/^5/.test(forged.answer)) {
        return fail(
          `${from} may send as ${stranger}, whom nobody has: ${forged.answer}`,
          'config/postfix/master.cf.fragment below this service',
        );
      }
      wire.send('RSET');
      await reply(wire);
      const { id, message } = letter(from, to);
      const { at, answer } = await hand(wire, from, to, message);
      if (!answer.startsWith('250')) {
        const filter = /451.*(proxy|service|unavailable)/i.test(answer)
          ? '"mandat status": does the filter run, and does this service reach its socket?'
          : "Postfix's log says more";
        return fail(`${from} can't send: ${at} is answered ${answer}`, filter);
      }
      return arrived(subject, to, id, `of ${from}, submitted at ${nameOf(address)},`);
    });
  },
};

const nameOf = ({ host, port }: Address) => `${host}:${port}`;

async function trying(address: Address, option: string, talk: (wire: Wire) => Promise<Finding>): Promise<Finding> {
  let wire: Wire;
  try {
    wire = await openWire(address, TALK_MS);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return skipped(`nothing listens at ${nameOf(address)}: give ${option}`);
  }
  try {
    return await talk(wire);
  } finally {
    wire.close();
  }
}

function letter(from: string, to: string): { readonly id: string; readonly message: string } {
  const id = `<${randomBytes(12).toString('hex')}@mandat-doctor.invalid>`;
  const head = [
    `From: <${from}>`,
    `To: <${to}>`,
    'Subject: mandat doctor',
    `Message-ID: ${id}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
  ];
  return {
    id,
    message: [
      ...head,
      'Auto-Submitted: auto-generated',
      '',
      'mandat doctor tries whether mail arrives. It takes this message away again.',
    ].join('\r\n'),
  };
}

/** Looks for it in the INBOX, and takes it out. */
async function arrived(subject: Subject, to: string, id: string, what: string): Promise<Finding> {
  const [login = to] = await subject.logins();
  const began = performance.now();
  const connection = await subject.openAs(login);
  try {
    must(await connection.run('SELECT', [text(INBOX)]), `open the INBOX of ${login}`);
    for (;;) {
      const uid = await find(connection, id);
      if (uid !== undefined) {
        const ms = Math.round(performance.now() - began);
        const removed = await remove(connection, uid);
        return removed
          ? ok(`a message ${what} was in the INBOX of ${to} after ${ms} ms, and was taken away again`)
          : warn(
              `a message ${what} arrived, and can't be taken away (no UIDPLUS)`,
              `delete "mandat doctor" in the INBOX of ${to}`,
            );
      }
      if (performance.now() - began > ARRIVES_MS) {
        return fail(
          `a message ${what} was taken, and was not in the INBOX of ${to} within ${ARRIVES_MS / 1000} s`,
          'mailq, and the logs of Postfix and Dovecot; a filter of the mailbox may have moved it: it is called "mandat doctor"',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      must(await connection.run('NOOP', []), `look at the INBOX of ${login}`);
    }
  } finally {
    connection.close();
  }
}

async function find(connection: Connection, id: string): Promise<string | undefined> {
  const criteria = [atom('HEADER'), atom('Message-ID'), text(id)];
  const [hits] = must(await connection.run('UID SEARCH', criteria, 'SEARCH'), 'search the INBOX');
  return hits?.values.map(String)[0];
}

async function remove(connection: Connection, uid: string): Promise<boolean> {
  if (!connection.has('UIDPLUS')) return false;
  must(await connection.run('UID STORE', [atom(uid), atom('+FLAGS.SILENT'), [atom('\\Deleted')]]), 'mark the message');
  must(await connection.run('UID EXPUNGE', [atom(uid)]), 'take the message away');
  return true;
}
