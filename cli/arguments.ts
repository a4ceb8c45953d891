/** What is typed as an argument or an option, brought into the table's form (bridge/acting/typed.ts), and what only a command line has. */
import { InvalidArgumentError } from 'commander';
import { instant } from '../bridge/acting/typed.ts';
import { NEVER } from './times.ts';

export { address, domain, instant, login, serverName, shown } from '../bridge/acting/typed.ts';

/** When a credential lapses: a date or a time, `never`, or `unknown` (null), which counts as `[identity] unknown_credential` says. */
export function credentialEnd(typed: string, timezone: string, option: string): string | null {
  if (typed === 'unknown') return null;
  return typed === 'never' ? NEVER : instant(typed, 'end', timezone, option);
}

export function seconds(typed: string): number {
  const value = Number(typed);
  if (!/^\d+(\.\d+)?$/.test(typed) || value <= 0 || value > 86_400) {
    throw new InvalidArgumentError('A number of seconds, at most 86400.');
  }
  return value;
}

/** A number of things, at least one. */
export function whole(typed: string): number {
  const value = Number(typed);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number, from 1.');
  return value;
}
