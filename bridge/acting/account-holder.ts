/** Whose account a command is about, and what keeps it from going on. */
import { Failure } from '../shared/failure.ts';
import { type AccountHolder, accountHolder } from '../store/table/account-holders.ts';
import { may } from './permitted.ts';
import type { Acting, Site } from './site.ts';
import { shown } from './typed.ts';

/** Fails `refused` for somebody else's account, `absent` when there is none. */
export async function holderOf(
  acting: Pick<Acting, 'actor' | 'delegate' | 'table'>,
  typed: string,
): Promise<AccountHolder> {
  const identifier = await acting.delegate(typed);
  may(acting, { kind: 'account', identifier });
  return acting.table((db) => accountHolder(db, identifier, new Date().toISOString()));
}

export function refuseEnded({ identifier, state }: AccountHolder): void {
  if (state !== 'ended') return;
  throw new Failure(
    'refused',
    `the account of ${identifier} has ended`,
    `they can be removed and added anew: "mandat delegate remove ${identifier}"`,
    { rule: 'MANDAT_ENDED', about: identifier },
  );
}

/** Fails `refused` for another version than the present one, and `config` where there is none. */
export function presentTerms({ config }: Pick<Site, 'config'>, version: string): void {
  if (config.accounts === undefined) throw noAccounts();
  const { termsVersion, termsUrl } = config.accounts;
  if (version === termsVersion) return;
  throw new Failure(
    'refused',
    `the present version of the terms of use is ${termsVersion}, not ${shown(version)}`,
    termsUrl === undefined ? '' : `they can be read at ${termsUrl}`,
    { rule: 'MANDAT_TERMS' },
  );
}

export function noAccounts(): Failure {
  return new Failure(
    'config',
    'there is nothing to activate or accept here: every delegate is active at once',
    'the section [accounts] of the configuration says otherwise',
  );
}

export function unactivated({ identifier }: AccountHolder): Failure {
  return new Failure(
    'refused',
    `${identifier} has not activated their account yet`,
    `"mandat account activate ${identifier} --email ADDRESS --accept-terms VERSION"`,
    { rule: 'MANDAT_PENDING', about: identifier },
  );
}
