/** Logging in as two users, before and after: what a configuration does is seen there, and nowhere else. */

import { atom, text } from '../imap/arguments.ts';
import type { Connection } from '../imap/connection.ts';
import { dovecot } from '../imap/dovecot.ts';
import type { Endpoint } from '../imap/endpoint.ts';
import { type Impersonation, openAs } from '../imap/impersonation.ts';
import { imapServer } from '../imap/mail-server.ts';
import { isForeign } from '../imap/namespaces.ts';
import { must } from '../imap/replies.ts';
import { INBOX } from '../reconcile/driver-interfaces.ts';
import { Failure, failureOf } from '../shared/failure.ts';
import { MAIN_SERVER } from '../store/main-server.ts';

export interface Trial {
  readonly endpoint: Endpoint;
  readonly by: Impersonation;
}

/** A reload takes effect a moment later, for new sessions. */
const PATIENCE_MS = 15_000;
const PAUSE_MS = 200;

/** Until it succeeds, or the patience is over: then fails as the last attempt did. */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (const until = performance.now() + PATIENCE_MS; ; ) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > until) throw failureOf(error);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** The names of somebody's own folders, as their client reads them. */
export async function foldersOf({ endpoint, by }: Trial, login: string): Promise<readonly string[]> {
  const connection = await openAs(endpoint, by, login);
  try {
    const reply = must(await connection.run('LIST', [text(''), text('*')], 'LIST'), `list the folders of ${login}`);
    const namespaces = await connection.namespaces();
    const names = reply.map(({ values }) => String(values[2]));
    return names.filter((name) => !isForeign(name, namespaces)).sort();
  } finally {
    connection.close();
  }
}

/**
 * One shares their INBOX with the other, who lists and opens it; then it is taken away, and they no longer do. What stood there is as it was.
 * Fails with what did not work.
 */
export async function sharesWith({ endpoint, by }: Trial, owner: string, other: string): Promise<void> {
  const server = imapServer(
    MAIN_SERVER,
    async () => dovecot,
    by.adminUser,
    (login) => openAs(endpoint, by, login),
  );
  const view = await server.asOwner(owner);
  try {
    const had = view.inbox.get(other);
    if (had === undefined) await view.set(INBOX, other, 'lr' as NonNullable<typeof had>);
    try {
      await opens({ endpoint, by }, owner, other, true);
    } finally {
      if (had === undefined) await view.remove(INBOX, other);
    }
    if (had === undefined) await opens({ endpoint, by }, owner, other, false);
  } finally {
    view.close();
  }
}

async function opens({ endpoint, by }: Trial, owner: string, other: string, should: boolean): Promise<void> {
  const connection: Connection = await openAs(endpoint, by, other);
  try {
    const shared = (await connection.namespaces()).otherUsers;
    if (shared === undefined) throw new Failure('config', `${other} is offered no namespace for other users' folders`);
    const name = `${shared.prefix}${owner}`;
    const listed =
      must(await connection.run('LIST', [text(''), text(name)], 'LIST'), `list ${name} as ${other}`).length > 0;
    const opened = (await connection.run('EXAMINE', [text(name)])).ok;
    // A session that is alive at the end of it all: what ends imap processes has been seen to come one command later.
    must(await connection.run('STATUS', [text(INBOX), [atom('MESSAGES')]], 'STATUS'), `look at the INBOX of ${other}`);
    if (listed !== should || opened !== should) {
      const seen = `${other} ${listed ? 'lists' : 'does not list'} and ${opened ? 'opens' : 'does not open'} ${name}`;
      throw new Failure('config', `${seen}, ${should ? 'which was shared' : 'though it is no longer shared'}`);
    }
  } finally {
    connection.close();
  }
}
