/** What mail clients read to set themselves up: Thunderbird's autoconfig, Apple's configuration profile. No password stands in either. */
import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import type { Config } from '../../../../config/schema.ts';

type Section = NonNullable<Config['mailClient']>;

export type MailClient = Omit<Section, 'servers'> & Readonly<Record<'domain' | 'imapHost' | 'smtpHost', string>>;

/** How the mailboxes of that mail server are reached; without one, those of the site. Undefined where the site names no servers. */
export function serversOf({ mailClient }: Pick<Config, 'mailClient'>, server?: string): MailClient | undefined {
  if (mailClient === undefined) return undefined;
  const { servers, ...all } = mailClient;
  const own = server !== undefined && Object.hasOwn(servers, server) ? servers[server] : undefined;
  const given = Object.entries(own ?? {}).filter(([, value]) => value !== undefined);
  const { imapHost, smtpHost, domain, ...rest }: Omit<Section, 'servers'> = { ...all, ...Object.fromEntries(given) };
  if (imapHost === undefined || smtpHost === undefined) return undefined;
  // A profile for another server stands beside the first, and takes the place of none.
  return { ...rest, imapHost, smtpHost, domain: own?.imapHost ?? domain ?? imapHost };
}

/** Mozilla's config-file format 1.1. What a client puts in for the address of whoever asks is said in its own words. */
export function autoconfig({ domain, imapHost, imapPort, imapTls, smtpHost, smtpPort, smtpTls }: MailClient): string {
  const server = (tag: string, type: string, host: string, port: number, tls: MailClient['imapTls']) =>
    `    <${tag} type="${type}">
      <hostname>${xml(host)}</hostname>
      <port>${port}</port>
      <socketType>${tls === 'implicit' ? 'SSL' : 'STARTTLS'}</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </${tag}>`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="${xml(domain)}">
    <domain>${xml(domain)}</domain>
    <displayName>${xml(domain)}</displayName>
${server('incomingServer', 'imap', imapHost, imapPort, imapTls)}
${server('outgoingServer', 'smtp', smtpHost, smtpPort, smtpTls)}
  </emailProvider>
</clientConfig>
`;
}

/** A com.apple.mail.managed payload. The same mailbox has the same identifiers, so that a second profile replaces the first. */
export function appleProfile(servers: MailClient, login: string, name: string): string {
  const { domain, imapHost, imapPort, imapTls, smtpHost, smtpPort, smtpTls } = servers;
  const text = (key: string, value: string) => `<key>${key}</key><string>${xml(value)}</string>`;
  const flag = (key: string, value: boolean) => `<key>${key}</key><${value}/>`;
  const ports = (way: 'Incoming' | 'Outgoing', host: string, port: number, tls: MailClient['imapTls']) =>
    `${text(`${way}MailServerHostName`, host)}<key>${way}MailServerPortNumber</key><integer>${port}</integer>${flag(`${way}MailServerUseSSL`, tls === 'implicit')}${text(`${way}MailServerAuthentication`, 'EmailAuthPassword')}${text(`${way}MailServerUsername`, login)}`;
  const id = (part: string) => `${domain}.mandat.${part}`;
  const common = (part: string) =>
    `${text('PayloadIdentifier', id(part))}${text('PayloadUUID', uuidOf(`${id(part)} ${login}`))}<key>PayloadVersion</key><integer>1</integer>${text('PayloadDisplayName', name)}`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>${text('PayloadType', 'Configuration')}${common('profile')}
<key>PayloadContent</key><array><dict>${text('PayloadType', 'com.apple.mail.managed')}${common('mail')}${text('EmailAccountType', 'EmailTypeIMAP')}${text('EmailAddress', login)}
${ports('Incoming', imapHost, imapPort, imapTls)}
${ports('Outgoing', smtpHost, smtpPort, smtpTls)}
${flag('OutgoingPasswordSameAsIncomingPassword', true)}</dict></array></dict></plist>
`;
}

const xml = (text: string) => html`${text}`.toString();

/** RFC 9562 version 8: of a name, by SHA-256. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
