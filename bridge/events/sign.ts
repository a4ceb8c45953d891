/**
 * How `mandat doctor` looks whether events really arrive: it has somebody's session delete a folder that isn't there, by a name that nobody can
 * guess. The server refuses, nothing changes, and its event says that name.
 */
import { randomBytes } from 'node:crypto';
import type { ServerEvent } from './server-event.ts';

export const newSign = (): string => `mandat-doctor-${randomBytes(8).toString('hex')}`;

export function signOf({ command, state, mailbox = '', args = '' }: ServerEvent): string | undefined {
  if (command !== 'DELETE' || state === 'OK') return undefined;
  return /mandat-doctor-[0-9a-f]{16}(?![0-9a-f])/.exec(`${mailbox.slice(0, 1024)} ${args.slice(0, 1024)}`)?.[0];
}
