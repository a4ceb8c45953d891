/** Stands between mandat and Dovecot, sees each command before the server does, and decides what becomes of it. */
import net from 'node:net';
import type { Address } from '../../config/lab/lab.ts';
import { sayForEver } from '../imap/fake-server.ts';
import { editConfig } from './configure.ts';
import type { Site } from './site.ts';

export type Fate =
  | 'pass'
  /** The server never hears of it, nor of anything after it on this connection, which stays open and silent. */
  | 'stall'
  /** Both sides lose the connection, before the server has heard of it. */
  | 'drop'
  /**
   * What a process does that is killed at this moment: the server loses every connection, and the client, which is meant to be
   * killed or forgotten, hears nothing more on any.
   */
  | 'freeze'
  /** The same when the server has done this one: its answer is not heard. */
  | 'freeze-after'
  /** The server reads this instead. */
  | { readonly line: string }
  /** The server never hears of it; the client reads this, again and again without end. */
  | { readonly endless: string }
  /** The server never hears of it; the client reads this behind the command's tag, once what went before it is answered. */
  | { readonly reply: string };

export interface Proxy extends Address {
  /** Resolves when a `freeze` has happened. */
  readonly frozen: Promise<void>;
  freeze(): void;
  /** How many connections with the server are open. */
  open(): number;
  /** Ends every connection and listens no more. */
  close(): Promise<void>;
}

/** Asked once for each line of a client, in order; the next waits for the answer. */
export type Decide = (line: string) => Fate | Promise<Fate>;

/** `port`: where one was that is closed; not given: a free one. */
export async function startProxy(target: Address, decide: Decide, port = 0): Promise<Proxy> {
  const clients = new Set<net.Socket>();
  const servers = new Set<net.Socket>();
  let isFrozen = false;
  let tell: () => void = () => {};
  const frozen = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const freeze = () => {
    isFrozen = true;
    for (const server of servers) server.destroy();
    tell();
  };
  const listener = net.createServer((client) => {
    clients.add(client);
    client.on('error', () => {}); // 'close' follows
    if (isFrozen) return;
    const server = net.connect({ host: target.host, port: target.port, noDelay: true });
    servers.add(server);
    server.on('error', () => {});
    let stalled = false;
    /** Of the command whose answer is not heard. */
    let last: string | undefined;
    /** Tags of what the server has heard and not answered yet: the client may send ahead. */
    const unanswered = new Set<string>();
    let onAnswered = () => {};
    const answered = async () => {
      while (unanswered.size > 0 && !server.destroyed)
        await new Promise<void>((resolve) => {
          onAnswered = resolve;
        });
    };
    let heard = '';
    server.on('data', (bytes) => {
      if (stalled || isFrozen) return;
      if (last === undefined) client.write(bytes);
      const lines = (heard + bytes.toString('latin1')).split('\r\n');
      heard = lines.pop() ?? '';
      for (const one of lines) unanswered.delete(/^(\S+) (?:OK|NO|BAD)\b/.exec(one)?.[1] ?? '');
      onAnswered();
      if (last !== undefined && !unanswered.has(last)) freeze();
    });
    server.on('close', () => {
      servers.delete(server);
      onAnswered();
      if (!stalled && !isFrozen) client.destroy();
    });
    client.on('close', () => {
      clients.delete(client);
      server.destroy();
    });
    const line = async (text: string) => {
      if (stalled || last !== undefined || isFrozen) return;
      const fate = await decide(text);
      if (fate === 'drop') server.destroy();
      else if (fate === 'stall') stalled = true;
      else if (fate === 'freeze') freeze();
      else if (typeof fate === 'object' && 'endless' in fate) {
        stalled = true;
        sayForEver(client, { say: fate.endless });
      } else if (typeof fate === 'object' && 'reply' in fate) {
        await answered();
        client.write(`${text.split(' ', 1)[0]} ${fate.reply}\r\n`, 'utf8');
      } else {
        const tag = /^(\S+) \S/.exec(text)?.[1];
        if (tag !== undefined) unanswered.add(tag);
        if (fate === 'freeze-after') last = tag ?? '';
        server.write(`${typeof fate === 'object' ? fate.line : text}\r\n`);
      }
    };
    let rest = '';
    let done = Promise.resolve();
    client.setEncoding('latin1').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n');
      rest = lines.pop() ?? '';
      for (const one of lines) done = done.then(() => line(one));
    });
  });
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (listener.address() as net.AddressInfo).port,
    frozen,
    open: () => servers.size,
    freeze,
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve));
      for (const socket of [...clients, ...servers]) socket.destroy();
      await closed;
    },
  };
}

/** The command word of a client's line, `SETACL` of `A7 SETACL "INBOX" ...`. */
export function commandOf(line: string): string {
  return line.split(' ', 2)[1]?.toUpperCase() ?? '';
}

/** A command that changes something on the server. */
export function isChange(line: string): boolean {
  return ['SETACL', 'DELETEACL', 'SUBSCRIBE', 'UNSUBSCRIBE'].includes(commandOf(line));
}

/** From its next start on, mandat reaches the IMAP server through this port. */
export async function routeThrough(site: Pick<Site, 'configFile'>, { port }: { readonly port: number }): Promise<void> {
  await editConfig(site, (toml) => toml.replace(/(\[imap\]\nport = )\d+/, `$1${port}`));
}
