/** Bulk work of a command leaves processor time to the mail server and to the sidecar. */
import os from 'node:os';

/** As `nice -n 10` has it. */
const BACKGROUND = 10;

/**
 * Runs it so, and as before afterwards; only root can go back, so only for root: whoever holds a lock of the table must not be kept from
 * the processor.
 */
export async function atLowPriority<T>(work: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  const before = os.getPriority();
  setPriority(Math.max(before, BACKGROUND));
  try {
    return await work();
  } finally {
    setPriority(before);
  }
}

function setPriority(priority: number): void {
  try {
    os.setPriority(priority);
  } catch {
    // A hint to the kernel: where it isn't allowed, the work is done all the same.
  }
}
