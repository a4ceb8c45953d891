/** What people type, brought into the table's form. Bad input is refused here with a sentence, before anything is opened. */
import { DateTime, FixedOffsetZone } from 'luxon';
import { describeFault, identifierFault } from '../../acl/identifier.ts';
import { SHORT_NAME, SHORT_NAME_IS } from '../../config/short-name.ts';
import { asciiDomain } from '../shared/domain-name.ts';
import { Failure } from '../shared/failure.ts';

/** Lower case, an international domain as punycode. */
export function address(typed: string): string {
  const at = typed.lastIndexOf('@');
  if (at <= 0 || at === typed.length - 1) {
    throw refused('MANDAT_ADDRESS', 'an address', typed, 'an address is written name@domain', 'form');
  }
  const domain = asciiDomain(typed.slice(at + 1));
  if (domain === undefined) {
    throw refused('MANDAT_ADDRESS', 'an address', typed, 'what follows the @ is not a domain', 'domain');
  }
  const folded = `${lowerCase(typed.slice(0, at))}@${domain}`;
  const fault = identifierFault(folded);
  if (fault !== undefined) throw refused('MANDAT_ADDRESS', 'an address', typed, describeFault(fault), fault);
  return folded;
}

/** A domain, as addresses are folded: lower case, an international one as punycode. R26. */
export function domain(typed: string): string {
  const found = asciiDomain(typed);
  if (found !== undefined && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(found)) return found;
  throw refused('MANDAT_DOMAIN', 'a domain', typed, 'a domain is what follows the @ of an address');
}

/** A login or a delegate's identifier: folded to lower case, refused where a mail server would read something else. */
export function login(typed: string): string {
  const folded = lowerCase(typed);
  const fault = identifierFault(folded);
  if (fault !== undefined) throw refused('MANDAT_LOGIN', 'a login', typed, describeFault(fault), fault);
  return folded;
}

/** A mail server, as the table names it. */
export function serverName(typed: string): string {
  const folded = lowerCase(typed);
  if (SHORT_NAME.test(folded)) return folded;
  throw refused('MANDAT_SERVER', "a mail server's name", typed, `it is written with ${SHORT_NAME_IS}`);
}

function refused(rule: string, as: string, typed: string, why: string, fault?: string): Failure {
  return new Failure('refused', `"${shown(typed)}" is refused as ${as}: ${why}`, '', {
    rule,
    fault,
    about: shown(typed),
  });
}

/** ASCII only: toLowerCase would make an honest k of the Kelvin sign. */
function lowerCase(typed: string): string {
  return typed.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Nothing that a terminal would obey. */
export function shown(typed: string): string {
  const short = typed.length > 80 ? `${typed.slice(0, 80)}...` : typed;
  return JSON.stringify(short)
    .slice(1, -1)
    .replace(
      /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
      (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
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
  const text = (time: DateTime) => {
    const utc = time.toUTC().toISO({ suppressMilliseconds: false });
    if (utc === null || !/^\d{4}-/.test(utc)) throw refuse('this is outside the years 0 to 9999');
    return utc;
  };
  if (/^\d{4}-\d{2}-\d{2}$/.test(typed)) {
    const day = DateTime.fromISO(typed, { zone: timezone });
    if (!day.isValid) throw refuse('there is no such day');
    return text(edge === 'start' ? day.startOf('day') : day.endOf('day'));
  }
  if (!/^\d{4}-\d{2}-\d{2}T/.test(typed)) throw refuse('this is not a date or a time as ISO 8601 writes them');
  const zone = /(Z|[+-](\d{2})(?::?(\d{2}))?)$/i.exec(typed.slice(10));
  if (zone === null) throw refuse('the time zone is missing');
  if (Number(zone[2] ?? 0) > 14 || Number(zone[3] ?? 0) > 59) throw refuse('there is no such time zone');
  const time = DateTime.fromISO(typed.toUpperCase(), { setZone: true });
  if (!time.isValid || !(time.zone instanceof FixedOffsetZone || time.zone.isUniversal))
    throw refuse('there is no such time');
  return text(time);
}
