/**
 * What a grant is for, tried from end to end: a folder of one mailbox is shared with a second account, which then lists and opens it in a
 * session of its own; and where `[sessions]` says how, that session is cut while the folder is open in it, which is what Dovecot 2.4 as
 * it comes doesn't do, and seen to end: by itself and by the server's list of sessions. All of it is taken away again.
 */
import { canonical } from '../../acl/rights.ts';
import { text } from '../imap/arguments.ts';
import type { Connection } from '../imap/connection.ts';
import { idOf, type KnownOwner } from '../imap/owner-facts.ts';
import type { DelegateView, SessionCutter, Unreachable } from '../reconcile/driver-interfaces.ts';
import { SESSION_GOES_ON } from '../sessions/until-gone.ts';
import { failureOf } from '../shared/failure.ts';
import { nobodysLogin } from './nobodys-login.ts';
import { must, type OwnSession, ownPrefix, takeAway, untilUndone } from './probe.ts';

export interface Shared {
  readonly owner: string;
  readonly delegate: string;
  /** The folder's name to the owner, and to the delegate; undefined where nothing shows it to them, with the reason. */
  readonly folder: string;
  readonly theirs: string | undefined;
  readonly why: Unreachable | undefined;
  /** The folder's name, among those that the delegate lists; and whether they could open it. */
  readonly listed: boolean;
  readonly opened: boolean;
  /** What became of their open session; undefined where nothing says how to cut one. */
  readonly cut: CutSeen | undefined;
}

/**
 * `goes-on`: it still answers. `listed`: it has ended, and the server lists it still. `unlisted`: it has ended, and was not in the list
 * while it was open, so that the list proves nothing. `unseen`: it has ended, and the list may not be read.
 */
export type CutSeen = 'ended' | 'goes-on' | 'listed' | 'unlisted' | 'unseen';

/** A session proven to be the delegate's. */
export interface DelegateSession {
  readonly connection: Connection;
  readonly view: DelegateView;
}

export interface Sharing {
  readonly owner: string;
  readonly delegate: string;
  readonly openOwner: () => Promise<OwnSession>;
  /** `known`: of the owner. */
  readonly openDelegate: (known: KnownOwner) => Promise<DelegateSession>;
  readonly cutter: SessionCutter | undefined;
  /** What STATUS calls a folder's own id, where it has one. */
  readonly folderId: (connection: Connection) => Promise<string | undefined>;
}

export async function probeSharing({
  owner,
  delegate,
  folderId,
  openOwner,
  openDelegate,
  cutter,
}: Sharing): Promise<Shared> {
  const writer = await openOwner();
  const folder = `${await ownPrefix(writer.connection)}${nobodysLogin()}`;
  return untilUndone(
    async () => {
      must(await writer.connection.run('CREATE', [text(folder)]), `make the folder ${folder}`);
      await writer.view.set(folder, delegate, canonical('lr'));
      const id = await idOf(writer.connection, folder, await folderId(writer.connection));
      const proof = id === undefined ? undefined : { folder, id };
      const { connection, view } = await openDelegate({ namespaces: await writer.connection.namespaces(), proof });
      try {
        const why = await view.unreachable(owner);
        const listed = (await view.listed(owner)).has(folder);
        const theirs = await view.called(owner, folder);
        const opened = theirs !== undefined && (await connection.run('EXAMINE', [text(theirs)])).ok;
        const cut = cutter && (await ends(connection, cutter, delegate));
        return { owner, delegate, folder, theirs, why, listed, opened, cut };
      } finally {
        connection.close();
      }
    },
    async () => {
      // The entry first: who shares with whom is noted when an entry goes, not when its folder does.
      await writer.view.remove(folder, delegate).catch(() => {});
      await takeAway(owner, { folder }, writer, openOwner);
    },
  );
}

/** So long a cut session may go on. */
const CUT_MS = 5000;

async function ends(connection: Connection, cutter: SessionCutter, login: string): Promise<CutSeen> {
  const cut = await cutter.cut(login);
  if (!(await closes(connection))) return 'goes-on';
  if (cut.before === undefined) return 'unseen';
  if (cut.before === 0) return 'unlisted';
  const ended = await cut.ended().catch((error: unknown) => {
    if (failureOf(error).rule === SESSION_GOES_ON) return false;
    throw error;
  });
  return ended ? 'ended' : 'listed';
}

async function closes(connection: Connection): Promise<boolean> {
  for (const until = Date.now() + CUT_MS; Date.now() < until; ) {
    const gone = await connection.run('NOOP', []).then(
      () => false,
      () => true,
    );
    if (gone) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
