/**
 * One at a time per login: `kick` ends every session of a login, ours included, so a pass that looks through a delegate's eyes
 * and a cut at a grant to the same delegate take turns. A cut at a revoke doesn't wait: whom it hits tries again.
 */
import { Mutex } from 'async-mutex';

export interface Gate {
  run<T>(login: string, work: () => Promise<T>): Promise<T>;
}

export function openGate(): Gate {
  const gates = new Map<string, { readonly mutex: Mutex; users: number }>();
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
  };
}
