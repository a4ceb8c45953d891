/** A lab with mandat set up on it, as an administrator would: a configuration file, secrets in files, the command line. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { makeStores } from '../../bridge/configured/stores.ts';
import { senderMap } from '../../bridge/sender/configured-outputs.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { makeRuntimeDirectory } from '../../bridge/store/files/directories.ts';
import { sealKey } from '../../bridge/store/trail/sealing.ts';
import { type Lab, type LabOptions, startLab } from '../../config/lab/lab.ts';
import { connectImap, type RawImap } from '../../config/lab/raw-imap.ts';
import { waitFor, within } from '../../config/lab/wait.ts';
import { loadConfig } from '../../config/load.ts';
import { builtMandat } from '../cli/built.ts';
import type { Ran } from '../cli/commands.ts';
import { mandatAt } from '../cli/warm.ts';
import { openSiteStore } from './site-store.ts';

/** Of the machine, so to speak: what is not configured is shown in it. */
process.env.TZ = 'Europe/Paris';

export const DOMAIN = 'lab.test';
export const at = (name: string) => `${name}@${DOMAIN}`;
export const password = (name: string) => `pw-${name}`;

export interface SiteOptions extends Partial<Omit<LabOptions, 'users'>> {
  /** Names of accounts, `alice` for alice@lab.test. */
  readonly users: readonly string[];
  readonly impersonate?: 'authzid' | 'suffix';
  /** What identifies a delegate. */
  readonly scheme?: 'login' | 'rpps';
  /** Default: both there. */
  readonly sessions?: boolean;
  readonly senderRules?: boolean;
  /** TOML at the end, and keys to put into [imap], [sessions]. */
  readonly extraImap?: string;
  readonly extraSessions?: string;
  readonly extraToml?: string;
  /** Where the configuration and the secrets stand. Default: the lab's directory, which is data_dir too. */
  readonly configDirectory?: string;
  /** Keys of [submission], with `filter`. */
  readonly extraSubmission?: string;
}

/** What a site needs of the servers that it stands on. */
export type Ground = Pick<Lab, 'directory' | 'imap' | 'master' | 'stop'>;

/** `Site<Ground>` is one on any server; without it, one on the lab's Dovecot. */
export interface Site<L extends Ground = Lab> {
  readonly lab: L;
  readonly configFile: string;
  readonly table: string;
  readonly stateFile: string;
  /** What the shared namespace begins with, as it is configured: UTF-8. */
  readonly sharedPrefix: string;
  /** The login of somebody on this server. */
  loginOf(name: string): string;
  /** Runs a command to its end. */
  mandat(...args: readonly string[]): Promise<Ran>;
  /** Debian's sqlite3 shell on delegation.db. Rejects when it fails. */
  sql(query: string): Promise<string>;
  /** Starts `mandat run` and waits until it watches. */
  run(): Promise<Running>;
  login(name: string): Promise<RawImap>;
  /** A mailbox for the owner and delegates for the names, in the table. */
  register(owner: string, ...delegates: readonly string[]): Promise<void>;
  /** Waits until every mailbox in the table is settled: nothing pending. */
  settled(limitMs?: number): Promise<void>;
  /** Ends every sidecar that {@link Site.run} started, as systemd would. */
  stopSidecars(signal?: NodeJS.Signals): Promise<void>;
  stop(): Promise<void>;
}

export interface Running {
  readonly pid: number;
  readonly log: () => readonly Record<string, unknown>[];
  /** SIGTERM, or another signal; resolves with the exit status (null after a signal). */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export async function startSite(options: SiteOptions): Promise<Site> {
  const {
    users,
    impersonate = 'authzid',
    scheme = 'login',
    sessions = true,
    senderRules = true,
    extraImap = '',
    extraSessions = '',
    extraToml = '',
    extraSubmission = '',
    configDirectory,
    ...lab
  } = options;
  const started = await startLab({
    reuse: true,
    ...lab,
    users: users.map((name) => ({ login: at(name), password: password(name) })),
  });
  const etc = configDirectory ?? started.directory;
  await writeFile(path.join(etc, 'doveadm.secret'), `${started.doveadm.apiKey}\n`, { mode: 0o600 });
  return siteOn(started, {
    scheme,
    configDirectory: etc,
    sharedPrefix: options.sharedPrefix ?? 'shared/',
    imap: `impersonate = "${impersonate}"\n${extraImap}`,
    toml: `${sessions ? `[sessions]\nurl = "${started.doveadm.url}"\n${extraSessions}` : ''}
${senderRules ? '[sender_rules]' : ''}
${extraToml}
${lab.filter === true ? `[submission]\nlisten = "filter.sock"\ncopy_listen = "copy.sock"\nreinject = "127.0.0.1:${started.reinject.port}"\n${extraSubmission}` : ''}`,
  });
}

export interface SetUp {
  readonly sharedPrefix: string;
  readonly scheme?: 'login' | 'rpps';
  readonly configDirectory?: string;
  /** Keys of [imap], and sections. */
  readonly imap?: string;
  readonly toml?: string;
  readonly loginOf?: (name: string) => string;
}

/** mandat set up on servers that run. */
export async function siteOn<L extends Ground>(started: L, setUp: SetUp): Promise<Site<L>> {
  const { directory } = started;
  const {
    scheme = 'login',
    configDirectory: etc = directory,
    sharedPrefix,
    imap = '',
    toml = '',
    loginOf = at,
  } = setUp;
  const configFile = path.join(etc, 'mandat.toml');
  const files = dataFiles(directory);
  const table = files.delegations;
  const store = await openSiteStore({ table, etc });
  await writeFile(path.join(etc, 'imap.secret'), `${started.master.password}\n`, { mode: 0o600 });
  await writeFile(
    configFile,
    `data_dir = "${directory}"
${store.toml}
[identity]
scheme = "${scheme}"
unknown_credential = "valid"
[grant]
acknowledge = false
[imap]
port = ${started.imap.port}
tls = "none"
admin_user = "${started.master.user}"
${imap}
${toml}
`,
  );
  const running = new Set<Running>();
  const mandat = (...args: readonly string[]) => mandatAt(configFile, args);
  const { sql } = store;
  await makeDatabases(configFile);
  return {
    lab: started,
    configFile,
    table,
    stateFile: files.state,
    sharedPrefix,
    loginOf,
    mandat,
    sql,
    run: async () => {
      const one = await startRunning(configFile);
      running.add(one);
      return one;
    },
    login: async (name) => {
      const imap = await connectImap(started.imap);
      const answer = await imap.login(loginOf(name), password(name));
      if (answer.status !== 'OK') throw new Error(`login of ${name}: ${answer.text}`);
      return imap;
    },
    register: async (owner, ...delegates) => {
      const people = delegates.map(
        (name) =>
          `INSERT INTO delegates (identifier, login, state) SELECT '${at(name)}', '${loginOf(name)}', 'active' WHERE NOT EXISTS (SELECT 1 FROM delegates WHERE login = '${loginOf(name)}' OR identifier = '${at(name)}');`,
      );
      await sql(
        `INSERT INTO mailbox (address, login) VALUES ('${at(owner)}', '${loginOf(owner)}'); ${people.join(' ')}`,
      );
    },
    settled: async (limitMs = 60_000) => {
      const done = async () => (await sql('SELECT count(*) FROM pending')) === '0\n';
      const logs = () => [...running].map((one) => JSON.stringify(one.log().slice(-15))).join('\n');
      await waitFor('nothing is pending', limitMs, done, logs);
    },
    stopSidecars: async (signal) => {
      for (const one of running) await one.end(signal);
      running.clear();
    },
    stop: async () => {
      for (const one of running) await one.end('SIGKILL');
      await started.stop();
    },
  };
}

/** What `mandat init` does, without the second that a process takes. */
async function makeDatabases(configFile: string): Promise<void> {
  const config = loadConfig({ path: configFile, env: {}, cwd: path.dirname(configFile) });
  const files = dataFiles(config.dataDir);
  await makeStores(config);
  sealKey(files.sealKey);
  senderMap(config, files)?.close();
  makeRuntimeDirectory(config.runtimeDir, { uid: 0, gid: 0 });
}

/** A sidecar finishes the step in hand before it ends. */
const END_LIMIT_MS = 60_000;

/** The filter is a process of lower priority, and on a machine that is busy with other things it comes last. */
const START_LIMIT_MS = 60_000;

/** `mandat run` as a process; nothing is waited for. `before`: a command that runs it. */
export async function spawnRun(configFile: string, before: readonly string[] = []) {
  const [file = '', ...first] = [...before, ...(await builtMandat())];
  const child = spawn(file, [...first, '--config', configFile, 'run'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  let ended: number | null | undefined;
  const exit = new Promise<number | null>((resolve) =>
    child.once('exit', (status) => {
      ended = status;
      resolve(status);
    }),
  );
  const log = () =>
    output
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    child,
    log,
    output: () => output,
    failIfEnded: () => {
      if (ended !== undefined) throw new Error(`mandat run ended with ${ended}: ${output}`);
    },
    /** Sends it a signal, unless it has ended; answers its exit status. */
    end: async (signal: NodeJS.Signals, ...more: readonly NodeJS.Signals[]) => {
      for (const one of ended === undefined ? [signal, ...more] : []) child.kill(one);
      return within(`the end of mandat run after ${signal}`, END_LIMIT_MS, exit, () => output);
    },
  };
}

async function startRunning(configFile: string): Promise<Running> {
  const { child, log, output, failIfEnded, end } = await spawnRun(configFile);
  const wanted = /^\[submission\]$/m.test(readFileSync(configFile, 'utf8'))
    ? ['watching', 'filtering submissions']
    : ['watching'];
  const ready = () => {
    failIfEnded();
    return wanted.every((one) => log().some(({ msg }) => msg === one));
  };
  await waitFor('the sidecar watches', START_LIMIT_MS, ready, output);
  return { pid: child.pid ?? 0, log, end: (signal = 'SIGTERM') => end(signal) };
}
