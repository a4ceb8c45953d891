/**
 * Whether the IMAP server can be reached, as it was seen last: by a pass or another session of ours, and where there was none for a while,
 * by a connection that reads the greeting and logs nobody in.
 */
import net from 'node:net';
import tls from 'node:tls';
import type { Endpoint } from '../imap/endpoint.ts';
import { CREDENTIALS_REFUSED } from '../imap/login-guard.ts';
import type { MailServer } from '../reconcile/driver-interfaces.ts';
import type { Failure } from '../shared/failure.ts';
import { failureOf } from '../shared/failure.ts';

/** `refused`: it answers, and takes no login by mandat's own name and password. `greeted`: it answers, and nobody has logged in. */
export type Contact = 'in' | 'greeted' | 'refused' | 'unreachable';

/** Failures by which a server has answered, about one account. */
const ANSWERED = new Set(['NO_ACCOUNT', 'ACCOUNT_CLOSED', 'LOGIN_REFUSED', 'TOO_MANY_SESSIONS']);

/** Undefined where a failure says nothing of the server: the rows have changed meanwhile, say. */
export function contactBy({ code, rule }: Pick<Failure, 'code' | 'rule'>): Contact | undefined {
  if (rule === CREDENTIALS_REFUSED) return 'refused';
  if (code === 'internal') return undefined;
  return ANSWERED.has(rule ?? '') || (code !== 'retry' && code !== 'config') ? 'greeted' : 'unreachable';
}

/** Each session that is opened, or isn't, is told. */
export function watchedServer(server: MailServer, told: (contact: Contact) => void): MailServer {
  const opening = async <T>(open: () => Promise<T>): Promise<T> => {
    try {
      const view = await open();
      told('in');
      return view;
    } catch (error) {
      const contact = contactBy(failureOf(error));
      if (contact !== undefined) told(contact);
      throw error;
    }
  };
  return {
    ...server,
    asOwner: (...about) => opening(() => server.asOwner(...about)),
    asDelegate: (...about) => opening(() => server.asDelegate(...about)),
  };
}

/** What is known. */
export interface Known {
  readonly up: boolean;
  readonly refused: boolean;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A greeting says nothing of our login: what was refused stays so until a login works. */
export function openContacts(now: () => number = Date.now) {
  let known: Known | undefined;
  return {
    told: (contact: Contact): void => {
      const up = contact !== 'unreachable';
      const refused = contact === 'refused' || (contact !== 'in' && known?.refused === true);
      known = { up, refused, at: now() };
    },
    known: () => known,
  };
}

/** Whether something greets there as an IMAP server does (RFC 9051 section 7.1.5). Never rejects. */
export function greets({ host, port, tls: how, ca, serverName, timeoutMs, localAddress }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const from = localAddress === undefined ? {} : { localAddress };
    const socket =
      how === 'implicit'
        ? tls.connect({
            host,
            port,
            ...from,
            ...(ca === undefined ? {} : { ca: [...ca] }),
            ...(serverName === undefined && net.isIP(host) !== 0 ? {} : { servername: serverName ?? host }),
          })
        : net.connect({ host, port, ...from });
    const end = (answer: boolean) => {
      clearTimeout(late); // a server that says a little now and then may not keep us
      socket.destroy();
      resolve(answer);
    };
    const late = setTimeout(() => end(false), timeoutMs);
    let heard = '';
    socket.setEncoding('latin1');
    socket.on('error', () => end(false)).on('close', () => end(false));
    socket.on('data', (text: string) => {
      heard += text;
      if (heard.includes('\n') || heard.length >= ENOUGH) end(/^\* (OK|PREAUTH)\b/i.test(heard));
    });
  });
}

/** `* PREAUTH`, where the line is longer. */
const ENOUGH = 9;
