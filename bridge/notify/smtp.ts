/** The SMTP server that takes the notices, through nodemailer: one connection, and nobody else knows of it. */
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import nodemailer from 'nodemailer';
import type { Config } from '../../config/schema.ts';
import { readSecret, SMTP_PASSWORD } from '../../config/secret.ts';
import type { Environment } from '../configured/drivers.ts';
import { Failure } from '../shared/failure.ts';
import type { Letter } from './letter.ts';
import { boundedSocket } from './smtp-socket.ts';

export type SmtpSettings = NonNullable<Config['notices']>;

/** Why a letter wasn't taken, and whom that concerns. */
export class NotTaken extends Failure {
  /** final: refused, for good. letter: this one, for now. server: nothing can be sent now. */
  readonly scope: 'final' | 'letter' | 'server';

  constructor(scope: NotTaken['scope'], code: Failure['code'], message: string, hint: string) {
    super(code, message, hint);
    this.scope = scope;
  }
}

export interface MailServerForNotices {
  /** Resolves when the server has taken it. Throws {@link NotTaken}; an answer that was lost counts as not taken. */
  send(letter: Letter): Promise<void>;
  /** Connects, says EHLO, secures, logs in. Sends nothing. */
  answers(): Promise<void>;
  close(): void;
  /** Ends a delivery in hand too. */
  abandon(): void;
}

const CONNECT_MS = 20_000;
/** RFC 5321 section 4.5.3.2.6 grants the final dot ten minutes. */
const ANSWER_MS = 600_000;
/** Of a whole connection: the letters of one round. */
const WHOLE_MS = 1_800_000;

/** Reads the secret now, and keeps it for as long as this is open. Throws ConfigError where it can't. */
export function openSmtp(settings: SmtpSettings, env: Environment): MailServerForNotices {
  const { host, port, tls, caFile, serverName, user, passwordFile } = settings;
  const auth =
    user === undefined ? undefined : { user, pass: readSecret({ ...SMTP_PASSWORD, file: passwordFile, env }) };
  const transport = nodemailer.createTransport({
    pool: true,
    maxConnections: 1,
    // A message whose answer was lost is ours to send again, under our rules.
    maxRequeues: 0,
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(auth === undefined ? {} : { auth }),
    tls: {
      minVersion: 'TLSv1.2',
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(caFile === undefined ? {} : { ca: [...rootCertificates, readFileSync(caFile, 'utf8')] }),
    },
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: ANSWER_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket: boundedSocket({ host, port }, CONNECT_MS, WHOLE_MS),
  } as Parameters<typeof nodemailer.createTransport>[0]);
  const where = `${host}:${port}`;
  return {
    send: async ({ from, to, messageId, language, subject, text, html, trail }) => {
      try {
        await transport.sendMail({
          from: { name: '', address: from },
          to: { name: '', address: to },
          envelope: { from, to: [to] },
          messageId,
          subject,
          text,
          html,
          xMailer: false,
          headers: {
            'Auto-Submitted': 'auto-generated', // RFC 3834 section 5
            'X-Auto-Response-Suppress': 'All',
            'Content-Language': language,
            ...(trail === undefined ? {} : { 'X-Mandat-Trail': trail }),
          },
        });
      } catch (error) {
        throw notTaken(error, where);
      }
    },
    answers: async () => {
      try {
        await transport.verify();
      } catch (error) {
        throw notTaken(error, where);
      }
    },
    close: () => transport.close(),
    abandon: () =>
      (transport.transporter as unknown as { close(options: { force: true }): void }).close({ force: true }),
  };
}

/** Commands that are about one message. */
const ABOUT_ONE = /^(MAIL FROM|RCPT TO|DATA|BDAT)/;

export function notTaken(error: unknown, where: string): NotTaken {
  const { code, command, responseCode, message } = error as {
    code?: string;
    command?: string;
    responseCode?: number;
    message?: string;
  };
  const said = withoutAddresses(message ?? String(error));
  const server = `the SMTP server at ${where}`;
  if (responseCode !== undefined && ABOUT_ONE.test(command ?? '')) {
    return responseCode >= 500
      ? new NotTaken(
          'final',
          'refused',
          `${server} refused it: ${said}`,
          'correct the address, then "mandat notices retry"',
        )
      : new NotTaken('letter', 'retry', `${server} doesn't take it now: ${said}`, 'it will be tried again');
  }
  if (code === 'EAUTH') {
    return new NotTaken(
      'server',
      'config',
      `${server} refused the login: ${said}`,
      'check notices.user and its password',
    );
  }
  if (code === 'ETLS' || /certificate|self.signed|altnames/i.test(said)) {
    return new NotTaken(
      'server',
      'config',
      `no TLS with ${server}: ${said}`,
      'check notices.tls and its port, or set notices.ca_file to the authority that signed its certificate, notices.server_name to the name it was made for',
    );
  }
  return new NotTaken(
    'server',
    'retry',
    `${server} can't be reached, or ended the connection: ${said}`,
    'check notices.host and notices.port, and that the server runs',
  );
}

/** Answers repeat the recipient; a contact address belongs neither into a log nor beside its notice. R42. */
export function withoutAddresses(said: string): string {
  return said
    .replace(/[^\s<>"'(),;:]+@[^\s<>"'(),;:]+/g, '(address)')
    .replace(/\s+/g, ' ')
    .slice(0, 300);
}
