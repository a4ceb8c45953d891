/** Logging in as somebody else: the master user's password, that somebody's mailbox. R28 does not apply: no human acts here. */
import { Failure, failureOf } from '../shared/failure.ts';
import { type Connection, type Credentials, connect } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import type { HeadStart } from './prepared-connection.ts';

export interface Impersonation {
  readonly kind: 'authzid' | 'suffix';
  readonly adminUser: string;
  readonly adminPassword: string;
  /** Between owner and master in `owner*master`; for `suffix`. */
  readonly separator: string;
}

export async function openAs(
  endpoint: Endpoint,
  by: Impersonation,
  login: string,
  headStart?: HeadStart,
): Promise<Connection> {
  try {
    return await connect(endpoint, credentials(by, login), headStart?.take());
  } catch (error) {
    throw explained(failureOf(error), by, login);
  }
}

function credentials({ kind, adminUser, adminPassword, separator }: Impersonation, login: string): Credentials {
  return kind === 'authzid'
    ? { user: adminUser, pass: adminPassword, authzid: login }
    : { user: `${login}${separator}${adminUser}`, pass: adminPassword };
}

/** Dovecot answers AUTHORIZATIONFAILED when the master is right and the user unknown, AUTHENTICATIONFAILED otherwise. */
function explained(failure: Failure, by: Impersonation, login: string): Failure {
  if (failure.rule !== 'LOGIN_REFUSED') return failure;
  if (failure.message.includes('[AUTHORIZATIONFAILED]')) {
    return new Failure(
      'absent',
      `the IMAP server has no account ${login}`,
      'create the account there ("mandat sync" then tries at once), or correct the login with "mandat mailbox set" or "mandat delegate set"',
      { cause: failure, rule: 'NO_ACCOUNT' },
    );
  }
  const said = failure.message.replace(/^.*refused the login: /, '');
  if (ABOUT_THE_ACCOUNT.some((code) => said.startsWith(`[${code}]`))) {
    return new Failure(
      'config',
      `the IMAP server lets nobody into the account ${login}: ${said}`,
      'open the account there again, or take its delegations back',
      { cause: failure, rule: 'ACCOUNT_CLOSED' },
    );
  }
  return new Failure(
    'config',
    `the IMAP server refused to log ${by.adminUser} in as ${login} (${by.kind}): ${said}`,
    'check imap.admin_user, its password, imap.impersonate, and the master passdb of master-user.conf of config/dovecot/, whose allow_nets must have the address that mandat comes from; on Cyrus, that it is among the proxyservers of imapd.conf (config/cyrus/)',
    { cause: failure, rule: 'LOGIN_REFUSED' },
  );
}

/** Codes of a refusal that is about the account, not about who logs in. RFC 5530 section 3. */
const ABOUT_THE_ACCOUNT = ['CONTACTADMIN', 'EXPIRED'];
