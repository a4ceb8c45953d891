/**
 * A head start: the connection to the IMAP server is opened when the table is known to have changed, while it is still being found
 * out what changed. Accepting a connection takes Dovecot as long as all our reading (it starts a process for each), so the first
 * login of a grant or a revoke saves half its time. What nobody used within seconds is closed again.
 */
import type { Socket } from 'node:net';
import type { Endpoint } from './endpoint.ts';
import { carriedBy, connectTcpTo, type Transport } from './transport.ts';

export interface HeadStart {
  /** Opens a connection now, for whoever needs one next. */
  prepare(): void;
  /** A prepared connection in the form that imapflow takes, once; undefined when there is none: imapflow then opens its own. */
  take(): Transport | undefined;
}

/** Well below what a server allows before a login (Dovecot: 3 minutes), long enough for a busy moment. */
const KEPT_MS = 5000;

export function openHeadStart(endpoint: Endpoint): HeadStart {
  const spares: { readonly socket: Socket; readonly timer: NodeJS.Timeout }[] = [];

  const drop = (socket: Socket) => {
    const at = spares.findIndex((spare) => spare.socket === socket);
    if (at >= 0) clearTimeout(spares.splice(at, 1)[0]?.timer);
  };
  const dispose = (socket: Socket) => {
    drop(socket);
    socket.destroy();
  };
  const live = (): Socket | undefined => {
    for (let spare = spares.shift(); spare !== undefined; spare = spares.shift()) {
      clearTimeout(spare.timer);
      spare.socket.removeAllListeners('error').removeAllListeners('close');
      if (!spare.socket.destroyed && spare.socket.readable) return spare.socket.ref();
    }
    return undefined;
  };

  return {
    prepare: () => {
      const socket = connectTcpTo(endpoint);
      socket.setNoDelay(true).unref(); // a sidecar that leaves doesn't wait for it
      const timer = setTimeout(() => dispose(socket), KEPT_MS);
      timer.unref();
      socket.on('error', () => drop(socket)).on('close', () => drop(socket));
      spares.push({ socket, timer });
    },
    take: () => {
      const socket = live();
      return socket === undefined ? undefined : carriedBy(() => socket);
    },
  };
}
