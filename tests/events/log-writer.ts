/** A log such as Dovecot writes, with whatever happens to logs. Events are told apart by their number. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import type { ServerEvent } from '../../bridge/events/server-event.ts';

/** Some 700 octets, as they come. */
export function eventText(n: number, fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    event: 'imap_command_finished',
    hostname: 'vm',
    end_time: new Date(1_790_000_000_000 + n).toISOString(),
    categories: ['imap', 'service:imap'],
    fields: {
      user: 'bob@lab.test',
      session: `s${n}`,
      cmd_name: 'SELECT',
      mailbox: 'shared/alice@lab.test/été',
      tagged_reply_state: 'OK',
      ...fields,
    },
  });
}

export const numberOf = (event: ServerEvent) => Number(event.session.slice(1));

/** As Dovecot cuts what is longer than 4 KiB: in octets, each part on a line of its own. */
export function saidByStats(text: string, most = 4100): readonly string[] {
  const octets = Buffer.from(text).toString('latin1');
  const parts: string[] = [];
  for (let at = 0; at < octets.length; at += most)
    parts.push(`Nov 29 10:50:03 stats: Info: ${octets.slice(at, at + most)}`);
  return parts;
}

export interface LogWriter {
  /** The next so many events. */
  events(count?: number): void;
  /** As it stands, in Latin-1. */
  raw(text: string): void;
  rename(): void;
  /** logrotate's `copytruncate`. */
  copyAndEmpty(): void;
  remove(): void;
  /** How many events were written. */
  readonly written: number;
}

/** `style`: `file` writes an event a line; `mixed` as the process stats among others, cut where one is long. */
export function logWriter(log: string, style: 'file' | 'mixed'): LogWriter {
  let written = 0;
  const append = (text: string) => appendFileSync(log, text, 'latin1');
  const shift = () => {
    for (let number = 8; number >= 1; number--)
      if (existsSync(`${log}.${number}`)) renameSync(`${log}.${number}`, `${log}.${number + 1}`);
    rmSync(`${log}.9`, { force: true });
  };
  /** The file system's clock goes on: nobody rotates twice within a tick of it. */
  const tick = () => {
    const { mtimeMs } = statSync(`${log}.1`);
    do writeFileSync(`${log}~`, '');
    while (statSync(`${log}~`).mtimeMs <= mtimeMs);
  };
  return {
    events: (count = 1) => {
      for (let one = 0; one < count; one++) {
        const n = ++written;
        const text = eventText(n, n % 7 === 0 ? { cmd_args: 'é"'.repeat(1500) } : {});
        if (style === 'file') append(`${Buffer.from(text).toString('latin1')}\n`);
        else
          for (const line of saidByStats(text)) append(`${line}\nNov 29 10:50:03 imap-login: Info: Login: user=<x>\n`);
      }
    },
    raw: append,
    rename: () => {
      shift();
      renameSync(log, `${log}.1`);
      tick();
      writeFileSync(log, '');
    },
    copyAndEmpty: () => {
      shift();
      copyFileSync(log, `${log}.1`);
      truncateSync(log, 0);
      tick();
    },
    remove: () => rmSync(log),
    get written() {
      return written;
    },
  };
}
