/** What people type, brought into the table's form. Bad input is refused here with a sentence, before anything is opened. */
import { domainToASCII } from 'node:url';
import { InvalidArgumentError } from 'commander';
import { DateTime, FixedOffsetZone } from 'luxon';
import { describeFault, identifierFault } from '../acl/identifier.ts';
import { Failure } from '../bridge/failure.ts';

/** Lower case, an international domain as punycode. */
export function address(typed: string): string {
  const at = typed.lastIndexOf('@');
  if (at <= 0 || at === typed.length - 1) throw new InvalidArgumentError('An address looks like name@domain.');
  const domain = domainToASCII(typed.slice(at + 1));
  if (domain === '') throw new InvalidArgumentError(`"${shown(typed.slice(at + 1))}" is not a domain.`);
  return login(`${typed.slice(0, at)}@${domain}`);
}

/** A login or a delegate's identifier: folded to lower case, refused where a mail server would read something else. */
export function login(typed: string): string {
  const folded = typed.toLowerCase();
  const fault = identifierFault(folded);
  if (fault !== undefined) {
    throw new Failure('refused', `"${shown(typed)}" is refused as a login: ${describeFault(fault)}`, '', {
      rule: 'MANDAT_LOGIN',
    });
  }
  return folded;
}

/** Nothing that a terminal would obey. */
function shown(typed: string): string {
  return JSON.stringify(typed).slice(1, -1).slice(0, 80);
}

export type DayEdge = 'start' | 'end';

/**
 * An instant in the table's form. Takes a date, which means its start or its end in the policy's time zone,
 * or a time with its zone.
 */
export function instant(typed: string, edge: DayEdge, timezone: string, option: string): string {
  const refuse = (why: string) =>
    new Failure(
      'config',
      `${option} ${shown(typed)}: ${why}`,
      'write 2026-12-31, 2026-12-31T18:00+01:00 or 2026-12-31T17:00Z',
    );
  if (/^\d{4}-\d{2}-\d{2}$/.test(typed)) {
    const day = DateTime.fromISO(typed, { zone: timezone });
    if (!day.isValid) throw refuse('there is no such day');
    return text(edge === 'start' ? day.startOf('day') : day.endOf('day'));
  }
  if (!/^\d{4}-\d{2}-\d{2}T/.test(typed)) throw refuse('this is not a date or a time as ISO 8601 writes them');
  if (!/(Z|[+-]\d{2}(:?\d{2})?)$/i.test(typed.slice(10))) throw refuse('the time zone is missing');
  const time = DateTime.fromISO(typed.toUpperCase(), { setZone: true });
  if (!time.isValid || !(time.zone instanceof FixedOffsetZone || time.zone.isUniversal))
    throw refuse('there is no such time');
  return text(time);
}

function text(time: DateTime): string {
  const utc = time.toUTC().toISO({ suppressMilliseconds: false });
  if (utc === null || !/^\d{4}-/.test(utc)) throw new Failure('config', 'the time is outside the years 0 to 9999');
  return utc;
}

export function seconds(typed: string): number {
  const value = Number(typed);
  if (!Number.isFinite(value) || value <= 0 || value > 86_400)
    throw new InvalidArgumentError('A number of seconds, 1 to 86400.');
  return value;
}
