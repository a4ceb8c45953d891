/** What systemd is to a service: a Unix datagram socket that hears how it is. Node has none, so Python listens. */
import { spawn, spawnSync } from 'node:child_process';
import { waitFor } from '../../config/lab/wait.ts';

/** Prints each message as a line of JSON; descriptors that come along are dropped, as systemd does once it has read what came before. */
const PROGRAM = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + sys.argv[1][1:] if sys.argv[1].startswith('@') else sys.argv[1])
print('"listening"', flush=True)
while True:
    text = s.recv(65536).decode()
    print(json.dumps(dict(line.split('=', 1) for line in text.split('\\n') if '=' in line)), flush=True)
`;

export const PYTHON = ['/usr/bin/python3', 'python3'].find((name) => spawnSync(name, ['--version']).status === 0);
export const WITHOUT =
  PYTHON === undefined || spawnSync('systemd-notify', ['--version'], { env: { PATH: '/usr/bin:/bin' } }).status !== 0
    ? 'python3 or systemd-notify is not on this machine'
    : false;

export type Message = Readonly<Record<string, string>>;

export interface Listener {
  /** In the order in which they came, without the barriers that systemd-notify waits at. */
  readonly heard: readonly Message[];
  close(): void;
}

/** `at`: a path, or an abstract name that begins with @. */
export async function listenAt(at: string): Promise<Listener> {
  const child = spawn(PYTHON ?? '', ['-c', PROGRAM, at], { stdio: ['ignore', 'pipe', 'inherit'] });
  const heard: Message[] = [];
  let ready = false;
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const said = JSON.parse(line) as Message | 'listening';
      if (said === 'listening') ready = true;
      else if (!('BARRIER' in said)) heard.push(said);
    }
  });
  await waitFor('the listener', 10_000, () => ready);
  return { heard, close: () => child.kill('SIGKILL') };
}
