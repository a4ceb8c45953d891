import type { SMTPServer } from 'smtp-server';

/**
 * smtp-server holds its greeting back for 100 ms, to catch clients that talk before it. Ours is Postfix, and would wait so long at every
 * message. Its timer comes later, and finds the greeting said.
 */
export function greetAtOnce(server: SMTPServer): void {
  const open = server as unknown as { connect: (...socket: unknown[]) => void };
  const connect = open.connect.bind(server);
  open.connect = (...socket) => {
    connect(...socket);
    const connection: { connectionReady?: () => void } = [...server.connections].at(-1) ?? {};
    const ready = connection.connectionReady?.bind(connection);
    if (ready === undefined) return;
    connection.connectionReady = () => {};
    ready();
  };
}
