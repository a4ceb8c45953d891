/** A client that does the least the server allows: who logs in, and how much goes on at once. */
import { connectImap, type RawImap } from '../../config/lab/raw-imap.ts';
import { at, type Site } from '../servers/site.ts';

export async function loggedIn({ lab }: Site, name: string): Promise<RawImap> {
  const imap = await connectImap(lab.imap);
  const { status, text } = await imap.loginAs(at(name), lab.master.user, lab.master.password);
  if (status !== 'OK') throw new Error(text);
  return imap;
}

/** Each of them, `most` at a time. */
export async function atOnce<T>(most: number, all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const worker = async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: most }, worker));
}
