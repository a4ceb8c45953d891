import type { SMTPServer } from 'smtp-server';

/** Has each connection prepared before smtp-server hears anything on it. `Connection` is what is known of its SMTPConnection. */
export function eachConnection<Connection>(server: SMTPServer, prepare: (connection: Connection) => void): void {
  const open = server as unknown as { connect: (...socket: unknown[]) => void };
  const connect = open.connect.bind(server);
  open.connect = (...socket) => {
    const before = server.connections.size;
    connect(...socket);
    const last = [...server.connections].at(-1);
    if (last !== undefined && server.connections.size > before) prepare(last as unknown as Connection);
  };
}
