/** Which versions of Dovecot are known, and which syntax each reads. */
import { dovecot23 } from './dovecot-2.3.ts';
import { dovecot24 } from './dovecot-2.4.ts';
import type { Syntax } from './dovecot-syntax.ts';

/** By the version as Dovecot names it. One that is not known is read as the nearest. */
export function syntaxOf(version: string): Syntax {
  const [, major = 2, minor = 3] = (/^(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  return major > 2 || minor > 3 ? dovecot24 : dovecot23;
}

/** Whether mandat was tried with this one. */
export const isTried = (version: string): boolean => /^2\.[34]\b/.test(version);
