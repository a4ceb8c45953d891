import { waitFor } from '../../config/lab/wait.ts';
import type { Running } from './site.ts';

const LIMIT_MS = 60_000;

/** Waits until the sidecar takes the server's events, which it does a moment after it watches the table. */
export async function eventsTaken(running: Pick<Running, 'log'>): Promise<void> {
  await waitFor(
    'events are taken',
    LIMIT_MS,
    () => running.log().some(({ msg }) => msg === 'taking events'),
    () => JSON.stringify(running.log().slice(-10)),
  );
}
