/** mandat's own configuration and secrets, as setup writes them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'smol-toml';
import { fragment } from '../shared/shipped-files.ts';
import type { Answers } from './answers.ts';
import type { Change, Owner } from './change.ts';
import { databaseKeys, serverSection } from './database.ts';
import type { Ports, Secrets } from './dovecot-changes.ts';
import { certificateOf, type DovecotSite } from './dovecot-site.ts';

const HEADER = `# Written by "mandat setup". What is left out keeps its default: config/mandat.toml of mandat has every key with its meaning.

`;

export interface OwnFiles {
  readonly configFile: string;
  readonly answers: Answers;
  readonly site: DovecotSite;
  readonly secrets: Secrets;
  readonly ports: Ports;
  /** Whether sender rules are published for Postfix. */
  readonly sending: boolean;
  /** Who runs the sidecar. */
  readonly runner: Owner;
}

export function ownFiles({ configFile, answers, site, secrets, ports, sending, runner }: OwnFiles): readonly Change[] {
  const certificate = site.tls === 'none' ? undefined : certificateOf(site.certificate);
  const authority = join(dirname(configFile), 'imap-ca.pem');
  const document = {
    data_dir: answers.data_dir,
    ...databaseKeys(answers),
    ...serverSection(answers),
    identity: { scheme: answers.scheme },
    imap: {
      host: '127.0.0.1',
      port: site.imapPort,
      tls: site.tls,
      ...(certificate === undefined ? {} : { server_name: certificate.name }),
      ...(certificate?.selfSigned === true ? { ca_file: authority } : {}),
      admin_user: 'bridge',
      admin_password_file: 'imap.secret',
    },
    sessions: { url: `http://127.0.0.1:${ports.doveadm}/doveadm/v1`, api_key_file: 'doveadm.secret' },
    ...(ports.events === undefined
      ? {}
      : { events: { listen: `127.0.0.1:${ports.events}`, password_file: 'events.secret' } }),
    ...(sending ? { sender_rules: {} } : {}),
  };
  const secret = (name: string, text: string): Change => ({
    file: join(dirname(configFile), name),
    after: `${text}\n`,
    mode: 0o600,
    owner: runner,
    secret: true,
  });
  return [
    { file: configFile, after: HEADER + stringify(document), mode: 0o640, owner: { uid: 0, gid: runner.gid } },
    secret('imap.secret', secrets.master),
    secret('doveadm.secret', secrets.apiKey),
    ...(ports.events === undefined ? [] : [secret('events.secret', secrets.events)]),
    // A certificate that nobody signed is its own authority.
    ...(certificate?.selfSigned === true && site.certificate !== undefined
      ? [{ file: authority, after: readFileSync(site.certificate, 'utf8'), mode: 0o644 }]
      : []),
  ];
}

/** Whether a configuration is the one that the Debian package puts there, which nobody has changed yet. */
export const asInstalled = (file: string): boolean => readFileSync(file, 'utf8') === fragment('debian/mandat.toml');

/** Whether the Debian package has brought a unit already that runs it so. */
export function packagedUnit(configFile: string, { user, data_dir }: Answers): boolean {
  return (
    existsSync('/usr/lib/systemd/system/mandat.service') &&
    configFile === '/etc/mandat/mandat.toml' &&
    data_dir === '/var/lib/mandat' &&
    user === 'mandat'
  );
}

/** The systemd unit for where the program and its configuration are. `program`: node, and the program. */
export function unit(configFile: string, user: string, program: readonly string[]): Change {
  return {
    file: '/etc/systemd/system/mandat.service',
    after: fragment('systemd/mandat.service', {
      '/usr/bin/node /opt/mandat/dist/cli/main.js --config /etc/mandat/mandat.toml': `${program.join(' ')} --config ${configFile}`,
      '.secret:/etc/mandat/': `.secret:${dirname(configFile)}/`,
      'User=mandat\n': `User=${user}\n`,
    }),
  };
}
