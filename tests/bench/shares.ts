/** A SETACL on Dovecot by how many shares the whole server has: with Dovecot's own file of them, and with `mandat shares serve`. */
import { chown, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Lab, startLab } from '../../config/lab/lab.ts';
import { connectImap } from '../../config/lab/raw-imap.ts';
import { systemUser } from '../../config/lab/system-ids.ts';
import { startShares } from '../servers/shares-server.ts';
import { at, password } from '../servers/site.ts';
import { type Comparison, compare } from './pairs.ts';

/** So many delegates each owner gets. */
const EACH = 5;

export type Keeper = 'file' | 'mandat';

/** With so many shares of other people's, and with few. */
export async function sharesFigures(keeper: Keeper, few: number, many: number, pairs: number): Promise<Comparison> {
  const grounds = [await ground(keeper, few, pairs), await ground(keeper, many, pairs)] as const;
  try {
    const [small, large] = grounds;
    const who = keeper === 'file' ? "Dovecot's own file" : '`mandat shares`';
    return await compare(
      `SETACL, ${who}, ${many.toLocaleString('en')} shares on the server against ${few.toLocaleString('en')}`,
      large.setAcl,
      small.setAcl,
      pairs,
    );
  } finally {
    for (const one of grounds) await one.stop();
  }
}

export interface SharesGround {
  readonly lab: Lab;
  /** Shares the next owner's INBOX with some delegates, and resolves with what a SETACL took, in ms. */
  setAcl(): Promise<number>;
  stop(): Promise<void>;
}

async function ground(keeper: Keeper, shares: number, owners: number): Promise<SharesGround> {
  const names = Array.from({ length: owners + 2 }, (_, index) => `owner${index}`); // some for a warm-up
  const server = keeper === 'mandat' ? await startShares() : undefined;
  const lab = await startLab({
    users: names.map((name) => ({ login: at(name), password: password(name) })),
    postfix: false,
    reuse: true,
    ...(server === undefined ? {} : { shares: server.socket }),
  });
  const file = path.join(lab.directory, 'dovecot/shared/shared-mailboxes.db');
  await writeFile(file, sharesOf(shares));
  const { uid, gid } = systemUser('mail');
  await chown(file, uid, gid);
  const taken = await server?.mandat('shares', 'import', file);
  if (taken !== undefined && taken.status !== 0) throw new Error(taken.stderr);
  let next = 0;
  return {
    lab,
    setAcl: async () => {
      const owner = await connectImap(lab.imap);
      await owner.loginAs(at(names[next++] ?? ''), lab.master.user, lab.master.password);
      await owner.send('GETACL INBOX');
      const began = performance.now();
      for (let delegate = 0; delegate < EACH; delegate++) {
        const { status, text } = await owner.command(`SETACL INBOX delegate${delegate}@lab.test lrswipkxte`);
        if (status !== 'OK') throw new Error(text);
      }
      const took = (performance.now() - began) / EACH;
      owner.close();
      return took;
    },
    stop: async () => {
      await lab.stop();
      await server?.stop();
    },
  };
}

/** As Dovecot writes it, five delegates an owner. */
export function sharesOf(count: number): string {
  const key = (index: number) =>
    `shared/shared-boxes/user/colleague${index}@lab.test/mailbox${Math.floor(index / EACH)}@lab.test`;
  return Array.from({ length: count }, (_, index) => `${key(index)}\n1\n`).join('');
}
