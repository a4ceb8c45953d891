/** What Dovecot needs, as files: first the way in, which changes nothing for anybody; then sharing, which does. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENTS_PATH, EVENTS_USER } from '../events/endpoint.ts';
import { fragment } from '../shared/shipped-files.ts';
import type { Change, Owner, Place } from './change.ts';
import type { DovecotSite } from './dovecot-site.ts';

export interface Secrets {
  /** Of the master user, and of doveadm's HTTP API. */
  readonly master: string;
  readonly apiKey: string;
  /** Of the events that Dovecot posts. */
  readonly events: string;
}

/** Letters and digits only: they stand in configuration files. */
export const newSecret = (): string => randomBytes(24).toString('hex');

/** Dovecot's own scheme for a salted SHA-512; the password is 192 random bits, so that no slow hash is needed. */
export function hashed(password: string, salt = randomBytes(16)): string {
  const digest = createHash('sha512').update(password).update(salt).digest();
  return `{SSHA512}${Buffer.concat([digest, salt]).toString('base64')}`;
}

const MARK = '# mandat: mailbox delegation ("mandat setup", docs/install.md of mandat)';

/** `!include` lines at the end of dovecot.conf, each once. */
export function included(text: string, names: readonly string[]): string {
  const lines = names.map((name) => `!include mandat/${name}`).filter((line) => !text.split('\n').includes(line));
  if (lines.length === 0) return text;
  const mark = text.includes(MARK) ? [] : ['', MARK];
  return `${text.replace(/\n*$/, '\n')}${[...mark, ...lines].join('\n')}\n`;
}

export interface Ports {
  readonly doveadm: number;
  /** Undefined: no events. */
  readonly events: number | undefined;
}

/** The master user, the way to end sessions, and the events where they are wanted. */
export function wayIn(site: DovecotSite, secrets: Secrets, ports: Ports, dovecot: Owner): readonly Change[] {
  const { directory, file } = site;
  const events = ports.events === undefined ? [] : eventsOf(site, secrets, ports.events);
  const master = join(directory, 'master.passwd');
  return [
    {
      file: join(directory, 'master-user.conf'),
      after: fragment(`dovecot/${site.version}/master-user.conf`, { '/etc/dovecot/mandat/master.passwd': master }),
    },
    {
      file: master,
      after: `imap/bridge:${hashed(secrets.master)}::::::allow_nets=127.0.0.0/8,::1/128\n`,
      mode: 0o640,
      owner: { uid: 0, gid: dovecot.gid },
      secret: true,
    },
    {
      file: join(directory, 'sessions.conf'),
      after: fragment(`dovecot/${site.version}/sessions.conf`, { 'port = 8080': `port = ${ports.doveadm}` }),
    },
    {
      file: join(directory, 'api-key.conf'),
      after: `doveadm_api_key = ${secrets.apiKey}\n`,
      mode: 0o600,
      secret: true,
    },
    ...events,
    {
      file,
      after: included(readFileSync(file, 'utf8'), [
        'master-user.conf',
        'sessions.conf',
        ...(events.length === 0 ? [] : ['events.conf']),
      ]),
    },
  ];
}

/** The address holds a password, and so has a file of its own. */
function eventsOf({ directory, version }: DovecotSite, { events }: Secrets, port: number): readonly Change[] {
  const key = version === '2.3' ? 'transport_args' : 'http_post_url';
  return [
    { file: join(directory, 'events.conf'), after: fragment(`dovecot/${version}/events.conf`) },
    {
      file: join(directory, 'events-url.conf'),
      after: `event_exporter mandat {\n  ${key} = http://${EVENTS_USER}:${events}@127.0.0.1:${port}${EVENTS_PATH}\n}\n`,
      mode: 0o600,
      secret: true,
    },
  ];
}

export interface Sharing {
  /** What delegates read above delegated mailboxes, without the separator at its end. */
  readonly prefix: string;
  readonly inherit: boolean;
}

/** The only separator that works: an address has dots. */
export const SEPARATOR = '/';

/** Where the list of who shares with whom is kept, by Dovecot itself. */
export const sharedPlace = (site: DovecotSite, mail: Owner): Place => ({
  directory: join(site.stateDirectory, 'mandat'),
  mode: 0o750,
  owner: mail,
});

export function sharing(site: DovecotSite, { prefix, inherit }: Sharing, text = textOf(site.file)): readonly Change[] {
  const { directory, file, version, storage } = site;
  const conf = fragment(`dovecot/${version}/mandat.conf`, {
    ...storage.inShared(),
    [`  prefix = shared/${storage.owner}/\n`]: `  prefix = ${prefix}${SEPARATOR}${storage.owner}${SEPARATOR}\n`,
    '/var/lib/dovecot/mandat/shared-mailboxes.db': join(site.stateDirectory, 'mandat/shared-mailboxes.db'),
  });
  const separators = site.separator === SEPARATOR ? [] : ['separator.conf'];
  const names = [...separators, 'mandat.conf', ...(inherit ? ['inherit.conf'] : [])];
  return [
    ...separators.map((name) => ({ file: join(directory, name), after: separatorConf(site.inbox) })),
    { file: join(directory, 'mandat.conf'), after: conf },
    ...(inherit ? [{ file: join(directory, 'inherit.conf'), after: fragment(`dovecot/${version}/inherit.conf`) }] : []),
    { file, after: included(text, names) },
  ];
}

function separatorConf(inbox: string): string {
  return `# The separator of this site's own namespace, which Dovecot wants to be that of the shared one. A dot would not do: the names of
# delegated mailboxes hold their owners' addresses, which have dots. How folders are stored does not change by it.
namespace ${inbox === '' ? 'inbox' : inbox} {
  separator = ${SEPARATOR}
}
`;
}

const textOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '');
