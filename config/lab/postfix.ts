import { chmod, chown, mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readFragment } from './fragment.ts';
import { mainCf, masterCf, type PostfixSite, type PostgresMap } from './postfix-config.ts';
import { makeSenderDatabase } from './sender-database.ts';
import { type Server, server } from './server.ts';
import { systemGroup, systemUser } from './system-ids.ts';

/** Writes all that a private Postfix needs below site.directory. Done once; starting and stopping come after. */
export async function installPostfix(site: PostfixSite, senderDirectory: string): Promise<void> {
  const conf = path.join(site.directory, 'conf');
  await mkdir(conf, { recursive: true, mode: 0o755 });
  await mkdir(site.outsideDirectory, { recursive: true });
  await chown(site.outsideDirectory, site.mail.uid, site.mail.gid);
  await makeSenderDatabase(senderDirectory);

  const map = await readFragment('postfix/mandat.cf', { '/var/lib/mandat/sender': senderDirectory });
  await writeCold(path.join(conf, 'mandat.cf'), map);
  await writeCold(path.join(conf, 'identity.re'), await readFragment('postfix/identity.re'));
  const main = await senderMapFragment(site, conf, senderDirectory);
  const copies = await copyFragments(site.copySocket);
  await writeCold(path.join(conf, 'main.cf'), mainCf(site, main + copies.main));
  const filter = await filterFragments(site);
  const services = await Promise.all([
    readFragment('postfix/proxymap.master.cf.fragment'),
    filter.reinjection,
    copies.master,
  ]);
  const master = masterCf(site, {
    atPort25: await readFragment('postfix/port25.master.cf.fragment'),
    submission: `${await readFragment('postfix/master.cf.fragment')}\n${filter.submission}`,
    services: services.join('\n'),
  });
  await writeCold(path.join(conf, 'master.cf'), master);

  await makeQueue(path.join(site.directory, 'queue'));
  await ownedBy(path.join(site.directory, 'data'), systemUser('postfix').uid, 0, 0o700);
}

async function copyFragments(socket: string | undefined) {
  if (socket === undefined) return { main: '', master: '' };
  return {
    main: await readFragment('postfix/copy.main.cf.fragment', { '/run/mandat/copy.sock': socket }),
    master: await readFragment('postfix/copy.master.cf.fragment'),
  };
}

/** A chrooted smtpd could not reach a socket outside its queue directory: the site's submission service is not chrooted then. */
async function filterFragments({ filterSocket, ports }: PostfixSite) {
  if (filterSocket === undefined) return { submission: '', reinjection: '' };
  return {
    submission: await readFragment('postfix/submission.cf.fragment', { '/run/mandat/filter.sock': filterSocket }),
    reinjection: await readFragment('postfix/reinject.cf.fragment', {
      '127.0.0.1:10027': `127.0.0.1:${ports.reinject}`,
    }),
  };
}

/** The file, and the directory of the socket, stand beside the directory of the SQLite map. */
async function senderMapFragment({ senderMap }: PostfixSite, conf: string, senderDirectory: string): Promise<string> {
  const beside = (name: string) => path.join(path.dirname(senderDirectory), name);
  if (typeof senderMap === 'object') return postgresFragment(senderMap, conf);
  switch (senderMap) {
    case 'sqlite':
      return readFragment('postfix/main.cf.fragment', { '/etc/postfix': conf });
    case 'socketmap':
      return readFragment('postfix/socketmap.cf.fragment', { '/run/mandat/sender.sock': beside('run/sender.sock') });
    case 'texthash':
      await writeFile(beside('senders'), ''); // or Postfix would not start
      return readFragment('postfix/texthash.cf.fragment', {
        '/etc/postfix': conf,
        '/etc/mandat/senders': beside('senders'),
      });
  }
}

/** With the modes that mandat-pgsql.cf asks for. */
async function postgresFragment({ hosts, password, database }: PostgresMap, conf: string): Promise<string> {
  const file = path.join(conf, 'mandat-pgsql.cf');
  const text = await readFragment('postfix/mandat-pgsql.cf', {
    'postgresql://mandat_postfix:PASSWORD@db.example.org/mandat?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt&connect_timeout=5':
      hosts,
    PASSWORD: password,
    'dbname = mandat': `dbname = ${database}`,
  });
  await writeCold(file, text);
  await chown(file, 0, systemGroup('postfix'));
  await chmod(file, 0o640);
  return readFragment('postfix/pgsql.main.cf.fragment', { '/etc/postfix': conf });
}

/** Postfix rereads a file changed in the last second or two until it has cooled down: 1.6 s at each start. */
async function writeCold(file: string, text: string): Promise<void> {
  await writeFile(file, text);
  const before = Date.now() / 1000 - 60;
  await utimes(file, before, before);
}

/**
 * The queue's directories, as postfix-files(5) lists them. `postfix start` would make them, through shell scripts that take
 * longer than all the rest of the lab.
 */
async function makeQueue(queue: string): Promise<void> {
  const postfix = systemUser('postfix').uid;
  const postdrop = systemGroup('postdrop');
  await ownedBy(queue, 0, 0, 0o755);
  await ownedBy(path.join(queue, 'pid'), 0, 0, 0o755);
  await ownedBy(path.join(queue, 'maildrop'), postfix, postdrop, 0o1730);
  await ownedBy(path.join(queue, 'public'), postfix, postdrop, 0o2710);
  for (const name of [
    'active',
    'bounce',
    'corrupt',
    'defer',
    'deferred',
    'flush',
    'hold',
    'incoming',
    'private',
    'saved',
    'trace',
  ])
    await ownedBy(path.join(queue, name), postfix, 0, 0o700);
}

async function ownedBy(directory: string, uid: number, gid: number, mode: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  await chown(directory, uid, gid);
  await chmod(directory, mode);
}

export function postfixServer({ directory, ports }: PostfixSite): Server {
  return server({
    name: 'postfix',
    // -s: stay in the foreground. Its directory on the command line is also how the watchdog knows it.
    argv: ['/usr/lib/postfix/sbin/master', '-c', path.join(directory, 'conf'), '-s'],
    log: path.join(directory, 'postfix.log'),
    pidFile: path.join(directory, 'queue/pid/master.pid'),
    ports: [
      { port: ports.smtp, speaksFirst: true },
      { port: ports.submission, speaksFirst: true },
    ],
  });
}
