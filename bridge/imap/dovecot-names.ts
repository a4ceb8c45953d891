/**
 * How Dovecot writes an owner in its shared namespace: `shared/%%u/`, or another pattern that its administrator has chosen and that no IMAP
 * answer tells. So it is learnt, from what LIST shows a delegate, once for each namespace as long as the program runs, and never guessed:
 * a MYRIGHTS below a name of nobody ends Dovecot's imap process by signal 11 (docs/server-notes.md). LIST, STATUS and SUBSCRIBE don't.
 */

import type { Unreachable } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import { text } from './arguments.ts';
import type { Look } from './dialect.ts';
import { belowTheOwner, home, type Namespace, type Namespaces, nowhere, type OwnersNames } from './namespaces.ts';
import { idOf } from './owner-facts.ts';
import { flagsOf, must } from './replies.ts';
import { noteNaming } from './shared-naming.ts';

interface Form {
  /** As it stands in dovecot.conf. */
  readonly pattern: string;
  /** The owner's login in parts, each of them one level. */
  write(login: string): readonly string[];
}

const local = (login: string) => login.replace(/@.*$/, '');
const domain = (login: string) => (login.includes('@') ? login.replace(/^.*@/, '') : '');

/** The whole login first: what is shown by that name needs no other proof. */
const FORMS: readonly Form[] = [
  { pattern: '%%u', write: (login) => [login] },
  { pattern: '%%d/%%n', write: (login) => [domain(login), local(login)] },
  { pattern: '%%n/%%d', write: (login) => [local(login), domain(login)] },
  { pattern: '%%n', write: (login) => [local(login)] },
];
const [WHOLE] = FORMS;

export async function dovecotNames(
  { otherUsers, personal }: Namespaces,
  owner: string,
  delegate: string,
  look: Look,
): Promise<OwnersNames> {
  if (otherUsers === undefined) {
    throw new Failure(
      'config',
      "the IMAP server has no namespace for other users' folders, so a grant would be invisible",
      'add the shared namespace of config/dovecot/2.3/mandat.conf',
    );
  }
  const written = (form: Form, inbox?: string) => {
    const parts = form.write(owner);
    return belowTheOwner(
      otherUsers,
      { owner: parts.join(otherUsers.delimiter), inbox },
      look.owner?.namespaces ?? { personal },
    );
  };
  const possible = FORMS.filter((form) => isWhole(form.write(owner), otherUsers));
  const learnt = look.learnt.forms.get(otherUsers.prefix);
  if (learnt === undefined) {
    const found = await learn(otherUsers, possible, owner, look, written);
    if (found !== undefined) {
      const { form, unlisted } = found;
      if (unlisted) return { ...written(form), unlisted };
      const inbox = await inboxBelow(written(form), look);
      look.learnt.forms.set(otherUsers.prefix, { form: form.pattern, inbox });
      noteNaming({ ...otherUsers, pattern: form.pattern, own: home(look.owner?.namespaces ?? { personal }) });
      return written(form, inbox);
    }
    if (await leadsToNamesake(otherUsers, owner, delegate, look))
      return nowhere(ambiguous(otherUsers, owner, delegate), []);
    const torn = possible.includes(FORMS[0] as Form) ? undefined : tornApart(otherUsers, owner);
    return nowhere(
      torn ?? unseen(otherUsers, owner, delegate),
      possible.map((one) => written(one)),
    );
  }
  const form = FORMS.find(({ pattern }) => pattern === learnt.form) ?? (WHOLE as Form);
  if (!isWhole(form.write(owner), otherUsers)) return nowhere(tornApart(otherUsers, owner), []);
  const names = written(form, learnt.inbox);
  // Dovecot adds the delegate's own domain to a name without one.
  const certain = form.pattern !== '%%n' || domain(owner) === domain(delegate);
  if (certain || (await isTheirs(names, look))) return names;
  return nowhere(ambiguous(otherUsers, owner, delegate), []);
}

/** Not torn apart by what separates folders, and nothing that would be empty. */
function isWhole(parts: readonly string[], { delimiter }: Namespace): boolean {
  return parts.every((part) => part !== '' && !part.includes(delimiter));
}

async function learn(
  space: Namespace,
  possible: readonly Form[],
  owner: string,
  look: Look,
  written: (form: Form) => OwnersNames,
): Promise<{ readonly form: Form; readonly unlisted: boolean } | undefined> {
  const rootOf = (form: Form) => `${space.prefix}${form.write(owner).join(space.delimiter)}`;
  // A second namespace is written as the first is, which has been proven.
  const elsewhere = new Set([...look.learnt.forms.values()].map(({ form }) => form));
  const proves = async (form: Form) =>
    form === WHOLE || elsewhere.has(form.pattern) || (await isTheirs(written(form), look));
  for (const pattern of [`${space.prefix}%`, `${space.prefix}%${space.delimiter}%`]) {
    const shown = await listed(pattern, look);
    for (const form of possible) if (shown.has(rootOf(form)) && (await proves(form))) return { form, unlisted: false };
  }
  // LIST goes by a list of its own, which may be out of date; STATUS looks at the folder itself.
  for (const form of possible) {
    const reply = await look.connection.run('STATUS', [text(rootOf(form)), [{ type: 'ATOM', value: 'MESSAGES' }]]);
    if ((reply.ok || reply.code === 'NOPERM') && (await proves(form))) return { form, unlisted: true };
  }
  return undefined;
}

/** Whether the owner's name without its domain shows the INBOX of whoever has that name in the delegate's own domain. */
async function leadsToNamesake(
  { prefix }: Namespace,
  owner: string,
  delegate: string,
  { connection, ownerOf }: Look,
): Promise<boolean> {
  const namesake = `${local(owner)}@${domain(delegate)}`;
  if (domain(delegate) === domain(owner) || domain(delegate) === '') return false;
  const id = await idOf(connection, `${prefix}${local(owner)}`, 'X-GUID');
  return id !== undefined && (await ownerOf(namesake))?.proof?.id === id;
}

/** In a form of its own, not in RFC 5258's: that one also shows what a session has asked for in vain. */
async function listed(pattern: string, { connection }: Look): Promise<ReadonlySet<string>> {
  const reply = must(await connection.run('LIST', [text(''), text(pattern)], 'LIST'), `list ${pattern}`);
  const there = reply.filter((response) => !flagsOf(response).has('\\nonexistent'));
  return new Set(there.map(({ values }) => String(values[2])));
}

/** One and the same folder by both names. */
async function isTheirs({ nameOf }: OwnersNames, { connection, owner }: Look): Promise<boolean> {
  const name = owner?.proof && nameOf(owner.proof.folder);
  return name !== undefined && (await idOf(connection, name, 'X-GUID')) === owner?.proof?.id;
}

/** `mail_shared_explicit_inbox = yes`: the INBOX is shown as a folder of this name below the owner's. */
async function inboxBelow(names: OwnersNames, look: Look): Promise<string | undefined> {
  const name = names.atTop('INBOX') ?? '';
  return (await listed(name, look)).has(name) ? 'INBOX' : undefined;
}

const REMEDY = 'prefix = shared/%%u/ with separator = / in the shared namespace (config/dovecot/2.3/mandat.conf)';

function tornApart({ prefix, delimiter }: Namespace, owner: string): Unreachable {
  return {
    message: `folders are separated by "${delimiter}" in the shared namespace (${prefix}), which ${owner} holds too: the server takes a part of it for the owner, and shows nobody's folders`,
    hint: `use another separator, or logins without it: ${REMEDY}`,
    yet: false,
  };
}

function ambiguous({ prefix }: Namespace, owner: string, delegate: string): Unreachable {
  return {
    message: `the shared namespace names owners without their domain (${prefix}%%n), and for ${delegate} ${prefix}${local(owner)} is not ${owner}: it is whoever has that name in another domain`,
    hint: `delegate to somebody of ${owner}'s own domain, or let the namespace name owners by their whole login: ${REMEDY}`,
    yet: false,
  };
}

function unseen({ prefix }: Namespace, owner: string, delegate: string): Unreachable {
  return {
    message: `the server shows ${delegate} nothing below ${prefix} that is ${owner}'s: no name there is one in which logins are written (${FORMS.map(({ pattern }) => pattern).join(', ')}) and leads to their INBOX`,
    hint: `acl_shared_dict must be set, and the shared namespace name its owners: ${REMEDY}`,
    yet: true,
  };
}
