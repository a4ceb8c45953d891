/** The ground that every benchmark stands on: a lab with mandat, a mailbox with so many folders, a writer, a raw client. */
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { connectImap, type RawImap } from '../../config/lab/raw-imap.ts';
import { at, type Running, type Site, startSite } from '../servers/site.ts';

export const OWNER = at('alice');
export const DELEGATE = at('bob');
export const SHARED = `shared/${OWNER}`;
export const RIGHTS = 'lrswipkxte';

export interface Ground {
  readonly site: Site;
  readonly sidecar: Running;
  readonly folders: readonly string[];
  /** Whether the server tells a whole tree's rights in one answer (LIST-MYRIGHTS). */
  readonly tellsAtOnce: boolean;
  /** Commits as another program would, synchronous=FULL. Returns the table's version after it. */
  commit(sql: string): number;
  /** Resolves when the sidecar reports this phase of this version. */
  reached(phase: 'in_force' | 'verified', version: number): Promise<void>;
  /** A raw session, logged in as somebody by the master user. */
  as(login: string): Promise<RawImap>;
  stop(): Promise<void>;
}

export async function prepare(folderCount: number, inherit: boolean): Promise<Ground> {
  const site = await startSite({ reuse: false, users: ['alice', 'bob'], inherit, postfix: false });
  const { lab } = site;
  const as = async (login: string) => {
    const imap = await connectImap(lab.imap);
    void imap.loginAs(login, lab.master.user, lab.master.password); // pipelined: the next command waits for nothing
    return imap;
  };
  const owner = await as(OWNER);
  const made = Array.from({ length: folderCount }, (_, index) => `F${index}`);
  await Promise.all(made.map((name) => owner.send(`CREATE ${name}`)));
  await owner.command('LIST (SPECIAL-USE) "" "*" RETURN (STATUS (MESSAGES))'); // makes Sent, Drafts and the like
  const tellsAtOnce = / LIST-MYRIGHTS\b/.test((await owner.command('CAPABILITY')).lines.join('\n'));
  owner.close();
  await site.register('alice', 'bob');
  const sidecar = await site.run();
  await site.settled();
  const table = new Database(site.table);
  table.pragma('synchronous = FULL');
  const version = table.prepare('SELECT version FROM counters').pluck();
  const state = new Database(site.stateFile, { readonly: true });
  const outcome = {
    in_force: state.prepare('SELECT in_force_version FROM outcomes').pluck(),
    verified: state.prepare('SELECT verified_version FROM outcomes').pluck(),
  };
  return {
    site,
    sidecar,
    tellsAtOnce,
    folders: ['INBOX', 'Sent', 'Drafts', 'Junk', 'Trash', ...made],
    commit: (sql) => {
      table.exec(sql);
      return version.get() as number;
    },
    reached: async (phase, wanted) => {
      // Not without pause: this would take one of two cores from those that are measured.
      while (((outcome[phase].get() as number | undefined) ?? 0) < wanted) await sleep(1);
    },
    as,
    stop: async () => {
      table.close();
      state.close();
      await sidecar.end();
      await site.stop();
    },
  };
}

/** The names a delegate sees of these folders. */
export function sharedName(folder: string): string {
  return folder === 'INBOX' ? SHARED : `${SHARED}/${folder}`;
}

/** A fresh session of the delegate that lists every folder of the owner; throws when it sees fewer than `count`. */
export async function listAll({ as }: Ground, count: number): Promise<void> {
  const delegate = await as(DELEGATE);
  const { lines } = await delegate.send(`LIST "" ("${SHARED}" "${SHARED}/*")`);
  delegate.close();
  const seen = lines.filter((line) => line.startsWith('* LIST') && !line.includes('\\Noselect')).length;
  if (seen < count) throw new Error(`the delegate sees ${seen} folders instead of ${count}`);
}

export async function elapsed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
