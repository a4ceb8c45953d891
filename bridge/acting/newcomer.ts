/**
 * Who is granted something: of an owner, somebody whom the directory lists, and who becomes a delegate by the grant where they aren't one yet.
 * What an owner hears of others is what the directory publishes, whoever has a row here. R5, R6, R22
 */
import { listedPerson, type Person } from '../directory/search.ts';
import { Failure } from '../shared/failure.ts';
import { type AddedDelegate, identifiersOf, personalMailboxOf } from '../store/table/delegates.ts';
import { openIdentity } from './identity.ts';
import type { Acting } from './site.ts';

export interface Granted {
  readonly identifier: string;
  /** Undefined: they are a delegate here, or nobody can be found under this name and the table says so. */
  readonly newcomer: AddedDelegate | undefined;
}

/** Fails `refused` for what is no identifier, and for whom the directory doesn't list; an admin's `force` goes on all the same. */
export async function whoIsGranted(acting: Acting, typed: string, force: boolean): Promise<Granted> {
  const { config, files, identity, actor, warn } = acting;
  if (config.identity.scheme !== 'rpps') return { identifier: await acting.delegate(typed), newcomer: undefined };
  const admin = actor.kind === 'admin';
  const identifier = admin
    ? identity.find(typed)
    : openIdentity({ ...config.identity, strict: false }, warn).read(typed);
  const person = listedPerson(files.privateDirectory, identifier);
  /** `strict` is for whoever isn't here yet, as at `mandat delegate add`. */
  if (person === null && !admin) throw notListed(identity.read(typed));
  const known = (await acting.table((db) => identifiersOf(db, [identifier]))).get(identifier);
  if (known !== undefined) return { identifier: known, newcomer: undefined };
  if (!admin) identity.read(typed);
  if (person === undefined || person === null || force)
    return { identifier: await acting.delegate(typed), newcomer: undefined };
  return { identifier, newcomer: await added(acting, person) };
}

function notListed(identifier: string): Failure {
  return new Failure(
    'refused',
    `${identifier} is not in the directory: this RPPS identity is not active`,
    'is the number right? Who has no RPPS number gets one at https://esante.gouv.fr/produits-services/portail-rpps-plus',
    { rule: 'MANDAT_NOT_LISTED', about: identifier },
  );
}

/** They log in as to their own mailbox, where they have one. R54 */
async function added({ config, table }: Acting, person: Person): Promise<AddedDelegate> {
  const { identifier, firstName, lastName, profession } = person;
  const own = await table((db) => personalMailboxOf(db, identifier));
  const activation = config.accounts !== undefined;
  return { identifier, login: own?.login ?? null, firstName, lastName, profession, activation };
}
