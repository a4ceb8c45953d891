import type { SMTPServer } from 'smtp-server';
import { eachConnection } from './smtp-connections.ts';

/**
 * smtp-server holds its greeting back for 100 ms, to catch clients that talk before it. Ours is Postfix, and would wait so long at every
 * message. Its timer comes later, and finds the greeting said.
 */
export function greetAtOnce(server: SMTPServer): void {
  eachConnection(server, (connection: { connectionReady?: () => void }) => {
    const ready = connection.connectionReady?.bind(connection);
    if (ready === undefined) return;
    connection.connectionReady = () => {};
    ready();
  });
}
