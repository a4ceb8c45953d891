/** The way into an owner's mailbox: the server, its certificate, the master user. */
import { imapEndpoint } from '../configured/drivers.ts';
import type { Impersonation } from '../imap/impersonation.ts';
import { failureOf } from '../shared/failure.ts';
import { fragmentOf } from './dovecot-syntax.ts';
import type { Subject } from './examined-site.ts';
import { imapPassword } from './files.ts';
import { type Check, type Finding, fail, ok, skipped, warn } from './finding.ts';
import { openWire, type Wire } from './line-session.ts';

export const imapServer: Check = {
  name: 'IMAP server',
  needs: [],
  look: async ({ config: { imap } }) => {
    const remedy = 'check imap.host, imap.port and imap.tls, and that the server runs';
    let wire: Wire | undefined;
    try {
      wire = await openWire(imap, imap.timeoutSeconds * 1000);
      if (imap.tls === 'implicit') return ok(`${imap.host}:${imap.port} accepts connections`);
      const [greeting = ''] = await wire.lines(() => true);
      if (/^\* (OK|PREAUTH)/i.test(greeting)) return ok(`${imap.host}:${imap.port} answers`);
      return fail(`${imap.host}:${imap.port} doesn't greet as an IMAP server: ${greeting}`, remedy);
    } catch (error) {
      return fail(failureOf(error).message, remedy);
    } finally {
      wire?.close();
    }
  },
};

const DAY_MS = 86_400_000;
const SOON_DAYS = 30;

export const tls: Check = {
  name: 'TLS',
  needs: [imapServer],
  look: async ({ config, now }) => {
    const { imap } = config;
    if (imap.tls === 'none') return ok('none; the configuration allows that to a loopback address only');
    const endpoint = imapEndpoint(config);
    const wire = await openWire(imap, imap.timeoutSeconds * 1000);
    try {
      if (imap.tls === 'starttls') {
        await wire.lines(() => true);
        wire.send('d1 STARTTLS');
        const answer = (await wire.lines((line) => line.startsWith('d1 '))).at(-1) ?? '';
        if (!/^d1 OK/i.test(answer)) {
          return fail(
            `the server offers no STARTTLS: ${answer}`,
            'ssl = yes in Dovecot, or imap.tls = "implicit" and its port',
          );
        }
      }
      const { problem, until } = await wire.secure(endpoint);
      const day = until.toISOString().slice(0, 10);
      if (problem !== undefined) {
        return fail(
          `the certificate is not accepted: ${problem}`,
          'renew it, or set imap.ca_file to the authority that signed it, imap.server_name to the name it was made for',
        );
      }
      const days = Math.floor((until.getTime() - now().getTime()) / DAY_MS);
      if (days < SOON_DAYS) return warn(`the certificate ends in ${days} days, on ${day}`, 'renew it');
      return ok(`${imap.tls}, the certificate is accepted, until ${day}`);
    } finally {
      wire.close();
    }
  },
};

export const adminLogin: Check = {
  name: 'admin login',
  needs: [imapPassword, tls],
  look: async (subject) => {
    const { kind, adminUser } = subject.by();
    try {
      const opened = await subject.opened();
      if (opened === undefined) return ok(`${adminUser} is accepted (${kind})`);
      return ok(`${adminUser} is logged in as ${opened.login} (${kind})`);
    } catch (error) {
      return withOtherWay(subject, error, failureOf(error).hint);
    }
  },
};

/** A refusal, and whether the other form of impersonation would have worked. */
export async function withOtherWay(subject: Subject, error: unknown, remedy: string): Promise<Finding> {
  const { message, code } = failureOf(error);
  const by = subject.by();
  const other: Impersonation = { ...by, kind: by.kind === 'authzid' ? 'suffix' : 'authzid' };
  const [login] = await subject.logins();
  if (code === 'retry' || login === undefined || !(await proves(subject, login, other))) return fail(message, remedy);
  return fail(message, `imap.impersonate = "${other.kind}": that way it works`);
}

async function proves(subject: Subject, login: string, by: Impersonation): Promise<boolean> {
  try {
    const view = await subject.prove({ login, connection: await subject.openAs(login, by) });
    view.close();
    return true;
  } catch {
    return false;
  }
}

export const NOBODY = 'no registered mailbox has an account on the server: give --probe MAILBOX';

export const aclCapability: Check = {
  name: 'ACL',
  needs: [adminLogin],
  look: async (subject) => {
    const opened = await subject.opened();
    if (opened === undefined) return skipped(NOBODY);
    if (opened.connection.has('ACL')) return ok('the server offers ACL (RFC 4314)');
    return fail(
      'the server offers no ACL (RFC 4314)',
      `mail_plugins: acl, and in protocol imap imap_acl as well: ${fragmentOf((await subject.dovecot())?.syntax, 'mandat.conf')}`,
    );
  },
};
