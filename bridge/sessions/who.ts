/**
 * Open sessions as doveadm's `who` names them. It is the only witness: `kick` has answered 1 where nothing ended and 0 where two
 * sessions did (Dovecot 2.4). Its answer is that of Dovecot's anvil process, in which each session is entered when it begins.
 */
import type { Row } from './doveadm-api.ts';

export interface OpenSession {
  /** `imap`, `pop3`, `sieve`, ... */
  readonly service: string;
  readonly pid: string;
  /** The session's own name; empty where this Dovecot says none. */
  readonly session: string;
}

export function sessionsIn(rows: readonly Row[]): readonly OpenSession[] {
  return rows.map(({ service, pid, session = '' }) => ({
    service: word(service),
    pid: word(pid),
    session: word(session),
  }));
}

/** By process, and by name where there is one: what began later in a process that serves many counts as still open. */
export function stillOpen(before: readonly OpenSession[], now: readonly OpenSession[]): readonly OpenSession[] {
  const open = new Set(now.map(keyOf));
  return before.filter((one) => open.has(keyOf(one)));
}

const keyOf = ({ service, pid, session }: OpenSession) => `${service} ${pid} ${session}`;

const word = (value: unknown) => String(value ?? '?');
