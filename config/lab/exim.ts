import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readFragment } from './fragment.ts';
import { inJail, makeJail } from './jail.ts';
import { type OtherServer, type OtherSite, ownedBy } from './other-server.ts';
import { server } from './server.ts';
import { systemGroup } from './system-ids.ts';

const GROUP = 'mail';
const EXIM = { uid: 64_103, gid: systemGroup(GROUP) };

/** Debian's Exim with the product's ACL. */
export async function installExim({ directory, port, users }: OtherSite): Promise<OtherServer> {
  const jail = path.join(directory, 'exim');
  await makeJail({
    directory: jail,
    packages: ['exim4-daemon-light', 'libidn12', 'libgnutls-dane0', 'libunbound8', 'libevent-2.1-7'],
    programs: ['usr/sbin/exim4'],
    accounts: { 'Debian-exim': EXIM },
  });
  // Not set-uid: the kernel would forget whose death it is to die with.
  await chmod(path.join(jail, 'usr/sbin/exim4'), 0o755);
  for (const name of ['var/spool/exim4', 'var/log/exim4']) await ownedBy(path.join(jail, name), EXIM, 0o750);
  await ownedBy(path.join(jail, 'etc/exim4'), { uid: 0, gid: 0 }, 0o755);
  await ownedBy(path.join(jail, 'etc/mandat'), { uid: 0, gid: EXIM.gid }, 0o750);
  const conf = `primary_hostname = mx.lab.test
daemon_smtp_ports = ${port}
local_interfaces = 127.0.0.1
pid_file_path = /run/exim.pid
disable_ipv6 = true
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
keep_environment =
# Tests ask and take back, again and again.
smtp_accept_max_nonmail = 1000000
acl_smtp_mail = acl_mandat_mail
acl_smtp_rcpt = acl_rcpt
begin acl
${await readFragment('exim/senders.acl')}
acl_rcpt:
  accept authenticated = *
  deny
begin routers
out:
  driver = accept
  transport = out
begin transports
out:
  driver = smtp
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if eq{$auth3}{\${extract{$auth2}{${users.map(({ login, password }) => `${login}=${password}`).join(' ')}}}}}
  server_set_id = $auth2
`;
  await writeFile(path.join(jail, 'etc/exim4/exim4.conf'), conf);
  return {
    ...server({
      name: 'exim',
      argv: inJail(jail, '/usr/sbin/exim4', '-bdf'),
      log: path.join(jail, 'var/log/exim4/mainlog'),
      pidFile: path.join(jail, 'run/exim.pid'),
      ports: [{ port, speaksFirst: true }],
    }),
    group: GROUP,
    senders: path.join(jail, 'etc/mandat/senders'),
    logins: undefined,
    reload: undefined,
  };
}
