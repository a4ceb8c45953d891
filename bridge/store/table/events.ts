/** Events that change no row: a file imported, the trail exported, an act refused. They join the trail as the triggers' own do. */
import type { DelegationDb, Writer } from './delegation-db.ts';

export type EventAction =
  | 'directory-import' // and how many people it has
  | 'mailbox-contact' // the owner's second address or language, set or taken away
  | 'all-withdrawn' // every delegation taken out of force
  | 'all-restored' // and obeyed again
  | 'paused' // nothing is written to the servers from now on, and why
  | 'resumed' // it is again
  | 'adopt' // a hand-made entry declared mandat's own: what stood, and by whom
  | 'uninstall-begun' // mandat is being taken off the servers
  | 'uninstall-done' // and nothing of it is in force any more
  | 'audit-export' // somebody took a copy of the trail
  | 'trace-read' // somebody looked at the trace of access
  | 'trace-export' // or took a copy of it
  | 'rules-repaired' // the released triggers and views put back
  | 'server-forgotten' // a mail server that is gone for good: what was kept of it
  | 'database-moved' // all of it was brought to another store
  | 'backup' // somebody took a copy of all of it
  | 'restore' // and put one back
  | 'portal-sign-in' // somebody has come in: as what, how and from where
  | 'portal-sign-out' // or was let out, and by whom
  | 'portal-refused' // or was not let in, and why
  | 'refused'; // an act that its actor may not do (R53)

export interface Event {
  readonly action: EventAction;
  readonly mailbox?: string | null;
  readonly delegate?: string | null;
  readonly detail?: object;
}

export async function noteEvent(db: DelegationDb, writer: Writer, event: Event): Promise<void> {
  const { action, mailbox = null, delegate = null, detail } = event;
  await db.write(writer, (query) =>
    query
      .insertInto('events')
      .values({
        at: new Date().toISOString(),
        actor: writer.actor,
        reason: writer.reason ?? null,
        action,
        mailbox,
        delegate,
        detail: detail === undefined ? null : JSON.stringify(detail),
        on_behalf: null,
        via: writer.via ?? null,
      })
      .execute(),
  );
}
