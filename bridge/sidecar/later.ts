/** Mailboxes that are to be looked at once more after a time. A restart looks at all of them anyway. */
export interface Later {
  /** @param ms from now; where one waits already, the earlier counts */
  add(mailboxId: number, ms: number): void;
  close(): void;
}

/** A timer that fires early by the system's clock would find nothing changed yet. */
const GRACE_MS = 100;

export function openLater(look: (mailboxId: number) => void): Later {
  const waiting = new Map<number, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  return {
    add: (mailboxId, ms) => {
      const at = performance.now() + ms + GRACE_MS;
      const known = waiting.get(mailboxId);
      if (known !== undefined && known.at <= at) return;
      clearTimeout(known?.timer);
      const timer = setTimeout(() => {
        waiting.delete(mailboxId);
        look(mailboxId);
      }, ms + GRACE_MS);
      waiting.set(mailboxId, { at, timer });
    },
    close: () => {
      for (const { timer } of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
