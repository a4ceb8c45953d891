/**
 * One at a time per login: `kick` ends every session of a login, ours included, so a pass that looks as a delegate
 * and a cut at a grant to the same delegate take turns. A cut at a revoke doesn't wait: whom it hits tries again at once, which
 * is why cuts are counted here.
 */
import { Mutex } from 'async-mutex';

export interface Gate {
  run<T>(login: string, work: () => Promise<T>): Promise<T>;
  /** Ends a login's sessions. */
  cut<T>(login: string, work: () => Promise<T>): Promise<T>;
  /** Answers, later, whether a cut of ours may have ended a session of this login that was opened after this call. */
  watch(login: string): () => boolean;
}

export function openGate(): Gate {
  const gates = new Map<string, { readonly mutex: Mutex; users: number }>();
  const cuts = new Map<string, { readonly begun: number; readonly done: number }>();
  const cutsOf = (login: string) => cuts.get(login) ?? { begun: 0, done: 0 };
  return {
    run: async (login, work) => {
      const gate = gates.get(login) ?? { mutex: new Mutex(), users: 0 };
      gates.set(login, gate);
      gate.users++;
      try {
        return await gate.mutex.runExclusive(work);
      } finally {
        if (--gate.users === 0) gates.delete(login);
      }
    },
    cut: async (login, work) => {
      cuts.set(login, { ...cutsOf(login), begun: cutsOf(login).begun + 1 });
      try {
        return await work();
      } finally {
        cuts.set(login, { ...cutsOf(login), done: cutsOf(login).done + 1 });
      }
    },
    watch: (login) => {
      const { done } = cutsOf(login);
      return () => cutsOf(login).begun > done;
    },
  };
}
