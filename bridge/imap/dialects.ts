/** The dialects that there are, and which of them a server speaks: as configured, or told apart by looking. */
import type { Connection } from './connection.ts';
import { cyrus } from './cyrus.ts';
import type { Dialect, DialectOf } from './dialect.ts';
import { dovecot } from './dovecot.ts';
import { rfc4314 } from './rfc4314.ts';
import { type Introduction, introduction } from './server-introduction.ts';

/** In the order in which they are asked; the last speaks for a server that none of them knows. */
const DIALECTS: readonly Dialect[] = [cyrus, dovecot, rfc4314];

export type ServerKind = 'auto' | Dialect['kind'];

/** A server as it was last seen: which dialect, and what it says of itself. */
export interface Seen {
  readonly kind: Dialect['kind'];
  /** `Dovecot 2.3.19.1`; of a server that doesn't say it, only what it was taken for. */
  readonly title: string;
  /** Whether the configuration says so, or it was told by looking. */
  readonly by: 'configuration' | 'looking';
}

export interface DialectOptions {
  readonly server: ServerKind;
  /** Give rights too with which a delegate could carry a folder off ({@link Dialect.carriesOff}). */
  readonly allowCarryingOff: boolean;
}

/** @param onSeen told once of each server that answers, and again when another one does */
export function dialectsBy(options: DialectOptions, onSeen: (seen: Seen) => void = () => {}): DialectOf {
  // A server that has been exchanged offers something else.
  const known = new Map<string, Promise<Dialect>>();
  return (connection) => {
    const offers = [...connection.capabilities].sort().join(' ');
    const dialect = known.get(offers) ?? look(connection, options, onSeen);
    known.set(offers, dialect);
    dialect.catch(() => known.delete(offers));
    return dialect;
  };
}

async function look(connection: Connection, options: DialectOptions, onSeen: (seen: Seen) => void): Promise<Dialect> {
  const said = await introduction(connection);
  const dialect = chosen(said, options.server);
  onSeen({
    kind: dialect.kind,
    title: [said.name || dialect.title, said.version].filter((word) => word !== '').join(' '),
    by: options.server === 'auto' ? 'looking' : 'configuration',
  });
  return options.allowCarryingOff ? { ...dialect, withheld: without(dialect.withheld, dialect.carriesOff) } : dialect;
}

/** Which dialect a server speaks that introduces itself so. */
export function chosen(said: Introduction, server: ServerKind): Dialect {
  const wanted = DIALECTS.find(({ kind }) => kind === server) ?? DIALECTS.find((one) => one.recognises(said));
  return wanted ?? (DIALECTS.at(-1) as Dialect);
}

const without = (letters: string, taken: string) => [...letters].filter((letter) => !taken.includes(letter)).join('');
