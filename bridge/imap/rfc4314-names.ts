/**
 * How a server of which nothing is known shows one owner's folders to a delegate: in which of its namespaces (other users', or a shared one, as
 * Courier has it), and how the owner is written there. It is learnt from what LIST shows, and never guessed: what could be somebody else's of
 * nearly that name must also be the same INBOX by its UIDVALIDITY.
 */

import type { Unreachable } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import { atom, text } from './arguments.ts';
import type { Connection } from './connection.ts';
import type { Look } from './dialect.ts';
import { belowTheOwner, type Namespace, type Namespaces, nowhere, type OwnersNames } from './namespaces.ts';
import { idOf } from './owner-facts.ts';
import { flagsOf, must } from './replies.ts';

/** STATUS' mark of a folder, where there is no id: not of that folder alone, so it counts beside the name only. */
export const PROOF = 'UIDVALIDITY';

interface Form {
  readonly name: string;
  /** Undefined where a login can't be written so. */
  write(login: string, delegate: string): string | undefined;
}

const local = (login: string) => login.replace(/@.*$/, '');
const domain = (login: string) => (login.includes('@') ? login.replace(/^.*@/, '') : '');
const sameDomain = (login: string, delegate: string) => domain(login) === domain(delegate);

/** The whole login first: what is shown by that name needs no other proof. */
const WHOLE: Form = { name: 'login', write: (login) => login };
const FORMS: readonly Form[] = [
  WHOLE,
  { name: 'login with ^ for a dot', write: (login) => (login.includes('.') ? login.replaceAll('.', '^') : undefined) },
  {
    name: 'name without its domain',
    write: (login, delegate) => (login.includes('@') && sameDomain(login, delegate) ? local(login) : undefined),
  },
  {
    name: 'name without its domain, with ^ for a dot',
    write: (login, delegate) =>
      login.includes('@') && local(login).includes('.') && sameDomain(login, delegate)
        ? local(login).replaceAll('.', '^')
        : undefined,
  },
];

interface Candidate {
  readonly space: Namespace;
  readonly form: Form;
  readonly written: string;
}

/** Of this server, in what has been learnt. */
const LEARNT = 'rfc4314';

export async function rfc4314Names(
  namespaces: Namespaces,
  owner: string,
  delegate: string,
  look: Look,
): Promise<OwnersNames> {
  const spaces = [...new Set([...namespaces.others, ...namespaces.foreign])].filter(
    ({ delimiter }) => delimiter !== '',
  );
  if (spaces.length === 0) {
    throw new Failure(
      'config',
      "the IMAP server has no namespace for other users' folders (RFC 2342), so a grant would be invisible",
      'it must show shared mailboxes in a namespace of other users, or in a shared one',
    );
  }
  const candidates = FORMS.flatMap((form) => spaces.flatMap((space) => candidate(space, form, owner, delegate)));
  const names = ({ space, written }: Candidate, inbox?: string) =>
    belowTheOwner(space, { owner: written, inbox }, look.owner?.namespaces ?? namespaces);
  const learnt = look.learnt.forms.get(LEARNT);
  const known = learnt && candidates.find((one) => keyOf(one) === learnt.form);
  if (known !== undefined && (await isTheirs(known, names(known, learnt?.inbox), look)))
    return names(known, learnt?.inbox);
  const found = await shown(candidates, names, look);
  if (found === undefined) {
    const why = candidates.length === 0 ? tornApart(spaces, owner) : unseen(spaces, owner, delegate);
    return nowhere(
      why,
      candidates.map((one) => names(one)),
    );
  }
  if (found.unlisted) return { ...names(found.one), unlisted: true };
  const inbox = await inboxBelow(names(found.one), look.connection);
  look.learnt.forms.set(LEARNT, { form: keyOf(found.one), inbox });
  return names(found.one, inbox);
}

const keyOf = ({ space, form }: Candidate) => `${form.name} in ${space.prefix}`;

function candidate(space: Namespace, form: Form, owner: string, delegate: string): readonly Candidate[] {
  const written = form.write(owner, delegate);
  return written === undefined || written.includes(space.delimiter) ? [] : [{ space, form, written }];
}

async function shown(
  candidates: readonly Candidate[],
  names: (one: Candidate) => OwnersNames,
  look: Look,
): Promise<{ readonly one: Candidate; readonly unlisted: boolean } | undefined> {
  const there = new Map<string, ReadonlySet<string>>();
  for (const { space } of candidates) {
    if (!there.has(space.prefix)) there.set(space.prefix, await listed(`${space.prefix}%`, look.connection));
  }
  const rootOf = ({ space, written }: Candidate) => `${space.prefix}${written}`;
  for (const one of candidates) {
    if (there.get(one.space.prefix)?.has(rootOf(one)) && (await isTheirs(one, names(one), look)))
      return { one, unlisted: false };
  }
  // What LIST leaves out can be there all the same.
  for (const one of candidates) {
    const reply = await look.connection.run('STATUS', [text(rootOf(one)), [atom('MESSAGES')]]);
    if (reply.ok && (await isTheirs(one, names(one), look))) return { one, unlisted: true };
  }
  return undefined;
}

async function listed(pattern: string, connection: Connection): Promise<ReadonlySet<string>> {
  const reply = must(await connection.run('LIST', [text(''), text(pattern)], 'LIST'), `list ${pattern}`);
  const there = reply.filter((response) => !flagsOf(response).has('\\nonexistent'));
  return new Set(there.map(({ values }) => String(values[2])));
}

async function isTheirs({ form }: Candidate, { nameOf }: OwnersNames, { connection, owner }: Look): Promise<boolean> {
  if (form === WHOLE) return true;
  const name = owner?.proof && nameOf(owner.proof.folder);
  return name !== undefined && (await idOf(connection, name, PROOF)) === owner?.proof?.id;
}

/** Where an INBOX is a folder of its own below the owner's name. */
async function inboxBelow(names: OwnersNames, connection: Connection): Promise<string | undefined> {
  const name = names.atTop('INBOX') ?? '';
  return (await listed(name, connection)).has(name) ? 'INBOX' : undefined;
}

const prefixes = (spaces: readonly Namespace[]) => spaces.map(({ prefix }) => prefix || '(no prefix)').join(', ');

function tornApart(spaces: readonly Namespace[], owner: string): Unreachable {
  return {
    message: `folders are separated by a character that ${owner} holds too in each namespace for others' folders (${prefixes(spaces)}): the server takes a part of it for the owner, and shows nobody's folders`,
    hint: 'use another separator on the server, or logins without it',
    yet: false,
  };
}

function unseen(spaces: readonly Namespace[], owner: string, delegate: string): Unreachable {
  return {
    message: `the server shows ${delegate} nothing of ${owner} below ${prefixes(spaces)}: neither by the login, nor by the name without its domain`,
    hint: 'the server must show shared mailboxes to whom they are shared with, each by the login of its owner',
    yet: true,
  };
}
