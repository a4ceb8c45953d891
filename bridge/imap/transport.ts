/** Sockets that we open ourselves, for imapflow: one that is there already, or one from an address of our choice. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ImapFlowOptions } from 'imapflow';
import type { Endpoint } from './endpoint.ts';

export type Transport = NonNullable<ImapFlowOptions['transport']>;
type ImapTransportOptions = Parameters<Transport['connect']>[0];

export function connectTcpTo({ host, port, localAddress }: Endpoint): Socket {
  return connectTcp({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
}

/** From the endpoint's own local address. */
export function transportFrom(endpoint: Endpoint): Transport {
  return carriedBy(() => connectTcpTo(endpoint).setNoDelay(true));
}

/** What imapflow does by itself, on a socket that is there already. `host` is what the certificate is checked against. */
export function carriedBy(take: () => Socket): Transport {
  const secured = (
    { host, port, servername, tls }: Omit<ImapTransportOptions, 'secure'>,
    socket: Socket,
    onSecure: () => void,
  ) => connectTls({ host, port, ...tls, ...(servername === undefined ? {} : { servername }), socket }, onSecure);
  return {
    connect: (options, onConnect) => {
      const spare = take();
      if (options.secure) return secured(options, spare, onConnect);
      if (spare.connecting) spare.once('connect', onConnect);
      else setImmediate(onConnect);
      return spare;
    },
    upgrade: (socket, options, onSecure) => secured(options, socket as Socket, onSecure),
  };
}
