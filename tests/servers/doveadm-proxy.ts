/**
 * A port in front of the doveadm API, with what Dovecot 2.3 can't be brought to show: a `kick` that is answered and ends nothing, as 2.4
 * does as it comes; sessions that `who` names when they are gone, or doesn't while they are there. Everything else goes through as it is.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Command = readonly [name: string, parameters: object, tag: string];

export interface DoveadmProxy {
  readonly port: number;
  /** The orders of each request that came, as in `who kick`. */
  readonly asked: string[];
  /** While true, `kick` is answered as 2.4 does, and not passed on. */
  lying: boolean;
  /** While true, `who` names nobody. */
  blind: boolean;
  /** While set, `who` also names a session of this process, until it was asked so often. */
  ghost: { readonly pid: string; times: number } | undefined;
  /** Called before each `kick` is passed on. */
  beforeKick: (() => Promise<void>) | undefined;
  close(): Promise<void>;
}

export async function startDoveadmProxy(target: string): Promise<DoveadmProxy> {
  const server = createServer(async (request, response) => {
    const commands = JSON.parse(await text(request)) as readonly Command[];
    proxy.asked.push(commands.map(([name]) => name).join(' '));
    const answers: string[] = [];
    for (const command of commands) answers.push(await answerTo(command, request.headers.authorization ?? ''));
    response.end(`[${answers.join(',')}]`);
  });
  const answerTo = async (command: Command, authorization: string): Promise<string> => {
    const [name, parameters, tag] = command;
    if (name === 'kick' && proxy.lying) return JSON.stringify(['doveadmResponse', [{ count: '1' }], tag]);
    if (name === 'who' && proxy.blind) return JSON.stringify(['doveadmResponse', [], tag]);
    if (name === 'kick') await proxy.beforeKick?.();
    const passed = await fetch(target, { method: 'POST', headers: { authorization }, body: JSON.stringify([command]) });
    const [answer] = JSON.parse(await passed.text()) as [string, object[], string][];
    if (name === 'who' && proxy.ghost !== undefined && proxy.ghost.times-- > 0) {
      const [username = 'ghost'] = (parameters as { mask?: string[] }).mask ?? [];
      answer?.[1].push({ username, service: 'imap', pid: proxy.ghost.pid, ip: '127.0.0.1' });
    }
    return JSON.stringify(answer);
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: DoveadmProxy = {
    port: (server.address() as AddressInfo).port,
    asked: [],
    lying: false,
    blind: false,
    ghost: undefined,
    beforeKick: undefined,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return proxy;
}
