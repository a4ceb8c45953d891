import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { appendAccount, type LabUser } from './accounts.ts';
import { makeCertificate } from './certificate.ts';
import { accountsFile, dovecotServer, installDovecot } from './dovecot.ts';
import { dovecotVersion, type Lines, linesFor } from './dovecot-version.ts';
import { type LabPorts, reservePorts } from './ports.ts';
import { installPostfix, postfixServer } from './postfix.ts';
import type { SenderMapKind } from './postfix-config.ts';
import type { Server } from './server.ts';
import { systemUser } from './system-ids.ts';
import { startWatchdog } from './watchdog.ts';

export type { LabUser } from './accounts.ts';

export interface LabOptions {
  readonly users: readonly LabUser[];
  /** Default: a new one below os.tmpdir(), removed by stop(). One that is given must be empty, and is kept. */
  readonly directory?: string;
  /** Include inherit.conf of config/dovecot/ (acl_defaults_from_inbox). Default: true. */
  readonly inherit?: boolean;
  /** How Dovecot keeps mail. Default: maildir, that is Maildir++, where a folder's name may hold no dot. */
  readonly storage?: 'maildir' | 'sdbox' | 'mdbox';
  /**
   * Dovecot's processes serve one session after another, as at a busy site. Default: each ends with its session, as Debian ships it;
   * on a small machine, starting them is most of what a session costs.
   */
  readonly reuse?: boolean;
  /** What the shared namespace begins with, in UTF-8. Default: `shared/`. */
  readonly sharedPrefix?: string;
  /** Include keep-deleted.conf of config/dovecot/. Default: false. */
  readonly keepDeleted?: boolean;
  /** Include shares.conf of config/dovecot/, with the socket that Dovecot asks at. Default: Dovecot keeps who shares with whom in its own file. */
  readonly shares?: string;
  /** Start Postfix too. Default: true. */
  readonly postfix?: boolean;
  /** Where Postfix gets the sender rules from. Default: sqlite. */
  readonly senderMap?: SenderMapKind;
  /** Chroot the smtpd services, as Debian does. Default: true. */
  readonly chroot?: boolean;
  /** Offer STARTTLS on the IMAP and SMTP ports, and TLS on `imaps`, with a certificate of the lab's. Default: false. */
  readonly tls?: boolean;
  /** Fragments below config/dovecot/ that a site includes inside its own passdb and userdb, beside those that every lab has. */
  readonly insidePassdb?: Lines;
  readonly insideUserdb?: Lines;
  /** Lines at the end of dovecot.conf, main.cf, master.cf. Dovecot's are given for each version where 2.4 has another syntax. */
  readonly extraDovecot?: Lines;
  readonly extraMain?: string;
  readonly extraMaster?: string;
  /** Route copies for Sent folders to mandat's listener at {@link Lab.copySocket}. Default: with `filter`. */
  readonly copies?: boolean;
  /** More `-o` settings of the submission service, such as `smtpd_proxy_filter=unix:/path`. */
  readonly submissionOptions?: readonly string[];
  /** Hand submissions to the filter: config/postfix/submission.cf.fragment and reinject.cf.fragment. Default: false. */
  readonly filter?: boolean;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Lab {
  readonly directory: string;
  readonly imap: Address;
  readonly imaps: Address;
  readonly smtp: Address;
  readonly submission: Address;
  readonly reinject: Address;
  /** The key as in the configuration; HTTP wants it in base64. */
  readonly doveadm: { readonly url: string; readonly apiKey: string };
  readonly master: { readonly user: string; readonly password: string };
  /** Holds sender.db, with an empty table, as config/postfix/mandat.cf asks for it. */
  readonly senderDirectory: string;
  /** A maildir's `new`: one file for each message that would have left the site. */
  readonly outside: string;
  /** PEM file, when the lab has TLS. */
  readonly certificate: string | undefined;
  /** Where Postfix brings copies for Sent folders, when the lab has them. */
  readonly copySocket: string;
  /** The pids of the servers that run, masters only. */
  pids(): readonly number[];
  /** An account that can log in when this returns. */
  addUser(login: string, password: string): Promise<void>;
  stopDovecot(): Promise<void>;
  startDovecot(): Promise<void>;
  stopPostfix(): Promise<void>;
  startPostfix(): Promise<void>;
  stop(): Promise<void>;
  logs(): { readonly dovecot: string; readonly postfix: string };
}

const HOST = '127.0.0.1';
const ATTEMPTS = 3;

/** Starts private servers of its own on loopback, as root. Ready when it returns; several may run at once. */
export async function startLab(options: LabOptions): Promise<Lab> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await attemptLab(options);
    } catch (error) {
      // A program that knows nothing of our reservations took the port after we had looked.
      if (attempt === ATTEMPTS || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

async function attemptLab(options: LabOptions): Promise<Lab> {
  if (process.getuid?.() !== 0) throw new Error('the lab needs root: its servers change to other users');
  const directory = await makeDirectory(options.directory);
  const removeDirectory = options.directory === undefined;
  const watchdog = startWatchdog(directory, removeDirectory);
  const reservation = await reservePorts(6);
  const running: Server[] = [];
  const stop = async () => {
    await Promise.all(running.map((one) => one.stop()));
    await watchdog.dismiss();
    await reservation.release();
    if (removeDirectory) await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const [imap = 0, imaps = 0, doveadm = 0, smtp = 0, submission = 0, reinject = 0] = reservation.ports;
    const ports: LabPorts = { imap, imaps, doveadm, smtp, submission, reinject };
    const secrets = { masterUser: 'bridge', masterPassword: secret(), apiKey: secret() };
    const tls = options.tls ? await makeCertificate(directory) : undefined;
    const withPostfix = options.postfix ?? true;
    const senderDirectory = path.join(directory, 'sender');
    const runtimeDirectory = path.join(directory, 'run');
    const outsideDirectory = path.join(directory, 'outside');
    const copySocket = path.join(runtimeDirectory, 'copy.sock');
    const version = dovecotVersion();
    const dovecotSite = {
      version,
      directory: path.join(directory, 'dovecot'),
      mailDirectory: path.join(directory, 'mail'),
      ports,
      inherit: options.inherit ?? true,
      storage: options.storage ?? 'maildir',
      reuse: options.reuse ?? false,
      sharedPrefix: options.sharedPrefix ?? 'shared/',
      keepDeleted: options.keepDeleted ?? false,
      shares: options.shares,
      postfixQueue: withPostfix ? path.join(directory, 'postfix/queue') : undefined,
      tls,
      insidePassdb: linesFor(version, options.insidePassdb),
      insideUserdb: linesFor(version, options.insideUserdb),
      extra: linesFor(version, options.extraDovecot),
    };
    const postfixSite = {
      directory: path.join(directory, 'postfix'),
      dovecotConf: path.join(dovecotSite.directory, 'dovecot.conf'),
      outsideDirectory,
      ports,
      senderMap: options.senderMap ?? 'sqlite',
      chroot: options.chroot ?? true,
      tls,
      submissionOptions: options.submissionOptions ?? [],
      copySocket: (options.copies ?? options.filter) ? copySocket : undefined,
      filterSocket: options.filter === true ? path.join(runtimeDirectory, 'filter.sock') : undefined,
      extraMain: options.extraMain ?? '',
      extraMaster: options.extraMaster ?? '',
      mail: systemUser('mail'),
    };
    if (withPostfix) await installPostfix(postfixSite, senderDirectory);
    await installDovecot(dovecotSite, options.users, secrets);
    const dovecot = dovecotServer(dovecotSite);
    const postfix = postfixServer(postfixSite);
    // In this order: an smtpd that finds no SASL server when it starts ends, and is not tried again for a minute.
    for (const one of withPostfix ? [dovecot, postfix] : [dovecot]) {
      running.push(one);
      await one.start();
    }
    return {
      directory,
      imap: { host: HOST, port: ports.imap },
      imaps: { host: HOST, port: ports.imaps },
      smtp: { host: HOST, port: ports.smtp },
      submission: { host: HOST, port: ports.submission },
      reinject: { host: HOST, port: ports.reinject },
      doveadm: { url: `http://${HOST}:${ports.doveadm}/doveadm/v1`, apiKey: secrets.apiKey },
      master: { user: secrets.masterUser, password: secrets.masterPassword },
      senderDirectory,
      outside: path.join(outsideDirectory, 'Maildir/new'),
      certificate: tls?.certificate,
      copySocket,
      pids: () => running.flatMap((one) => one.pid ?? []),
      addUser: (login, password) =>
        appendAccount(accountsFile(dovecotSite.directory), { login, password }, postfixSite.dovecotConf),
      startDovecot: () => dovecot.start(),
      stopDovecot: () => dovecot.stop(),
      startPostfix: () => postfix.start(),
      stopPostfix: () => postfix.stop(),
      stop,
      logs: () => ({ dovecot: dovecot.log, postfix: postfix.log }),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The mail's uid must be able to pass through it, and mkdtemp makes it 0700. */
async function makeDirectory(wanted: string | undefined): Promise<string> {
  const made = wanted === undefined ? await mkdtemp(path.join(os.tmpdir(), 'mandat-lab-')) : path.resolve(wanted);
  await mkdir(made, { recursive: true });
  await chmod(made, 0o755);
  return made;
}

function secret(): string {
  return randomBytes(18).toString('base64url');
}
