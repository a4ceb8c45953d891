/** What is asked of a mailbox on another mail server than the one that this machine's configuration names. */
import { Failure } from '../shared/failure.ts';

/** `address` may be a whole sentence's subject: `alice@example.org`. */
export function notHere(address: string, server: string): Failure {
  return new Failure(
    'refused',
    `${address} is on the mail server ${server}, which is not the one that this machine's [server] name means`,
    `run it where [server] name = "${server}"`,
    { rule: 'MANDAT_OTHER_SERVER' },
  );
}
