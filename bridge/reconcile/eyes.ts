/** Looking through a delegate's eyes: a fresh session of his, closed again whatever happens. */
import { failureOf } from '../failure.ts';
import type { DelegateView } from './mail-server.ts';
import type { Pass } from './pass.ts';

/** More often than other mailboxes can honestly cut him within one look. */
const ATTEMPTS = 20;

/** `work` may be done more than once: when a cut of our own, for another mailbox of his, ended the session under it. */
export async function throughEyesOf<T>(
  pass: Pass,
  login: string,
  work: (view: DelegateView) => Promise<T>,
): Promise<T> {
  const { gate, server } = pass.site;
  for (let attempt = 1; ; attempt++) {
    const wasCut = gate.watch(login);
    try {
      const view = await server.asDelegate(login);
      try {
        return await work(view);
      } finally {
        view.close();
      }
    } catch (error) {
      if (attempt === ATTEMPTS || failureOf(error).code !== 'retry' || !wasCut()) throw error;
    }
  }
}
