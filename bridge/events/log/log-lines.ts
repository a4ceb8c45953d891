/**
 * Which lines of a log of Dovecot's are events. `driver = file` writes an event a line and nothing else. `log` writes them among all that Dovecot
 * says, as its process `stats`: `Nov 29 10:50:03 stats: Info: {"event":...`, and cuts what is longer than 4 KiB into several lines with the same
 * beginning, other processes' in between perhaps. In what others say may stand what a client has sent, so an event is only what `stats` itself
 * says from the beginning of a line. Pure.
 *
 * Source: Dovecot 2.3.19 and 2.4.1 as they write (docs/server-notes.md).
 */
import { LARGEST_EVENT, readServerEvent, type ServerEvent } from '../server-event.ts';

export interface LogLines {
  /** One line's octets, without its end. Undefined: no event, or none yet. */
  take(line: Buffer): ServerEvent | undefined;
  /** An event has begun and goes on in a line that has not come. */
  readonly begun: boolean;
  /** Lines that began as an event and came to none. */
  readonly malformed: number;
}

/**
 * A time as it is configured, a host and `dovecot:` from syslog, then who says it. No word before may end in a colon: that would be another
 * process, who quotes this one.
 */
const SAID_BY_STATS =
  /^(?:[\w.,:+/-]{0,63}[\w.,+/-] {1,2}){0,8}((?:dovecot(?:\[\d{1,10}\])?: )?stats(?:\(\d{1,10}\))?: (?:Info: )?)/;
const BEGINNING = '{"event":"';

interface Begun {
  readonly label: string;
  /** Latin-1: a character may be cut in two. */
  text: string;
}

export function logLines(): LogLines {
  let begun: Begun | undefined;
  let malformed = 0;

  const read = (text: string): ServerEvent | 'other' | 'not whole' => {
    if (!text.endsWith('}')) return 'not whole';
    const event = readServerEvent(Buffer.from(text, 'latin1').toString('utf8'));
    if (event === 'not JSON') return 'not whole';
    if (typeof event !== 'string') return event;
    if (event !== 'other') malformed++;
    return 'other';
  };
  const goOn = (text: string, open: Begun): ServerEvent | undefined => {
    open.text += text;
    const event = read(open.text);
    if (event === 'not whole') {
      if (open.text.length > LARGEST_EVENT) giveUp();
      return undefined;
    }
    begun = undefined;
    return event === 'other' ? undefined : event;
  };
  const giveUp = () => {
    if (begun === undefined) return;
    begun = undefined;
    malformed++;
  };
  const begin = (text: string, label: string): ServerEvent | undefined => {
    giveUp(); // one process says one thing after the other
    const event = read(text);
    if (event !== 'not whole') return event === 'other' ? undefined : event;
    if (label === '') malformed++;
    else begun = { label, text };
    return undefined;
  };

  return {
    take: (line) => {
      if (line[0] === BRACE) return begin(line.toString('latin1'), '');
      const text = line.toString('latin1');
      const [head, label] = SAID_BY_STATS.exec(text) ?? [];
      if (head === undefined || label === undefined) return undefined;
      const said = text.slice(head.length);
      if (said.startsWith(BEGINNING)) return begin(said, label);
      return begun?.label === label ? goOn(said, begun) : undefined;
    },
    get begun() {
      return begun !== undefined;
    },
    get malformed() {
      return malformed;
    },
  };
}
const BRACE = 0x7b;
