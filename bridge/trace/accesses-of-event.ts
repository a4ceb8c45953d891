/**
 * What an event of the server's means for the trace: none, one or two accesses, since what is moved from one delegated mailbox into another
 * concerns both. Only mailboxes of the delegation table are traced, and of an event only what an {@link Access} has place for. Pure.
 */
import type { ServerEvent } from '../events/server-event.ts';
import type { Access, Relation } from './access.ts';
import { type Done, doneByCommand, doneByDoveadm } from './done-by-command.ts';
import { type KeptAnswer, keptAnswer } from './kept-answer.ts';
import { messagesIn } from './message-set.ts';
import type { TracedMailbox, TracedPeople } from './traced-people.ts';
import { type Naming, whoseFolder } from './whose-folder.ts';

export interface Judging {
  readonly people: TracedPeople;
  readonly naming: Naming;
  /** The login that opened a session in somebody else's name; undefined where nobody is known to have. */
  masterOf(session: string): string | undefined;
  /** The login of mandat's own sessions. */
  readonly adminUser: string;
  /** Whether looks are kept that show no message: counts, flags, rights. Refused ones always are. */
  readonly looks: boolean;
}

/** A folder of somebody's, by its owner's name. Undefined mailbox: of nobody's that is traced. */
interface Place {
  readonly mailbox: TracedMailbox | undefined;
  readonly isOwn: boolean;
  readonly folder: string | null;
}

export function accessesOf(event: ServerEvent, judging: Judging): readonly Access[] {
  const done = doneBy(event, judging);
  if (done === undefined) return [];
  const kept = keptAnswer(event.state, event.reply);
  if (isMereLook(done, event, kept, judging)) return [];
  const about = placeOf(event.oldMailbox ?? event.mailbox ?? done.about, event.user, judging);
  const named = event.newMailbox ?? done.into;
  const into = named === null ? undefined : placeOf(named, event.user, judging);
  const accesses: Access[] = [];
  if (about.mailbox !== undefined) {
    accesses.push(
      accessOn(about.mailbox, about.folder, event, done, kept, judging, targetOf(about.mailbox, into, done, kept)),
    );
  }
  // What comes in from elsewhere was filed there, whatever the command is called.
  if (into?.mailbox !== undefined && into.mailbox.id !== about.mailbox?.id) {
    accesses.push(accessOn(into.mailbox, into.folder, event, arrived(done, kept), kept, judging, null));
  }
  return accesses;
}

/** A login is an access where it opens a mailbox that is traced, their own; mandat's would drown everybody else's. */
function doneBy(event: ServerEvent, { adminUser }: Judging): Done | undefined {
  if (event.kind === 'doveadm') return doneByDoveadm(event.command);
  if (event.kind === 'command') return doneByCommand(event);
  return event.master === adminUser ? undefined : LOGIN;
}
const LOGIN: Done = { action: 'login', verb: 'LOGIN', messages: null, into: null, about: null };

/** Mandat's own looks would drown everybody else's. */
function isMereLook({ action }: Done, event: ServerEvent, { answer }: KeptAnswer, judging: Judging): boolean {
  if (action !== 'look') return false;
  if (judging.masterOf(event.session) === judging.adminUser) return true;
  return !judging.looks && answer === 'OK';
}

/** Where a name doesn't say whose, the session's own user is meant. */
function placeOf(name: string | null, user: string, { people, naming }: Judging): Place {
  if (name === null || name === '') return { mailbox: people.mailboxOf(user), isOwn: true, folder: null };
  const owners = whoseFolder(name, user, naming);
  if (owners === undefined) return { mailbox: people.mailboxOf(user), isOwn: true, folder: storable(name) };
  for (const { logins, folder } of owners) {
    for (const login of logins) {
      const mailbox = people.mailboxOf(login);
      if (mailbox !== undefined) return { mailbox, isOwn: login === user, folder: storable(folder) };
    }
  }
  return { mailbox: undefined, isOwn: false, folder: null };
}

function targetOf(
  mailbox: TracedMailbox,
  into: Place | undefined,
  { action }: Done,
  { uids }: KeptAnswer,
): Access['target'] {
  if (into === undefined || action === 'file') return null;
  const told = uids?.from == null ? undefined : uids;
  const where = { uidValidity: told?.uidValidity ?? null, set: told === undefined ? null : setOf(told.to) };
  if (into.mailbox?.id === mailbox.id) return { mailbox: 'same', folder: into.folder, ...where };
  // The folders of whoever acts, and of those who aren't traced, are nobody's business here.
  if (into.mailbox === undefined || into.isOwn) return { mailbox: 'own', folder: null, uidValidity: null, set: null };
  return { mailbox: { address: into.mailbox.address }, folder: into.folder, ...where };
}

const setOf = (text: string) => messagesIn(text, 'uid')?.set ?? null;

/** A copy, a move or a rename as the mailbox that it comes into sees it. */
function arrived(done: Done, { uids }: KeptAnswer): Done {
  const action = done.action === 'folder-rename' ? 'folder-create' : 'file';
  const messages = uids === null ? null : messagesIn(uids.to, 'uid');
  return { ...done, action, messages };
}

function accessOn(
  mailbox: TracedMailbox,
  folder: string | null,
  event: ServerEvent,
  done: Done,
  { answer, said, uids }: KeptAnswer,
  judging: Judging,
  target: Access['target'],
): Access {
  const who = whoIn(mailbox, event, judging);
  const filed = done.action === 'file' ? uids : null;
  const exact = uids === null ? null : messagesIn(filed?.to ?? uids.from ?? '', 'uid');
  return {
    at: event.at,
    ...who,
    mailbox: mailbox.address,
    owner: mailbox.owner,
    folder,
    action: done.action,
    verb: done.verb,
    answer,
    said,
    messages: exact ?? done.messages,
    uidValidity: filed?.uidValidity ?? null,
    target,
    address: addressOf(event.remoteIp),
    session: sessionOf(event.session),
  };
}

function whoIn(
  mailbox: TracedMailbox,
  event: ServerEvent,
  judging: Judging,
): Pick<Access, 'login' | 'identifier' | 'relation' | 'via' | 'delegation'> {
  const { people } = judging;
  if (event.kind === 'doveadm')
    return { login: 'doveadm', identifier: null, relation: 'admin', via: null, delegation: null };
  const login = storable(event.user);
  const identifier = people.identifierOf(login);
  const as = (relation: Relation, more: { readonly via?: string; readonly delegation?: number } = {}) => ({
    login,
    identifier,
    relation,
    via: more.via ?? null,
    delegation: more.delegation ?? null,
  });
  const master = event.master === '' ? judging.masterOf(event.session) : storable(event.master);
  if (master !== undefined && master !== login)
    return as(master === judging.adminUser ? 'mandat' : 'master', { via: master });
  if (mailbox.login === login) return as('owner');
  const delegation = people.delegationOf(mailbox, login, event.at);
  return delegation === undefined ? as('other') : as('delegate', { delegation });
}

/** What is no address is none: nothing that a sender of events writes comes into the trace as it is. */
function addressOf(text: string): string {
  return /^[0-9a-fA-F.:]{2,45}$/.test(text) ? text : '';
}

/** What a database gives back as it was written: a seal is over it. No name of a folder or a login is as long. */
function storable(text: string): string {
  return text.slice(0, LONGEST).replace(/[\p{Surrogate}\0]/gu, '\ufffd');
}
const LONGEST = 512;

function sessionOf(text: string): string {
  return /^[\w+/=.:-]{1,64}$/.test(text) ? text : '';
}
