import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeCertificate } from './certificate.ts';
import { readFragment } from './fragment.ts';
import { inJail, makeJail } from './jail.ts';
import { type OtherServer, type OtherSite, ownedBy } from './other-server.ts';
import { run } from './run.ts';
import { server } from './server.ts';
import { systemGroup } from './system-ids.ts';

const GROUP = 'mail';
const SMTPD = { uid: 64_101, gid: systemGroup(GROUP) };
const QUEUE = { uid: 64_102, gid: 64_102 };

/**
 * Debian 12's OpenSMTPD with the product's fragment. Its TLS is broken there: built for OpenSSL 1.1 and linked with 3.0 it can't use its
 * key (its process for keys is asked in a way that OpenSSL 3 no longer knows), and it takes logins over TLS only. So the lab
 * lets it use a cipher that needs no key, on loopback, and TLS from the start.
 */
export async function installOpenSmtpd({ directory, port, users }: OtherSite): Promise<OtherServer> {
  const jail = path.join(directory, 'opensmtpd');
  await makeJail({
    directory: jail,
    packages: ['opensmtpd', 'libevent-2.1-7'],
    programs: ['usr/sbin/smtpd', 'usr/sbin/smtpctl'],
    accounts: { opensmtpd: SMTPD, opensmtpq: QUEUE },
  });
  // What the package's scripts would do.
  const control = path.join(jail, 'usr/sbin/smtpctl');
  await chown(control, 0, QUEUE.gid);
  await chmod(control, 0o2555);
  await mkdir(path.join(jail, 'var/lib/opensmtpd/empty'), { recursive: true });
  const spool = path.join(jail, 'var/spool/smtpd');
  await ownedBy(spool, { uid: 0, gid: 0 }, 0o711);
  await ownedBy(path.join(spool, 'offline'), { uid: 0, gid: QUEUE.gid }, 0o770);
  for (const name of ['purge', 'temporary', 'incoming', 'queue', 'corrupt']) {
    await ownedBy(path.join(spool, name), { uid: QUEUE.uid, gid: 0 }, 0o700);
  }

  const etc = path.join(jail, 'etc/mandat');
  await ownedBy(etc, { uid: 0, gid: SMTPD.gid }, 0o750);
  const { key, certificate } = await makeCertificate(jail);
  const hashed = await Promise.all(users.map(async ({ login, password }) => `${login} ${await crypted(password)}\n`));
  await writeFile(path.join(etc, 'credentials'), hashed.join(''));
  const fragment = await readFragment('opensmtpd/mandat.conf', {
    'listen on 0.0.0.0 port submission tls-require pki "mail.example.org"': `listen on 127.0.0.1 port ${port} smtps pki lab`,
  });
  const conf = `pki lab cert "/${path.relative(jail, certificate)}"
pki lab key "/${path.relative(jail, key)}"
smtp ciphers "aNULL:@SECLEVEL=0"
${fragment}
action "out" relay host smtp://127.0.0.1:9
match from auth for any action "out"
`;
  await writeFile(path.join(jail, 'etc/smtpd.conf'), conf);
  const senders = path.join(etc, 'senders');
  return {
    ...server({
      name: 'opensmtpd',
      argv: inJail(jail, '/usr/sbin/smtpd', '-d', '-f', '/etc/smtpd.conf'),
      log: path.join(directory, 'opensmtpd.log'),
      pidFile: undefined,
      ports: [{ port, speaksFirst: false }],
    }),
    group: GROUP,
    senders,
    logins: path.join(etc, 'credentials'),
    reload: ['/usr/sbin/chroot', jail, '/usr/sbin/smtpctl', 'update', 'table', 'mandat'],
  };
}

async function crypted(password: string): Promise<string> {
  const { stdout } = await run('openssl', ['passwd', '-6', password]);
  return stdout.trim();
}
