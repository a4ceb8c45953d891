/** Identifiers as people type them, by the configured scheme. R5, R22. */
import { describeRppsWarning, type RppsSettings, readRpps } from '../../acl/rpps.ts';
import type { Config } from '../../config/schema.ts';
import { Failure } from '../shared/failure.ts';
import { login, shown } from './typed.ts';

export interface Identity {
  /** The canonical form. Fails `refused` with the reason; warns of what deserves a second look, once each. */
  read(typed: string): string;
  /** The same, of somebody who is there already, perhaps since another scheme: without a word on the number, which was said at the addition. */
  find(typed: string): string;
  /** The command that adds somebody who is typed so. */
  addition(typed: string): string;
}

export function openIdentity(settings: Config['identity'], warn: (line: string) => void): Identity {
  if (settings.scheme === 'login')
    return { read: login, find: login, addition: (typed) => `mandat delegate add ${typed}` };
  const said = new Set<string>();
  const parse = (typed: string, how: RppsSettings) => {
    const reading = readRpps(typed, how);
    if (!reading.ok) {
      throw new Failure('refused', `"${shown(typed)}" is refused as an identifier: ${reading.why}`, '', {
        rule: 'MANDAT_IDENTIFIER',
        fault: reading.fault,
        about: shown(typed),
      });
    }
    return reading;
  };
  const read = (typed: string) => {
    const { identifier, warnings } = parse(typed, settings);
    for (const warning of warnings) {
      const line = `mandat: ${identifier}: ${describeRppsWarning(warning)} (${warning})`;
      if (!said.has(line)) warn(line);
      said.add(line);
    }
    return identifier;
  };
  return {
    read,
    find: (typed) =>
      /[a-z]/i.test(typed) && !typed.includes('/')
        ? login(typed)
        : parse(typed, { ...settings, strict: false }).identifier,
    addition: (typed) =>
      /^8\d{11}$/.test(typed) ? `mandat delegate add ${typed}` : `mandat delegate add NUMBER --login ${typed}`,
  };
}
