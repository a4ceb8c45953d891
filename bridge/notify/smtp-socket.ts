/**
 * The connection to the SMTP server for notices, opened by ourselves: nodemailer bounds a reply, but neither all that a server says nor how
 * long a conversation takes, and lines without end keep it, and us, busy.
 */
import net from 'node:net';

/** nodemailer's `getSocket`. */
export type GetSocket = (
  options: unknown,
  done: (error: Error | null, got?: { readonly connection: net.Socket }) => void,
) => void;

/** What a server says to a hundred letters: four answers to each, of the 512 bytes that RFC 5321 section 4.5.3.1.5 grants. */
const MOST_HEARD = 256 * 1024;
/** The same in lines: four answers of ten lines each. nodemailer works off an empty one a turn, and goes on when the connection has long ended. */
const MOST_LINES = 4000;
const LOOK_MS = 100;

/** @param mostMs after which a connection ends, whatever it is doing */
export function boundedSocket(address: net.TcpNetConnectOpts, connectMs: number, mostMs: number): GetSocket {
  return (_options, done) => {
    const socket = net.connect({ ...address, noDelay: true });
    const since = Date.now();
    const refuse = (error: Error) => {
      socket.destroy();
      done(error);
    };
    const late = () => refuse(new Error('no connection in time'));
    socket.setTimeout(connectMs, late);
    socket.once('error', refuse);
    socket.once('connect', () => {
      socket.off('error', refuse).off('timeout', late).setTimeout(0);
      let lines = 0;
      const look = (piece?: Buffer) => {
        lines += piece === undefined ? 0 : linesIn(piece);
        const endless = socket.bytesRead > MOST_HEARD || lines > MOST_LINES;
        if (!endless && Date.now() - since < mostMs) return;
        socket.destroy(new Error(endless ? 'there is no end to what it says' : 'it took too long'));
      };
      const looking = setInterval(() => look(), LOOK_MS);
      looking.unref();
      socket.once('close', () => clearInterval(looking));
      // Each piece is looked at before nodemailer has it; behind TLS, which takes the socket over, only its bytes, now and then.
      const beforeItsOwn = (event: string | symbol) => {
        if (event === 'data') socket.off('newListener', beforeItsOwn).on('data', look);
      };
      socket.on('newListener', beforeItsOwn);
      done(null, { connection: socket });
    });
  };
}

function linesIn(piece: Buffer): number {
  let lines = 0;
  for (let at = piece.indexOf('\n'); at !== -1; at = piece.indexOf('\n', at + 1)) lines++;
  return lines;
}
