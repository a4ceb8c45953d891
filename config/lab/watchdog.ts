import { spawn } from 'node:child_process';
import { within } from './wait.ts';

/** Ends the servers of a lab whose process died without stopping it, whatever the cause: SIGKILL, a crash, a tap timeout. */
export interface Watchdog {
  dismiss(): Promise<void>;
}

// It reads a pipe whose other end only the lab's process holds: end of file means that the lab is gone. A pid is killed
// only while its command line still shows the lab's directory; pids are used again.
const SCRIPT = `
read -r word
[ "$word" = dismissed ] && exit 0
for file in "$1"/dovecot/run/master.pid "$1"/postfix/queue/pid/master.pid "$1"/cyrus/master.pid "$1"/server.pid; do
  pid=$(tr -d ' ' 2>/dev/null <"$file") || continue
  tr '\\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$1/" || continue
  kill "$pid" $(cat "/proc/$pid/task/$pid/children" 2>/dev/null)
  while grep -qa . "/proc/$pid/cmdline" 2>/dev/null; do sleep 0.1; done # empty for a zombie
done
[ "$2" = remove ] && rm -rf "$1"
`;

export function startWatchdog(directory: string, removeDirectory: boolean): Watchdog {
  const dog = spawn('/bin/sh', ['-c', SCRIPT, 'mandat-lab-watchdog', directory, removeDirectory ? 'remove' : 'keep'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A session of its own, or the terminal's Ctrl-C would end it together with the lab.
    detached: true,
  });
  dog.unref();
  const ended = new Promise<void>((resolve) => dog.once('exit', () => resolve()));
  return {
    async dismiss() {
      dog.ref();
      dog.stdin.on('error', () => {}); // it may have been killed before us
      dog.stdin.end('dismissed\n');
      await within("the end of the lab's watchdog", 30_000, ended);
    },
  };
}
