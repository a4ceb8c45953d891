/**
 * A conversation in lines, as IMAP, SMTP and ManageSieve hold it before anybody has logged in: greeting, STARTTLS, AUTH.
 * imapflow shows neither the certificate nor why it was refused, and speaks IMAP only.
 */
import net from 'node:net';
import tls from 'node:tls';
import { Failure } from '../shared/failure.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Whom to trust and which name to look for, as in imap.ca_file and imap.server_name. */
export interface Trust {
  readonly ca?: readonly string[] | undefined;
  readonly serverName?: string | undefined;
}

export interface Certificate {
  /** Why a client that checks would refuse it; undefined when it wouldn't. */
  readonly problem: string | undefined;
  readonly until: Date;
}

export interface Wire {
  /** The other end is on this machine. */
  readonly here: boolean;
  /** The address that the other end sees us come from. */
  readonly from: string;
  /** The lines up to the first that `last` accepts, that one included. */
  lines(last: (line: string) => boolean): Promise<readonly string[]>;
  send(line: string): void;
  /** TLS from here on, whatever certificate is shown: what to make of it is the caller's. */
  secure(trust: Trust): Promise<Certificate>;
  close(): void;
}

/** Fails `retry` when nobody listens, or nothing is said for so long. */
export async function openWire(address: Address, timeoutMs: number): Promise<Wire> {
  const where = `${address.host}:${address.port}`;
  const lost = (reason: string) =>
    new Failure('retry', `${where}: ${reason}`, 'check the address, and that the server runs');
  let socket: net.Socket = await connected(address, timeoutMs, lost);
  let received = '';
  let heard = 0;
  let failure: Failure | undefined;
  let wake = () => {};

  const listen = (on: net.Socket) => {
    on.setTimeout(timeoutMs, () => end(lost(`nothing was said for ${timeoutMs / 1000} s`)));
    on.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      heard += bytes.length;
      if (heard > MOST_HEARD) end(lost('there is no end to what it says'));
      wake();
    });
    on.on('error', (error: NodeJS.ErrnoException) => end(lost(error.code ?? error.message)));
    on.on('close', () => end(lost('the connection was closed')));
  };
  const end = (why: Failure) => {
    failure ??= why;
    socket.destroy();
    wake();
  };
  listen(socket);

  return {
    here: isHere(socket),
    from: (socket.localAddress ?? '').replace(/^::ffff:/, ''),
    lines: async (last) => {
      const found: string[] = [];
      const late = Date.now() + timeoutMs * PATIENCE;
      for (;;) {
        if (Date.now() > late) end(lost(`its answer took more than ${(timeoutMs * PATIENCE) / 1000} s`));
        for (let at = received.indexOf('\n'); at >= 0; at = received.indexOf('\n')) {
          const line = received.slice(0, at).replace(/\r$/, '');
          received = received.slice(at + 1);
          found.push(line);
          if (last(line)) return found;
        }
        if (failure !== undefined) throw failure;
        if (received.length > LONGEST_LINE) throw lost('what answers there does not speak in lines');
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    send: (line) => void socket.write(`${line}\r\n`),
    secure: async (trust) => {
      // Whatever came in clear after the go-ahead may be somebody else's (RFC 9051 section 6.2.1).
      received = '';
      const plain = socket;
      plain.removeAllListeners();
      const made = await secured(plain, address, trust, timeoutMs, lost);
      socket = made.socket;
      listen(socket);
      return made.certificate;
    },
    close: () => {
      failure ??= lost('closed');
      socket.destroy();
    },
  };
}

const LONGEST_LINE = 65_536;
/** Of all that it says in one conversation. */
const MOST_HEARD = 1024 * 1024;
/** How many times as long as it may be silent a whole answer may take, a line now and then. */
const PATIENCE = 3;

type Lost = (reason: string) => Failure;

function connected({ host, port }: Address, timeoutMs: number, lost: Lost): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port });
    const refuse = (reason: string) => {
      socket.destroy();
      reject(lost(reason));
    };
    socket.setTimeout(timeoutMs, () => refuse(`no connection within ${timeoutMs / 1000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => refuse(error.code ?? error.message));
    socket.once('connect', () => {
      socket.removeAllListeners();
      resolve(socket);
    });
  });
}

/** Both ends have the same address, or are loopback's. */
function isHere({ localAddress, remoteAddress = '' }: net.Socket): boolean {
  return localAddress === remoteAddress || /^(::ffff:)?127\.|^::1$/.test(remoteAddress);
}

function secured(
  plain: net.Socket,
  { host }: Address,
  { ca, serverName }: Trust,
  timeoutMs: number,
  lost: Lost,
): Promise<{ readonly socket: tls.TLSSocket; readonly certificate: Certificate }> {
  const name = serverName ?? host;
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: plain,
      host: name,
      ...(net.isIP(name) === 0 ? { servername: name } : {}),
      ...(ca === undefined ? {} : { ca: [...ca] }),
      rejectUnauthorized: false,
    });
    const refuse = (reason: string) => {
      socket.destroy();
      reject(lost(`TLS failed: ${reason}`));
    };
    socket.setTimeout(timeoutMs, () => refuse(`no answer within ${timeoutMs / 1000} s`));
    socket.once('error', (error: NodeJS.ErrnoException) => refuse(error.code ?? error.message));
    socket.once('close', () => refuse('the connection was closed'));
    socket.once('secureConnect', () => {
      socket.removeAllListeners();
      resolve({ socket, certificate: certificateOf(socket, name) });
    });
  });
}

function certificateOf(socket: tls.TLSSocket, name: string): Certificate {
  const shown = socket.getPeerCertificate();
  const problem = socket.authorized ? undefined : explained(String(socket.authorizationError), shown, name);
  return { problem, until: new Date(shown.valid_to) };
}

function explained(code: string, { valid_to, subjectaltname, subject }: tls.PeerCertificate, name: string): string {
  if (code.includes('CERT_HAS_EXPIRED')) return `it expired on ${new Date(valid_to).toISOString().slice(0, 10)}`;
  if (code.includes('ALTNAME_INVALID'))
    return `it is for ${subjectaltname ?? subject?.CN ?? 'nobody'}, not for ${name}`;
  if (/SELF_SIGNED|UNABLE_TO_|DEPTH_ZERO/.test(code))
    return `it is not signed by an authority that is trusted (${code})`;
  return code;
}
