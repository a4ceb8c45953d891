import { chmod, chown, mkdir } from 'node:fs/promises';
import type { LabUser } from './accounts.ts';
import type { Server } from './server.ts';
import type { SystemIds } from './system-ids.ts';

/** An SMTP server that isn't Postfix: where it is to live, and who may log in. */
export interface OtherSite {
  readonly directory: string;
  readonly port: number;
  readonly users: readonly LabUser[];
}

export interface OtherServer extends Server {
  /** What the server runs with: a group of this machine, since the package's own isn't there. */
  readonly group: string;
  /** The file that it reads the sender rules from, by its path outside the jail. It must be there before it starts. */
  readonly senders: string;
  /** Its table of credentials, where that is needed to say who keeps their own address. */
  readonly logins: string | undefined;
  readonly reload: readonly string[] | undefined;
}

export async function ownedBy(directory: string, { uid, gid }: SystemIds, mode: number): Promise<void> {
  await mkdir(directory, { recursive: true });
  await chown(directory, uid, gid);
  await chmod(directory, mode);
}
