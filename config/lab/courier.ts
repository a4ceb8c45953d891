/**
 * A private Courier IMAP on loopback, as root: as unlike Dovecot and Cyrus as a server with ACLs can be. No LIST-EXTENDED, no SPECIAL-USE, no
 * RIGHTS= (RFC 2086's letters), folders below INBOX, delegated ones in a *shared* namespace, an ACL that calls the owner `owner`.
 * Its imapd is the real one; logging in, which Courier does by a daemon with paths of its own, is done here, so that an authorization
 * identity can be honoured, ignored (as Courier's own does, answering OK), or refused.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { LabUser } from './accounts.ts';
import { PACKAGE_CACHE } from './jail.ts';
import { run } from './run.ts';
import { systemUser } from './system-ids.ts';
import { machineLibraries, unpackedPackages } from './unpacked-packages.ts';

const PACKAGES = ['courier-imap', 'courier-base', 'courier-authlib', 'libcourier-unicode4', 'libidn12', 'libpcre3'];

export interface CourierLab {
  readonly directory: string;
  readonly imap: { readonly host: string; readonly port: number };
  readonly master: { readonly user: string; readonly password: string };
  /** What becomes of an authorization identity, from the next login on. */
  authzid: 'honoured' | 'ignored' | 'refused';
  stop(): Promise<void>;
}

const CAPABILITIES = 'IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE';
const MASTER = { user: 'bridge', password: 'master-secret' };

/** For a test's `skip`: why there is no Courier here, or false. */
export async function whyNoCourier(): Promise<string | false> {
  return (
    (await unpackedPackages('courier', PACKAGES)) === undefined &&
    `NO COURIER HERE, and so not tried: .ci/setup fetches its packages into ${PACKAGE_CACHE}`
  );
}

export async function startCourier(users: readonly LabUser[]): Promise<CourierLab> {
  const root = await unpackedPackages('courier', PACKAGES);
  if (root === undefined) throw new Error(`no Courier in ${PACKAGE_CACHE}: run .ci/setup`);
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-courier-'));
  await chmod(directory, 0o755);
  await withoutNotification(directory);
  const libraries = [directory, path.join(root, 'usr/lib'), machineLibraries(root)].join(':');
  const accounts: readonly LabUser[] = [...users, { login: MASTER.user, password: MASTER.password }];
  await makeMaildirs(root, libraries, directory, accounts);
  const sessions = new Set<ChildProcess>();
  const session = (login: string) => {
    const child = spawn(
      '/usr/bin/env',
      ['-i', ...environment(directory, libraries, login), path.join(root, 'usr/bin/imapd'), 'Maildir'],
      {
        cwd: path.join(directory, login),
        stdio: ['pipe', 'pipe', 'ignore'],
        ...systemUser('mail'),
      },
    );
    sessions.add(child);
    child.once('exit', () => sessions.delete(child));
    return child;
  };
  const sockets = new Set<net.Socket>();
  const front = net.createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    welcome(socket, (login, password, authzid) => {
      if (accounts.find((one) => one.login === login)?.password !== password) return undefined;
      if (authzid === '' || lab.authzid === 'ignored') return session(login);
      const allowed = lab.authzid === 'honoured' && login === MASTER.user;
      return allowed && users.some((one) => one.login === authzid) ? session(authzid) : undefined;
    });
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const lab: CourierLab = {
    directory,
    imap: { host: '127.0.0.1', port: (front.address() as net.AddressInfo).port },
    master: MASTER,
    authzid: 'honoured',
    stop: async () => {
      const closed = new Promise((resolve) => front.close(resolve));
      for (const child of sessions) child.kill('SIGKILL');
      for (const socket of sockets) socket.destroy();
      await closed;
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  return lab;
}

async function makeMaildirs(root: string, libraries: string, directory: string, accounts: readonly LabUser[]) {
  const { uid, gid } = systemUser('mail');
  const index = accounts.map(({ login }) => [login, uid, gid, path.join(directory, login), 'Maildir'].join('\t'));
  await writeFile(path.join(directory, 'shared-index'), `${index.join('\n')}\n`);
  for (const { login } of accounts) {
    const home = path.join(directory, login);
    await mkdir(home);
    await run(path.join(root, 'usr/bin/maildirmake.courier'), [path.join(home, 'Maildir')], {
      env: { ...process.env, LD_LIBRARY_PATH: libraries },
    });
    for (const made of ['', ...(await readdir(home, { recursive: true }))])
      await chown(path.join(home, made), uid, gid);
  }
}

/** Its library for notices of changed files tries for more than a second at each login to reach a daemon that isn't there. Ours doesn't. */
async function withoutNotification(directory: string): Promise<void> {
  const names = ['FAMClose', 'FAMMonitorDirectory', 'FAMMonitorFile', 'FAMCancelMonitor', 'FAMNextEvent', 'FAMPending'];
  const source = ['FAMOpen', 'FAMOpen2', ...names].map((name) => `int ${name}(void) { return -1; }\n`).join('');
  await writeFile(path.join(directory, 'fam.c'), source);
  await run('g++', ['-x', 'c', '-shared', '-fPIC', '-o', 'libfam.so.0', 'fam.c'], { cwd: directory });
}

const environment = (directory: string, libraries: string, login: string): readonly string[] => [
  `LD_LIBRARY_PATH=${libraries}`,
  'PATH=/usr/bin:/bin',
  `AUTHENTICATED=${login}`,
  `HOME=${path.join(directory, login)}`,
  `IMAP_SHAREDINDEXFILE=${path.join(directory, 'shared-index')}`,
  `IMAP_CAPABILITY=${CAPABILITIES}`,
  'IMAP_ACL=1',
  'IMAP_KEYWORDS=1',
  'IMAP_UMASK=022',
  'IMAP_USELOCKS=1',
  'PROTOCOL=IMAP',
];

type LogIn = (login: string, password: string, authzid: string) => ChildProcess | undefined;

/** What imaplogin does: the commands before a login, then the session is imapd's. */
function welcome(socket: net.Socket, logIn: LogIn): void {
  let buffer = '';
  let waiting: string | undefined; // the tag of an AUTHENTICATE that waits for its second line
  const say = (line: string) => void socket.write(`${line}\r\n`);
  const enter = (tag: string, login: string, password: string, authzid: string) => {
    const child = logIn(login, password, authzid);
    if (child === undefined) return say(`${tag} NO Login failed.`);
    socket.off('data', read);
    handOver(socket, child, tag);
  };
  const plain = (tag: string, base64: string) => {
    const [authzid = '', login = '', password = ''] = Buffer.from(base64, 'base64').toString('utf8').split('\0');
    enter(tag, login, password, authzid);
  };
  const obey = (line: string) => {
    const tag = waiting;
    waiting = undefined;
    if (tag !== undefined) return plain(tag, line);
    const [own = '*', command = '', ...words] = line.split(' ');
    switch (command.toUpperCase()) {
      case 'LOGIN': {
        const [login = '', password = ''] = words.map((word) => word.replace(/^"(.*)"$/, '$1'));
        return enter(own, login, password, '');
      }
      case 'AUTHENTICATE':
        if (words[1] !== undefined) return plain(own, words[1]);
        waiting = own;
        return say('+ ');
      case 'CAPABILITY':
        say(`* CAPABILITY ${CAPABILITIES} ACL ACL2=UNION AUTH=PLAIN`);
        return say(`${own} OK CAPABILITY completed`);
      case 'LOGOUT':
        say('* BYE Courier-IMAP server shutting down');
        return void socket.end(`${own} OK LOGOUT completed\r\n`);
      default:
        return say(`${own} ${command.toUpperCase() === 'NOOP' ? 'OK' : 'BAD'} ${command}`);
    }
  };
  const read = (bytes: Buffer) => {
    buffer += bytes.toString('latin1');
    for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      obey(line);
    }
  };
  socket.on('data', read);
  socket.on('error', () => {});
  say(
    `* OK [CAPABILITY ${CAPABILITIES} ACL ACL2=UNION AUTH=PLAIN] Courier-IMAP ready. Copyright 1998-2018 Double Precision, Inc.`,
  );
}

/** Started without its daemon, imapd greets with PREAUTH: instead of that the client reads that it is logged in. */
function handOver(socket: net.Socket, child: ChildProcess, tag: string): void {
  let greeting = '';
  const greeted = (bytes: Buffer) => {
    greeting += bytes.toString('latin1');
    const [, rest] = greeting.split('* PREAUTH Ready.\r\n');
    if (rest === undefined) return;
    child.stdout?.off('data', greeted);
    socket.write(`${tag} OK LOGIN Ok.\r\n${rest}`, 'latin1');
    child.stdout?.pipe(socket);
  };
  child.stdout?.on('data', greeted);
  child.stdin?.on('error', () => {});
  child.once('exit', () => socket.end());
  if (child.stdin !== null) socket.pipe(child.stdin);
  socket.once('close', () => child.kill('SIGTERM'));
}
