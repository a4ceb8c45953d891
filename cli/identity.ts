/** Identifiers as people type them, by the configured scheme. R5, R22. */
import { describeRppsWarning, readRpps } from '../acl/rpps.ts';
import { Failure } from '../bridge/failure.ts';
import type { Config } from '../config/schema.ts';
import { login, shown } from './arguments.ts';

export interface Identity {
  /** The canonical form. Fails `refused` with the reason; warns of what deserves a second look, once each. */
  read(typed: string): string;
  /** The same, of somebody who is there already, perhaps since another scheme. */
  find(typed: string): string;
}

export function openIdentity(settings: Config['identity'], warn: (line: string) => void): Identity {
  if (settings.scheme === 'login') return { read: login, find: login };
  const said = new Set<string>();
  const read = (typed: string) => {
    const reading = readRpps(typed, settings);
    if (!reading.ok) {
      throw new Failure('refused', `"${shown(typed)}" is refused as an identifier: ${reading.why}`, '', {
        rule: 'MANDAT_IDENTIFIER',
      });
    }
    const { identifier, warnings } = reading;
    for (const warning of warnings) {
      const line = `mandat: ${identifier}: ${describeRppsWarning(warning)} (${warning})`;
      if (!said.has(line)) warn(line);
      said.add(line);
    }
    return identifier;
  };
  return { read, find: (typed) => (/[a-z]/i.test(typed) && !typed.includes('/') ? login(typed) : read(typed)) };
}
