/** `mandat shares serve` as a process, set up as for a site, at a socket that the lab's Dovecot asks at. */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openShareStore, type ShareStore } from '../../bridge/shares/share-store.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { systemUser } from '../../config/lab/system-ids.ts';
import { waitFor, within } from '../../config/lab/wait.ts';
import { builtMandat } from '../cli/built.ts';
import type { Ran } from '../cli/commands.ts';
import { mandatAt } from '../cli/warm.ts';

export interface SharesServer {
  readonly socket: string;
  readonly configFile: string;
  /** shares.db */
  readonly database: string;
  /** Of the process that answers; where the socket is held, of the one that answers now. */
  pid(): number;
  log(): string;
  start(): Promise<void>;
  end(): Promise<void>;
  mandat(...args: readonly string[]): Promise<Ran>;
  /** A look into its database, beside it. */
  look<T>(at: (store: ShareStore) => T): T;
  /** Ends it, and takes all of it away. */
  stop(): Promise<void>;
}

/**
 * Keeps a socket open, as systemd does for mandat-shares.socket, hands it to the program, and starts that anew whenever it has ended. It ends, and
 * ends the program, with whoever started it.
 */
const HOLDER = `
import os, signal, socket, subprocess, sys, threading
place, gid, program = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
held = socket.socket(socket.AF_UNIX)
held.bind(place)
os.chown(place, -1, gid)
os.chmod(place, 0o660)
held.listen(4096)
os.dup2(held.fileno(), 3)
child = None
def end(*_):
    if child: child.kill()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
threading.Thread(target=lambda: (sys.stdin.read(), end()), daemon=True).start()
while True:
    child = subprocess.Popen(['sh', '-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', 'sh'] + program, pass_fds=[3], stdin=subprocess.DEVNULL)
    print('process', child.pid, file=sys.stderr, flush=True)
    child.wait()
`;

const LIMIT_MS = 60_000;

/** `held`: somebody else keeps the socket open and starts it anew, as systemd does. */
export async function startShares({ held = false } = {}): Promise<SharesServer> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-shr-'));
  await chmod(directory, 0o755); // the mail's user passes through
  const configFile = path.join(directory, 'mandat.toml');
  const socket = path.join(directory, 'dict');
  const { gid } = systemUser('mail');
  await writeFile(configFile, `[shares]\nlisten = "${socket}"\ngroup = "${gid}"\n`, { mode: 0o600 });
  await writeFile(path.join(directory, 'imap.secret'), 'secret\n', { mode: 0o600 });
  const mandat = (...args: readonly string[]) => mandatAt(configFile, args, {});
  const made = await mandat('init');
  if (made.status !== 0) throw new Error(made.stderr);
  const served = [...(await builtMandat()), '--config', configFile, 'shares', 'serve'];
  let log = '';
  let pid = 0;
  let end = async () => {};
  const start = async () => {
    const from = log.length;
    const [program = '', ...args] = held ? ['python3', '-c', HOLDER, socket, String(gid), ...served] : served;
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
    pid = child.pid ?? 0;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      pid = Number(/.*process (\d+)\n/s.exec(log)?.[1] ?? pid);
    });
    const ended = new Promise<void>((done) => child.once('exit', () => done()));
    end = async () => {
      child.kill();
      await within('the end of mandat shares serve', 60_000, ended, () => log);
    };
    await waitFor('the list of shares', LIMIT_MS, () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${log}`);
      return log.slice(from).includes('answering Dovecot');
    });
  };
  await start();
  const { shares: database } = dataFiles(path.join(directory, 'data'));
  return {
    socket,
    configFile,
    database,
    pid: () => pid,
    log: () => log,
    start,
    end: () => end(),
    mandat,
    look: (at) => {
      const store = openShareStore(database, () => {});
      try {
        return at(store);
      } finally {
        store.close();
      }
    },
    stop: async () => {
      await end();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
