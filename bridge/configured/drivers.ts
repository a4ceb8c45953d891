/** The drivers that talk to servers, as the configuration names them, ready to use. Secrets are read here, from files or the environment, and stay here. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { SiteNames } from '../../acl/special-folders.ts';
import type { Config } from '../../config/schema.ts';
import type { DialectOf } from '../imap/dialect.ts';
import { dialectsBy, type Seen } from '../imap/dialects.ts';
import type { Endpoint } from '../imap/endpoint.ts';
import { type Impersonation, openAs } from '../imap/impersonation.ts';
import { type LoginGuard, openLoginGuard } from '../imap/login-guard.ts';
import { imapServer } from '../imap/mail-server.ts';
import { openHeadStart } from '../imap/prepared-connection.ts';
import { sentFolders } from '../imap/sent-copies.ts';
import type { MailServer, SessionCutter } from '../reconcile/driver-interfaces.ts';
import { commandCutter, type SessionCommands } from '../sessions/command.ts';
import { doveadmCutter } from '../sessions/doveadm.ts';
import type { DoveadmOptions } from '../sessions/doveadm-api.ts';
import { Failure } from '../shared/failure.ts';
import type { SentFolders } from '../submission/sent-folder.ts';
import { retryWaits } from './retrying.ts';
import { doveadmSecret, imapAdminSecret, keptSecret, stampOf } from './secrets.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** @param onSeen told which kind of server it is, as soon as it has answered */
export function mailServer(config: Config, env: Environment, onSeen?: (seen: Seen) => void): MailServer {
  const endpoint = imapEndpoint(config);
  const by = impersonation(config, env);
  const headStart = openHeadStart(endpoint);
  const guard = loginGuard(config, env);
  const open = (login: string) => guard.attempt(login, () => openAs(endpoint, by, login, headStart));
  return imapServer(config.server.name, dialectOf(config, onSeen), by.adminUser, open, {
    prepare: () => {
      headStart.prepare();
      guard.invite();
    },
    siteNames: siteNames(config),
    openNobody: (login) => openAs(endpoint, by, login), // expected to be refused: no sign of anything else
  });
}

function loginGuard(config: Config, env: Environment): LoginGuard {
  const { retryMinMs, stuckMs } = retryWaits(config);
  const secret = imapAdminSecret(config, env);
  return openLoginGuard({
    soonMs: retryMinMs * SOONER,
    laterMs: stuckMs * SOONER,
    stamp: () => stampOf(secret),
  });
}

/** What waits for so long finds the way free. */
const SOONER = 0.9;

/** Which kind of server it is, and so what it does its own way. */
export function dialectOf({ imap }: Config, onSeen?: (seen: Seen) => void): DialectOf {
  return dialectsBy({ server: imap.server, allowCarryingOff: imap.allowCarryingOff }, onSeen);
}

export function imapEndpoint({ imap }: Config): Endpoint {
  return {
    host: imap.host,
    port: imap.port,
    tls: imap.tls,
    ca: imap.caFile === undefined ? undefined : [...rootCertificates, readAuthority(imap.caFile)],
    serverName: imap.serverName,
    timeoutMs: imap.timeoutSeconds * 1000,
    localAddress: imap.localAddress,
  };
}

/** The password as it stands in its file at the time of each login. */
export function impersonation({ imap }: Config, env: Environment): Impersonation {
  const secret = keptSecret(imapAdminSecret({ imap }, env));
  return {
    kind: imap.impersonate,
    adminUser: imap.adminUser,
    get adminPassword() {
      return secret.read();
    },
    separator: imap.masterSeparator,
  };
}

/** Owners' folders for sent messages, by the special use or by one of these names. */
/** How special folders may be called here, beside the usual names (acl/usual-names.ts). */
export function siteNames({ submission }: Config): SiteNames {
  return submission === undefined ? {} : { sent: submission.sentFolders.split(',').map((name) => name.trim()) };
}

export function sentFoldersOf(config: Config, env: Environment): SentFolders {
  const endpoint = imapEndpoint(config);
  const by = impersonation(config, env);
  const guard = loginGuard(config, env);
  const open = (login: string) => guard.attempt(login, () => openAs(endpoint, by, login));
  return sentFolders(dialectOf(config), by.adminUser, open, siteNames(config));
}

/** Undefined without `[sessions]`. */
export function sessionCutter(config: Config, env: Environment): SessionCutter | undefined {
  const commands = sessionCommands(config);
  if (commands !== undefined) return commandCutter(commands);
  const options = doveadm(config, env);
  return options === undefined ? undefined : doveadmCutter(options);
}

/** Undefined where sessions are not ended by commands. */
export function sessionCommands({ sessions }: Config): SessionCommands | undefined {
  if (sessions?.kind !== 'command' || sessions.endCommand === undefined) return undefined;
  return { end: sessions.endCommand, list: sessions.listCommand, timeoutMs: sessions.timeoutSeconds * 1000 };
}

/** Undefined where sessions are not ended through it. */
export function doveadm({ sessions, imap }: Config, env: Environment): DoveadmOptions | undefined {
  if (sessions?.kind !== 'doveadm-http') return undefined;
  const secret = keptSecret(doveadmSecret(sessions, env));
  return {
    url: sessions.url,
    get apiKey() {
      return secret.read();
    },
    timeoutMs: imap.timeoutSeconds * 1000,
  };
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
