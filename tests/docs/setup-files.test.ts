/** docs/reference/files-and-modes.md says what `mandat setup` writes: each file, its owner, group and mode. */
import path from 'node:path';
import t from 'tap';
import { SERVERS, SETTINGS } from '../../.ci/manual/words/places.ts';
import { answersOf } from '../../bridge/setup/answers.ts';
import type { Change, Owner } from '../../bridge/setup/change.ts';
import { sharedPlace, sharing, wayIn } from '../../bridge/setup/dovecot-changes.ts';
import type { DovecotSite } from '../../bridge/setup/dovecot-site.ts';
import { ownFiles, unit } from '../../bridge/setup/mandat-files.ts';
import { writeCertificate } from '../doctor/certificate.ts';

const RUNNER: Owner = { uid: 601, gid: 601 };
const DOVECOT: Owner = { uid: 602, gid: 602 };
const MAIL: Owner = { uid: 603, gid: 603 };
const NAMES: Readonly<Record<number, string>> = { 0: 'root', 601: 'mandat', 602: 'dovecot', 603: "the mail's" };

const bare = (one: { readonly path: string; readonly owner: string; readonly group: string; readonly mode: string }) =>
  `${one.path} ${one.owner}:${one.group} ${one.mode}`;

function written(file: string, mode: number | undefined, { uid, gid }: Owner = { uid: 0, gid: 0 }): string {
  return bare({ path: file, owner: NAMES[uid] ?? '?', group: NAMES[gid] ?? '?', mode: (mode ?? 0o644).toString(8) });
}

t.test('as setup writes them, on both Dovecots', async (t) => {
  const top = t.testdir({ dovecot: { 'dovecot.conf': '' }, mandat: {} });
  const certificate = path.join(top, 'own.pem');
  await writeCertificate({ certificate, key: path.join(top, 'own.key'), days: 30, names: 'DNS:imap.lab.test' });
  const file = path.join(top, 'dovecot/dovecot.conf');
  const answers = answersOf({ try_as: ['a@lab.test', 'b@lab.test'] });
  const ports = { doveadm: 8080, events: 8475 };
  const secrets = { master: 'x', apiKey: 'y', events: 'z' };
  const changes = (version: DovecotSite['version']): readonly Change[] => {
    const site: DovecotSite = {
      file,
      directory: path.join(top, 'dovecot/mandat'),
      version,
      storage: { shown: '', separator: '.', owner: version === '2.3' ? '%%u' : '$user', inShared: () => ({}) },
      inbox: 'inbox',
      separator: '.',
      stateDirectory: '/var/lib/dovecot',
      imapPort: 143,
      tls: 'starttls',
      certificate,
    };
    t.equal(
      written(sharedPlace(site, MAIL).directory, sharedPlace(site, MAIL).mode, MAIL),
      SERVERS.map(bare).find((one) => one.startsWith('/var/lib/dovecot/mandat ')),
    );
    const configFile = path.join(top, 'mandat/mandat.toml');
    const own = { configFile, answers, site, secrets, ports, sending: true, runner: RUNNER };
    return [
      ...wayIn(site, secrets, ports, DOVECOT),
      ...sharing(site, { prefix: 'shared', inherit: true }),
      ...ownFiles(own),
      unit(configFile, 'mandat', ['/usr/bin/node', '/opt/mandat/dist/cli/main.js']),
    ].filter((one) => one.file !== file);
  };
  const listed = [...SETTINGS, ...SERVERS]
    .filter(
      ({ kind, path: one }) =>
        kind === 'file' && !/^(?:\/etc\/postfix|FILE|CONFIG\/(?:smtp|database|oidc|NAME))/.test(one),
    )
    .map(bare)
    .sort();
  for (const version of ['2.3', '2.4'] as const) {
    const made = changes(version).map((one) => {
      const place = one.file
        .replace(path.join(top, 'dovecot'), '/etc/dovecot')
        .replace(path.join(top, 'mandat/'), 'CONFIG/');
      return written(place, one.mode, one.owner);
    });
    t.same([...new Set(made)].sort(), listed, version);
  }
});
