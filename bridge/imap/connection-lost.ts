/** Why there is no connection (any more), in words that say what to do. */
import { Failure } from '../shared/failure.ts';
import type { Endpoint } from './endpoint.ts';

export function lost(error: unknown, { host, port }: Endpoint): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  return new Failure(
    'retry',
    `the IMAP server at ${host}:${port} ended the connection (${reason})`,
    'it will be tried again',
    {
      cause: error,
    },
  );
}

/** One that we ended, because there was no end to what the server said. */
export function endless(reason: string, { host, port }: Endpoint): Failure {
  return new Failure(
    'retry',
    `the IMAP server at ${host}:${port} ${reason}: mandat ended the connection`,
    'is it the right server, and sound? Its log may say more; it will be tried again',
  );
}

/** One that we ended, because the server said nothing about a command for so long. */
export function silent(command: string, ms: number, { host, port }: Endpoint): Failure {
  return new Failure(
    'retry',
    `the IMAP server at ${host}:${port} has not answered ${command} for ${ms / 1000} s, and mandat waited no longer`,
    'is it overloaded, or is this the first time that it opens a large mailbox (folders without an index)? It will be tried again; imap.timeout_seconds says how long is waited',
  );
}

/** One that we ended, because answers came in another order than the questions. */
export function outOfTurn(error: unknown, { host, port }: Endpoint): Failure {
  return new Failure(
    'retry',
    `the IMAP server at ${host}:${port} answered questions in another order than they were asked in: mandat ended the connection`,
    'from now on it is asked one question at a time; it will be tried again',
    { cause: error },
  );
}

/** Why a connection couldn't be had, with the remedy. An AuthenticationFailure keeps the server's words. */
export function connectFailure(error: unknown, endpoint: Endpoint): Failure {
  const where = `the IMAP server at ${endpoint.host}:${endpoint.port}`;
  const { code, message, authenticationFailed, responseText, serverResponseCode } = error as {
    code?: string;
    message: string;
    authenticationFailed?: boolean;
    responseText?: string;
    serverResponseCode?: string;
  };
  const cause = { cause: error };
  if (authenticationFailed === true) {
    // The text comes without its response code (RFC 5530), which is what tells why.
    const said =
      `${serverResponseCode === undefined ? '' : `[${serverResponseCode}] `}${responseText ?? message}`.slice(0, 500);
    if (/userip/i.test(said)) return tooManySessions(where, said, cause);
    if (PASSING.includes(serverResponseCode ?? '')) {
      return new Failure('retry', `${where} takes no login now: ${said}`, 'the server log says more', cause);
    }
    return new Failure('config', `${where} refused the login: ${said}`, '', { ...cause, rule: 'LOGIN_REFUSED' });
  }
  if (
    code?.startsWith('ERR_TLS_') ||
    /certificate|self.signed|altnames/i.test(message) ||
    CERTIFICATE.test(code ?? '')
  ) {
    return new Failure(
      'config',
      `the certificate of ${where} is not accepted: ${message}`,
      'set imap.ca_file to the authority that signed it, or imap.server_name to the name it was made for',
      cause,
    );
  }
  if (/STARTTLS|TLS/i.test(message) && endpoint.tls !== 'none') {
    return new Failure(
      'config',
      `${where} offers no TLS as configured: ${message}`,
      `check imap.tls ("${endpoint.tls}") and imap.port`,
      cause,
    );
  }
  if (endpoint.localAddress !== undefined && (code === 'EADDRNOTAVAIL' || code === 'EINVAL')) {
    return new Failure(
      'config',
      `${where} can't be reached from ${endpoint.localAddress} (imap.local_address): ${code}`,
      'imap.local_address is an address of this machine, of the same kind (IPv4, IPv6) as that of imap.host',
      cause,
    );
  }
  return new Failure(
    'retry',
    `${where} can't be reached: ${code ?? message}`,
    'check imap.host and imap.port, and that the server runs',
    cause,
  );
}

/** Dovecot counts the sessions of a login from one address: a webmail on the same machine shares ours. */
function tooManySessions(where: string, said: string, cause: { readonly cause: unknown }): Failure {
  return new Failure(
    'retry',
    `${where} takes no login now: ${said}`,
    'mail_max_userip_connections counts the sessions of a login from one address, those of a webmail on this machine with ours: imap.local_address gives mandat an address of its own (127.0.0.2), or set it higher',
    { ...cause, rule: 'TOO_MANY_SESSIONS' },
  );
}

/** Response codes of a refusal that passes by itself. RFC 5530 section 3. */
const PASSING = ['UNAVAILABLE', 'INUSE', 'LIMIT', 'SERVERBUG'];

const CERTIFICATE = /^(CERT_|DEPTH_ZERO|UNABLE_TO_|SELF_SIGNED|HOSTNAME_MISMATCH|ERR_SSL)/;
