import { chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type LabUser, writeAccounts } from './accounts.ts';
import { type DovecotSite, dovecotConf } from './dovecot-config.ts';
import { SYNTAXES } from './dovecot-syntax.ts';
import { readFragment } from './fragment.ts';
import { run } from './run.ts';
import { type Server, server } from './server.ts';
import { systemGroup, systemUser } from './system-ids.ts';

export interface DovecotSecrets {
  readonly masterUser: string;
  readonly masterPassword: string;
  readonly apiKey: string;
}

/** Writes all that a private Dovecot needs below site.directory. Done once; starting and stopping come after. */
export async function installDovecot(
  site: DovecotSite,
  users: readonly LabUser[],
  secrets: DovecotSecrets,
): Promise<void> {
  const { directory, mailDirectory } = site;
  const mandat = path.join(directory, 'mandat');
  const shared = path.join(directory, 'shared');
  const mail = systemUser('mail');
  for (const made of [mandat, mailDirectory, shared]) await mkdir(made, { recursive: true, mode: 0o755 });
  for (const made of [mailDirectory, shared]) await chown(made, mail.uid, mail.gid);

  const { sharedLocation, sharedPrefix } = SYNTAXES[site.version];
  const install = (name: string, moved: Readonly<Record<string, string>> = {}) =>
    installFragment(mandat, name, `dovecot/${site.version}/${name}`, moved);
  await install('mandat.conf', {
    '/var/lib/dovecot/mandat': shared,
    // The line that every site has to look at: its own mail_location, with the owner's home.
    ...sharedLocation(site.storage),
    ...sharedPrefix(site.sharedPrefix).namespace,
  });
  if (site.shares !== undefined) await install('shares.conf', { '/run/mandat-shares/dict': site.shares });
  await install('inherit.conf');
  await install('master-user.conf', { '/etc/dovecot/mandat': mandat });
  await install('sessions.conf');
  if (site.keepDeleted) {
    await install('keep-deleted.conf', { '/etc/dovecot/mandat': mandat, ...sharedPrefix(site.sharedPrefix).deleted });
    const script = 'keep-deleted.sieve';
    await installFragment(mandat, script, `dovecot/${script}`, { '"shared/"': `"${site.sharedPrefix}"` });
  }
  await writeFile(path.join(mandat, 'api-key.conf'), `doveadm_api_key = ${secrets.apiKey}\n`, { mode: 0o600 });

  const dovecot = systemGroup('dovecot');
  const master = `imap/${secrets.masterUser}:{PLAIN}${secrets.masterPassword}::::::allow_nets=127.0.0.0/8,::1/128\n`;
  await writeFile(path.join(mandat, 'master.passwd'), master, { mode: 0o640 });
  await chown(path.join(mandat, 'master.passwd'), 0, dovecot);
  await writeAccounts(accountsFile(directory), users, dovecot);

  await writeFile(path.join(directory, 'dovecot-lda.log'), '');
  await chown(path.join(directory, 'dovecot-lda.log'), mail.uid, mail.gid);
  const configuration = path.join(directory, 'dovecot.conf');
  await writeFile(configuration, dovecotConf(site), { mode: 0o644 });
  // As the script's header says; the compiler needs the whole configuration.
  if (site.keepDeleted) await run('sievec', ['-c', configuration, path.join(mandat, 'keep-deleted.sieve')]);
}

export function accountsFile(directory: string): string {
  return path.join(directory, 'users');
}

async function installFragment(
  into: string,
  name: string,
  fragment: string,
  moved: Readonly<Record<string, string>>,
): Promise<void> {
  await writeFile(path.join(into, name), await readFragment(fragment, moved), { mode: 0o644 });
}

export function dovecotServer({ directory, ports }: DovecotSite): Server {
  return server({
    name: 'dovecot',
    argv: ['/usr/sbin/dovecot', '-F', '-c', path.join(directory, 'dovecot.conf')],
    log: path.join(directory, 'dovecot.log'),
    pidFile: path.join(directory, 'run/master.pid'),
    ports: [
      { port: ports.imap, speaksFirst: true },
      { port: ports.doveadm, speaksFirst: false },
    ],
  });
}
