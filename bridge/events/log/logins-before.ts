/**
 * What a log said of logins before the place from which it's read on. Who opened a session is told once, when it begins; of a session that goes on
 * over a restart of ours it has to be known again, or what a master user does in it would look like the owner's doing.
 */
import { readSync } from 'node:fs';
import type { ServerEvent } from '../server-event.ts';
import { logLines } from './log-lines.ts';

/** So much of a file is looked through: some 90,000 events. */
const OCTETS = 64 * 1024 * 1024;
const PORTION = 256 * 1024;
const LOGIN = '"auth_request_finished"';

/** @param tell each of them, in order */
export function loginsBefore(fd: number, at: number, tell: (login: ServerEvent) => void): void {
  const lines = logLines();
  const portion = Buffer.allocUnsafe(PORTION);
  let half: Buffer = Buffer.alloc(0);
  for (let place = Math.max(0, at - OCTETS); place < at; ) {
    const length = readSync(fd, portion, 0, Math.min(PORTION, at - place), place);
    if (length === 0) return;
    place += length;
    const data = Buffer.concat([half, portion.subarray(0, length)]);
    let begin = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, begin)) {
      const line = data.subarray(begin, end);
      const event = line.includes(LOGIN) ? lines.take(line) : undefined;
      if (event?.kind === 'login') tell(event);
      begin = end + 1;
    }
    half = data.length - begin > PORTION ? Buffer.alloc(0) : data.subarray(begin);
  }
}
