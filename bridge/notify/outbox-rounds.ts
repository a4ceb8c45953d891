/** Work that is done in rounds: one at a time, when the time has come or somebody has asked for it. Nobody polls. */

export interface Rounds {
  /** The next one begins after so long; sooner, if that was planned. */
  after(ms: number): void;
  /** No more of them; resolves when the one in hand is over. */
  stop(): Promise<void>;
}

/** A clock may be set meanwhile. */
const LONGEST_SLEEP_MS = 3_600_000;

/** `round` answers after how long the next one is due. It never throws. */
export function openRounds(round: () => Promise<number>): Rounds {
  let timer: { readonly at: number; readonly handle: NodeJS.Timeout } | undefined;
  let running: Promise<void> | undefined;
  let asked: number | undefined;
  let stopped = false;

  const after = (ms: number) => {
    // What comes while one is running may be something that it has looked for already.
    if (running !== undefined) asked = Math.min(asked ?? ms, ms);
    const at = Date.now() + Math.min(ms, LONGEST_SLEEP_MS);
    if (running !== undefined || stopped || (timer !== undefined && timer.at <= at)) return;
    clearTimeout(timer?.handle);
    timer = { at, handle: setTimeout(begin, at - Date.now()) };
  };

  function begin(): void {
    timer = undefined;
    running = round().then((ms) => {
      running = undefined;
      after(Math.min(ms, asked ?? ms));
      asked = undefined;
    });
  }

  return {
    after,
    stop: async () => {
      stopped = true;
      clearTimeout(timer?.handle);
      await running;
    },
  };
}
