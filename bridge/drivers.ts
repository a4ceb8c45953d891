/** The drivers that talk to servers, as the configuration names them, ready to use. Secrets are read here, from files or the environment, and stay here. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import { DOVEADM_API_KEY, IMAP_ADMIN_PASSWORD, readSecret } from '../config/secret.ts';
import { Failure } from './failure.ts';
import { dovecotServer } from './imap/dovecot.ts';
import { openAs } from './imap/impersonation.ts';
import type { MailServer, SessionCutter } from './reconcile/mail-server.ts';
import { doveadmCutter } from './sessions/doveadm.ts';
import { MAIN_SERVER } from './store/rows.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export function mailServer({ imap }: Config, env: Environment): MailServer {
  const endpoint = {
    host: imap.host,
    port: imap.port,
    tls: imap.tls,
    ca: imap.caFile === undefined ? undefined : readAuthority(imap.caFile),
    serverName: imap.serverName,
    timeoutMs: imap.timeoutSeconds * 1000,
  };
  const by = {
    kind: imap.impersonate,
    adminUser: imap.adminUser,
    adminPassword: readSecret({ ...IMAP_ADMIN_PASSWORD, file: imap.adminPasswordFile, env }),
    separator: imap.masterSeparator,
  };
  return dovecotServer(MAIN_SERVER, imap.adminUser, (login) => openAs(endpoint, by, login));
}

/** Undefined without `[sessions]`. */
export function sessionCutter({ sessions, imap }: Config, env: Environment): SessionCutter | undefined {
  if (sessions === undefined) return undefined;
  const apiKey = readSecret({ ...DOVEADM_API_KEY, file: sessions.apiKeyFile, env });
  return doveadmCutter({ url: sessions.url, apiKey, timeoutMs: imap.timeoutSeconds * 1000 });
}

function readAuthority(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure('config', `imap.ca_file can't be read: ${file}`, 'check the path and the rights on it', {
      cause: error,
    });
  }
}
