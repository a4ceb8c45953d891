/**
 * The drivers, with every change held back until it is certain that this sidecar is still the one that works on the mailboxes. Changes of one session
 * go one after the other, or those that were asked for together in one piece, so that none waits in a queue once it was asked. A session is closed when
 * it becomes uncertain: what a stopped process had not handed over yet is not sent when it wakes. No check on this side reaches what is on its way
 * already; `late` hears whose mailbox it was.
 */
import type { DelegateView, MailServer, OwnerView, SenderPublisher, SessionCutter } from './driver-interfaces.ts';

export interface Fence {
  /** Fails where it isn't this sidecar's to write any more, or that can't be found out. */
  sure(): Promise<void>;
  readonly certain: boolean;
  onDoubt(hear: () => void): () => void;
}

/** Of an owner's login: a change in their mailbox may have reached the server when it was another's to make. */
export type Late = (owner: string) => void;

export function fencedServer(server: MailServer, fence: Fence, late: Late): MailServer {
  return {
    ...server,
    asOwner: async (...about) => fencedOwner(await server.asOwner(...about), fence, late),
    asDelegate: async (login) => fencedDelegate(await server.asDelegate(login), fence, late),
  };
}

export function fencedCutter(cutter: SessionCutter, fence: Pick<Fence, 'sure'>): SessionCutter {
  return {
    cut: async (login) => {
      await fence.sure();
      return cutter.cut(login);
    },
  };
}

export function fencedPublisher(publisher: SenderPublisher, fence: Pick<Fence, 'sure'>): SenderPublisher {
  return {
    ...publisher,
    publish: async (mailboxId, rules) => {
      await fence.sure();
      return publisher.publish(mailboxId, rules);
    },
  };
}

function fencedOwner(view: OwnerView, fence: Fence, late: Late): OwnerView {
  const { change, close } = fenced(view, fence, late);
  const { login } = view;
  return {
    ...view,
    set: (folder, identifier, rights) =>
      change(login, () => view.set(folder, identifier, rights), isPlain(folder, identifier)),
    remove: (folder, identifier) => change(login, () => view.remove(folder, identifier), isPlain(folder, identifier)),
    subscribe: (folder) => change(login, () => view.subscribe(folder)),
    close,
  };
}

function fencedDelegate(view: DelegateView, fence: Fence, late: Late): DelegateView {
  const { change, close } = fenced(view, fence, late);
  return {
    ...view,
    subscribe: (owner, folder) => change(owner, () => view.subscribe(owner, folder), isPlain(owner, folder)),
    unsubscribe: (owner, folder) => change(owner, () => view.unsubscribe(owner, folder)),
    close,
  };
}

/** What has to be asked for before it is sent (a literal) waits for the server in between. */
const isPlain = (...names: readonly string[]) => names.every((name) => /^[\x20-\x7e]*$/.test(name));

/** Changes behind one check. Those that go in one piece may be several. */
interface Together {
  readonly inOnePiece: boolean;
  /** Resolves when it is certain that they are ours to make. */
  readonly begins: Promise<void>;
  readonly ends: Promise<unknown>[];
}

function fenced(view: { close(): void; readonly together?: boolean }, fence: Fence, late: Late) {
  const forget = fence.onDoubt(() => view.close());
  let last: Promise<unknown> = Promise.resolve();
  /** Not begun yet. */
  let next: Together | undefined;
  const open = (inOnePiece: boolean): Together => {
    const begins = last.then(async () => {
      if (next === those) next = undefined;
      await fence.sure();
    });
    const those: Together = { inOnePiece, begins, ends: [] };
    last = begins.then(
      () => Promise.allSettled(those.ends),
      () => {}, // whoever asked hears of it
    );
    next = those;
    return those;
  };
  const change = <T>(owner: string, work: () => Promise<T>, isPlain = false): Promise<T> => {
    const inOnePiece = isPlain && view.together === true;
    const those = inOnePiece && next?.inOnePiece ? next : open(inOnePiece);
    const turn = those.begins.then(async () => {
      try {
        return await work();
      } finally {
        if (!fence.certain) late(owner);
      }
    });
    those.ends.push(turn.catch(() => {}));
    return turn;
  };
  const close = () => {
    forget();
    view.close();
  };
  return { change, close };
}
