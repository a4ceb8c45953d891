/** A private Cyrus IMAP on loopback, as root, with one account for each user, and special folders in it. Ready when it returns. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { LabUser } from './accounts.ts';
import { type CyrusPrograms, cyrusPrograms } from './cyrus-packages.ts';
import { installSessionCommands, type SessionCommands } from './cyrus-sessions.ts';
import { readFragment } from './fragment.ts';
import { reservePorts } from './ports.ts';
import { connectImap, quoted } from './raw-imap.ts';
import { type Server, server } from './server.ts';
import { systemUser } from './system-ids.ts';
import { startWatchdog } from './watchdog.ts';

export interface CyrusOptions {
  /** Logins without a domain, or with one each where there are virtual domains. */
  readonly users: readonly LabUser[];
  /**
   * `dots`, as Debian has it: a delegate sees `user.alice.Sent`, alice herself `INBOX.Sent`. `slashes` (altnamespace, unixhierarchysep):
   * `Other Users/alice/Sent` and `Sent`. Default: slashes.
   */
  readonly namespace?: 'dots' | 'slashes';
  /** `virtdomains: userid`. Default: false. */
  readonly virtualDomains?: boolean;
  /** Lines at the end of imapd.conf. */
  readonly extra?: string;
  /** Special folders that each account has, with their special use. Default: {@link SPECIALS}. */
  readonly specials?: readonly string[];
}

export interface CyrusLab {
  readonly directory: string;
  readonly imap: { readonly host: string; readonly port: number };
  /** An account of `proxyservers`: it may log in as anybody, and is no administrator. */
  readonly master: { readonly user: string; readonly password: string };
  /** One of `admins`, for what an administrator does by hand. */
  readonly admin: { readonly user: string; readonly password: string };
  /** The administrator's name of a folder. */
  adminName(login: string, ...folder: readonly string[]): string;
  /** `cyr_info`, `cyr_deny` and their kin, and the configuration that they are given (-C); LD_LIBRARY_PATH is needed. */
  readonly programs: CyrusPrograms;
  readonly configFile: string;
  /** What ends and lists the sessions of a login. */
  readonly sessions: SessionCommands;
  pids(): readonly number[];
  start(): Promise<void>;
  stopServer(): Promise<void>;
  stop(): Promise<void>;
  logs(): { readonly cyrus: string };
}

/** As users' mail programs make them. */
export const SPECIALS: readonly string[] = ['Drafts', 'Junk', 'Sent', 'Trash'];

const HOST = '127.0.0.1';
const REALM = 'lab.test';
const ADMIN = 'cyrus';
const MASTER = 'bridge';

export async function startCyrus(options: CyrusOptions): Promise<CyrusLab> {
  const programs = await cyrusPrograms();
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-cyrus-'));
  await chmod(directory, 0o755);
  const watchdog = startWatchdog(directory, true);
  const reservation = await reservePorts(1);
  const [port = 0] = reservation.ports;
  const home = path.join(directory, 'cyrus');
  const configFile = path.join(home, 'imapd.conf');
  const process = cyrusServer(programs, home, port);
  const stop = async () => {
    await process.stop();
    await watchdog.dismiss();
    await reservation.release();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const people = [ADMIN, MASTER].map((login) => ({ login, password: randomBytes(18).toString('base64url') }));
    await install(options, programs, home, port, [...people, ...options.users]);
    const sessions = await installSessionCommands(path.join(directory, 'sessions'), configFile, programs);
    await process.start();
    const [admin = { login: '', password: '' }, master = admin] = people;
    const adminName = (login: string, ...folder: readonly string[]) => nameFor(options, login, folder);
    const lab: CyrusLab = {
      directory,
      imap: { host: HOST, port },
      master: { user: master.login, password: master.password },
      admin: { user: admin.login, password: admin.password },
      adminName,
      programs,
      configFile,
      sessions,
      pids: () => (process.pid === undefined ? [] : [process.pid]),
      start: () => process.start(),
      stopServer: () => process.stop(),
      stop,
      logs: () => ({ cyrus: process.log }),
    };
    await makeMailboxes(lab, options);
    return lab;
  } catch (error) {
    await stop();
    throw error;
  }
}

function nameFor({ namespace, virtualDomains }: CyrusOptions, login: string, folder: readonly string[]): string {
  const [local = '', domain] = virtualDomains === true ? login.split('@') : [login];
  const dots = namespace === 'dots';
  const user = dots ? local.replaceAll('.', '^') : local;
  const name = ['user', user, ...folder].join(dots ? '.' : '/');
  return domain === undefined ? name : `${name}@${domain}`;
}

async function install(
  { namespace, virtualDomains = false, extra = '' }: CyrusOptions,
  { bin, saslpasswd2, libraries }: CyrusPrograms,
  home: string,
  port: number,
  accounts: readonly LabUser[],
): Promise<void> {
  for (const made of ['conf', 'spool', 'run/proc', 'run/lock', 'run/socket']) {
    await mkdir(path.join(home, made), { recursive: true });
  }
  const slashes = namespace === 'dots' ? 'no' : 'yes';
  const accountsFile = path.join(home, 'sasldb2');
  await writeFile(
    path.join(home, 'imapd.conf'),
    `configdirectory: ${home}/conf
partition-default: ${home}/spool
defaultpartition: default
proc_path: ${home}/run/proc
mboxname_lockpath: ${home}/run/lock
lmtpsocket: ${home}/run/socket/lmtp
idlesocket: ${home}/run/socket/idle
notifysocket: ${home}/run/socket/notify
sievedir: ${home}/sieve
cyrus_user: mail
cyrus_group: mail
servername: ${REALM}
altnamespace: ${slashes}
unixhierarchysep: ${slashes}
virtdomains: ${virtualDomains ? 'userid' : 'off'}
admins: ${ADMIN}
hashimapspool: yes
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${accountsFile}
sasl_mech_list: PLAIN LOGIN
${await readFragment('cyrus/imapd.conf.fragment')}
${extra}
`,
  );
  await writeFile(
    path.join(home, 'cyrus.conf'),
    `START {
  recover cmd="${bin}/ctl_cyrusdb -C ${home}/imapd.conf -r"
}
SERVICES {
  imap cmd="${bin}/imapd -C ${home}/imapd.conf -U 30" listen="${HOST}:${port}" proto="tcp4" prefork=0 maxchild=100
}
EVENTS {
  checkpoint cmd="${bin}/ctl_cyrusdb -C ${home}/imapd.conf -c" period=30
}
`,
  );
  for (const { login, password } of accounts) {
    const [user = '', realm = REALM] = login.split('@');
    await fed(saslpasswd2, ['-p', '-c', '-u', realm, '-f', accountsFile, user], password, libraries);
  }
  const { uid, gid } = systemUser('mail');
  for (const made of ['', ...(await readdir(home, { recursive: true }))]) await chown(path.join(home, made), uid, gid);
}

/** A program that reads a secret from its standard input. */
function fed(program: string, argv: readonly string[], input: string, libraries: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, {
      stdio: ['pipe', 'ignore', 'inherit'],
      env: { ...process.env, LD_LIBRARY_PATH: libraries },
    });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${path.basename(program)} ended with ${code}`)),
    );
    child.stdin.end(input);
  });
}

function cyrusServer({ bin, libraries }: CyrusPrograms, home: string, port: number): Server {
  const pidFile = path.join(home, 'master.pid');
  const conf = ['-C', `${home}/imapd.conf`, '-M', `${home}/cyrus.conf`];
  return server({
    name: 'cyrus',
    argv: ['/usr/bin/env', `LD_LIBRARY_PATH=${libraries}`, path.join(bin, 'master'), ...conf, '-p', pidFile],
    log: path.join(home, 'master.log'), // it writes to syslog alone
    pidFile,
    ports: [{ port, speaksFirst: true }],
  });
}

async function makeMailboxes(lab: CyrusLab, options: CyrusOptions): Promise<void> {
  const admin = await connectImap(lab.imap);
  try {
    await must(admin.login(lab.admin.user, lab.admin.password), 'log in as the administrator');
    for (const { login } of options.users) {
      await must(admin.command(`CREATE ${quoted(lab.adminName(login))}`), `make the mailbox of ${login}`);
    }
  } finally {
    admin.close();
  }
  for (const { login } of options.users) {
    const own = await connectImap(lab.imap);
    try {
      await must(own.loginAs(login, lab.master.user, lab.master.password), `log in as ${login}`);
      for (const special of options.specials ?? SPECIALS) {
        const name = quoted(options.namespace === 'dots' ? `INBOX.${special}` : special);
        await must(own.command(`CREATE ${name} (USE (\\${special}))`), `make ${special} of ${login}`);
      }
    } finally {
      own.close();
    }
  }
}

async function must(asked: Promise<{ readonly status: string; readonly text: string }>, what: string): Promise<void> {
  const { status, text } = await asked;
  if (status !== 'OK') throw new Error(`Cyrus would not ${what}: ${status} ${text}`);
}
