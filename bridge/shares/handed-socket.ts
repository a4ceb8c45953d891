/** The socket that systemd has opened before it started us: mandat-shares.socket. sd_listen_fds(3). */

/** The first descriptor that is handed over. */
const FIRST = 3;

/** Undefined where none was meant for this process. `env` loses the words for it, so that no program we start takes them for its own. */
export function handedSocket(env: Record<string, string | undefined>, pid: number = process.pid): number | undefined {
  const meant = Number(env.LISTEN_PID) === pid && Number(env.LISTEN_FDS) >= 1;
  delete env.LISTEN_PID;
  delete env.LISTEN_FDS;
  delete env.LISTEN_FDNAMES;
  return meant ? FIRST : undefined;
}
