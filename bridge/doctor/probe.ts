/**
 * What only trying shows: whether a folder without an entry takes over INBOX's, and whether an open session goes on with the rights
 * it has seen. Tried in one mailbox, with the right `l` for a login that the server itself says nobody has, and a folder of its own.
 * Both are taken away again, whatever happens, on a new connection when the old one is lost, before a signal ends us.
 */
import { canonical } from '../../acl/rights.ts';
import { text } from '../imap/arguments.ts';
import type { Connection } from '../imap/connection.ts';
import { INBOX, type OwnerView } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import { isAbandoned, nobodysLogin } from './nobodys-login.ts';

export interface Probed {
  /** The identifier and the folder's name. */
  readonly name: string;
  readonly inherits: boolean;
  readonly caches: boolean;
  /** What a killed doctor had left behind, and is gone now. */
  readonly cleared: readonly string[];
}

/** A session proven to be the owner's. */
export interface OwnSession {
  readonly connection: Connection;
  readonly view: OwnerView;
}

/** What must be undone. Noted before it is tried: a connection that is lost tells not whether it was done. */
interface Made {
  folder?: string;
  identifier?: string;
}

/** The owner's own rights but `w`, given to themselves in the temporary folder: what their other session then says of it tells. */
const WITHOUT_W = canonical('lrstipekxa');

export async function probe(
  login: string,
  open: () => Promise<OwnSession>,
  openNobody: (nobody: string) => Promise<Connection>,
): Promise<Probed> {
  const name = nobodysLogin();
  await mustBeNobodys(name, openNobody);
  const writer = await open();
  const made: Made = {};
  return untilUndone(
    async () => {
      const cleared = await clearAbandoned(writer);
      made.identifier = name;
      await writer.view.set(INBOX, name, canonical('l'));
      const folder = `${await ownPrefix(writer.connection)}${name}`;
      made.folder = folder;
      must(await writer.connection.run('CREATE', [text(folder)]), `make the folder ${folder}`);
      const inherits = (await writer.view.entries([folder])).get(folder)?.has(name) === true;
      return { name, inherits, caches: await caches(writer, await open(), folder, login), cleared };
    },
    () => takeAway(login, made, writer, open),
  );
}

/** A server that lets anybody in, or that answers in a way we don't know, gets no entry. */
async function mustBeNobodys(name: string, openNobody: (nobody: string) => Promise<Connection>): Promise<void> {
  try {
    (await openNobody(name)).close();
  } catch (error) {
    if (error instanceof Failure && error.rule === 'NO_ACCOUNT') return;
    throw error;
  }
  throw new Failure(
    'unsafe',
    `the server opens a mailbox for ${name}, a login that nobody has: no entry was given to it`,
    'let the userdb know the accounts that there are, and no others; until then leave --probe out',
  );
}

/** A session looks a second time before it trusts what it has kept, hence three times. */
async function caches(writer: OwnSession, watcher: OwnSession, folder: string, login: string): Promise<boolean> {
  const mayFlag = async () => {
    const reply = must(await watcher.connection.run('MYRIGHTS', [text(folder)], 'MYRIGHTS'), `see rights in ${folder}`);
    return String(reply[0]?.values[1] ?? '').includes('w');
  };
  try {
    for (let times = 0; times < 3; times++) await mayFlag();
    await writer.view.set(folder, login, WITHOUT_W);
    return await mayFlag();
  } finally {
    watcher.connection.close();
  }
}

/** Runs the work, then undoes it; a signal meanwhile waits until that is done. */
export async function untilUndone<T>(work: () => Promise<T>, undo: () => Promise<void>): Promise<T> {
  let signal: NodeJS.Signals | undefined;
  const wait = (name: NodeJS.Signals) => {
    signal ??= name;
  };
  const deadly = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of deadly) process.on(name, wait);
  try {
    return await work();
  } finally {
    try {
      await undo();
    } finally {
      for (const name of deadly) process.off(name, wait);
      if (signal !== undefined) process.kill(process.pid, signal);
    }
  }
}

export async function takeAway(
  login: string,
  made: Made,
  writer: OwnSession,
  open: () => Promise<OwnSession>,
): Promise<void> {
  const { folder, identifier } = made;
  try {
    try {
      await remove(writer, folder, identifier);
    } catch {
      const again = await open();
      await remove(again, folder, identifier);
      again.connection.close();
    } finally {
      writer.connection.close();
    }
  } catch (error) {
    throw new Failure(
      'config',
      `${identifier ?? folder} could not be taken out of the mailbox of ${login} again: ${(error as Error).message}`,
      `doveadm mailbox delete -u ${login} ${folder ?? identifier}${identifier === undefined ? '' : `; doveadm acl delete -u ${login} INBOX user=${identifier}`}`,
      { cause: error },
    );
  }
}

/** The folder first: its copy of the entry goes with it. */
async function remove({ connection, view }: OwnSession, folder?: string, identifier?: string): Promise<void> {
  if (folder !== undefined) {
    const reply = await connection.run('DELETE', [text(folder)]);
    if (!reply.ok && reply.code !== 'NONEXISTENT') must(reply, `delete the folder ${folder}`);
  }
  if (identifier !== undefined) {
    await view.remove(INBOX, identifier);
    if ((await view.entries([INBOX])).get(INBOX)?.has(identifier) === true) {
      throw new Failure('internal', `the entry of ${identifier} still stands`);
    }
  }
}

async function clearAbandoned({ connection, view }: OwnSession): Promise<readonly string[]> {
  const prefix = await ownPrefix(connection);
  const listed = must(await connection.run('LIST', [text(prefix), text('mandat-doctor-%')], 'LIST'), 'list folders');
  const folders = listed
    .map(({ values }) => String(values[2]))
    .filter((name) => isAbandoned(name.slice(prefix.length)));
  const identifiers = [...((await view.entries([INBOX])).get(INBOX)?.keys() ?? [])].filter((name) => isAbandoned(name));
  for (const folder of folders) await remove({ connection, view }, folder);
  for (const identifier of identifiers) await remove({ connection, view }, undefined, identifier);
  return [...new Set([...folders, ...identifiers])];
}

/** What the names of the owner's own folders begin with; empty on most servers. */
export async function ownPrefix(connection: Connection): Promise<string> {
  const [answer] = must(await connection.run('NAMESPACE', [], 'NAMESPACE'), 'ask for the namespaces');
  const personal = answer?.values[0];
  const first = Array.isArray(personal) ? personal[0] : undefined;
  return Array.isArray(first) ? String(first[0] ?? '') : '';
}

export function must(reply: Awaited<ReturnType<Connection['run']>>, what: string) {
  if (reply.ok) return reply.untagged;
  throw new Failure(
    'config',
    `the IMAP server refused to ${what}: ${reply.status} ${reply.code} ${reply.text}`,
    'try another mailbox with --probe; the log of the server says more',
  );
}
