/** A whole tree's rights, as a delegate's view asks for them: in one answer (LIST-MYRIGHTS) and folder by folder, in turn. */
import { dialectOf, imapEndpoint, impersonation } from '../../bridge/configured/drivers.ts';
import type { Connection } from '../../bridge/imap/connection.ts';
import { openAs } from '../../bridge/imap/impersonation.ts';
import { imapServer } from '../../bridge/imap/mail-server.ts';
import { loadConfig } from '../../config/load.ts';
import { DELEGATE, elapsed, OWNER, prepare } from './ground.ts';
import { type Comparison, compare } from './pairs.ts';

/** Undefined where the server doesn't offer it. */
export async function rightsFigures(folderCount: number, pairs: number): Promise<Comparison | undefined> {
  const ground = await prepare(folderCount, true);
  try {
    if (!ground.tellsAtOnce) return undefined;
    const granted = ground.commit(`INSERT INTO delegation (mailbox, delegate) VALUES ('${OWNER}', '${DELEGATE}')`);
    await ground.reached('verified', granted);
    const config = loadConfig({ path: ground.site.configFile, env: {}, cwd: '/' });
    const { adminUser } = config.imap;
    const open = (login: string) => openAs(imapEndpoint(config), impersonation(config, {}), login);
    const look = (has: (connection: Connection, capability: string) => boolean) => {
      const server = imapServer('main', dialectOf(config), adminUser, async (login) => {
        const connection = await open(login);
        return { ...connection, has: (capability: string) => has(connection, capability) };
      });
      return elapsed(async () => {
        const view = await server.asDelegate(DELEGATE);
        const listed = await view.listed(OWNER);
        const rights = await view.rights(OWNER, [...listed]);
        view.close();
        if (rights.size < ground.folders.length) throw new Error(`${rights.size} folders are seen`);
      });
    };
    return await compare(
      `rights of ${folderCount} folders, login included`,
      () => look((connection, capability) => connection.has(capability)),
      () => look((connection, capability) => capability !== 'LIST-MYRIGHTS' && connection.has(capability)),
      pairs,
    );
  } finally {
    await ground.stop();
  }
}
