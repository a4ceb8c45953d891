/** The connections to the IMAP server that this process has open, told to whoever has to tell them from other people's (bridge/events). */

/** `at`: this end of it as the server sees it where nothing stands between, `127.0.0.1:40312`. */
export type OnConnection = (at: string, open: boolean) => void;

const listeners = new Set<OnConnection>();
const open = new Set<string>();

/** Hears of those that are open, and from now on. The answer ends that. */
export function followConnections(listener: OnConnection): () => void {
  listeners.add(listener);
  for (const at of open) listener(at, true);
  return () => void listeners.delete(listener);
}

export interface OwnEnd {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}

/** Once it is connected. The answer is called when it ends. */
export function noteConnection({ localAddress, localPort }: OwnEnd): () => void {
  if (localAddress === undefined || localPort === undefined) return () => {};
  const at = `${localAddress.replace(/^::ffff:/, '')}:${localPort}`;
  open.add(at);
  for (const listener of listeners) listener(at, true);
  return () => {
    if (open.delete(at)) for (const listener of listeners) listener(at, false);
  };
}
