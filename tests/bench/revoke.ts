/** Revoke: from COMMIT to the BYE on the session that is open, and a refused SELECT on a fresh one. */
import { DELEGATE, elapsed, type Ground, OWNER, prepare, RIGHTS, SHARED } from './ground.ts';
import { type Comparison, compare } from './pairs.ts';

export async function revokeFigures(folderCount: number, pairs: number): Promise<Comparison> {
  const ground = await prepare(folderCount, true);
  try {
    return await compare(
      `revoke, ${folderCount} folders`,
      async () => {
        const version = ground.commit(`INSERT INTO delegation (mailbox, delegate) VALUES ('${OWNER}', '${DELEGATE}')`);
        await ground.reached('verified', version);
        const open = await openSession(ground);
        let after = 0;
        const took = await elapsed(async () => {
          after = ground.commit('DELETE FROM delegation');
          await open.waitForBye(10_000);
          await refused(ground);
        });
        await ground.reached('verified', after);
        return took;
      },
      async () => {
        const before = await ground.as(OWNER);
        await before.send(`SETACL INBOX ${DELEGATE} ${RIGHTS}`);
        before.close();
        const open = await openSession(ground);
        return elapsed(async () => {
          const owner = await ground.as(OWNER);
          await owner.send(`DELETEACL INBOX ${DELEGATE}`);
          owner.close();
          await Promise.all([kick(ground), open.waitForBye(10_000)]);
          await refused(ground);
        });
      },
      pairs,
    );
  } finally {
    await ground.stop();
  }
}

async function openSession(ground: Ground) {
  const open = await ground.as(DELEGATE);
  const { status, text } = await open.command(`SELECT "${SHARED}"`);
  if (status !== 'OK') throw new Error(`the delegate can't open the mailbox: ${text}`);
  return open;
}

async function refused(ground: Ground): Promise<void> {
  const fresh = await ground.as(DELEGATE);
  const { status } = await fresh.send(`SELECT "${SHARED}"`);
  fresh.close();
  if (status !== 'NO') throw new Error(`SELECT after the revoke: ${status}`);
}

async function kick({ site: { lab } }: Ground): Promise<void> {
  await fetch(lab.doveadm.url, {
    method: 'POST',
    headers: { authorization: `X-Dovecot-API ${Buffer.from(lab.doveadm.apiKey).toString('base64')}` },
    body: JSON.stringify([['kick', { mask: [DELEGATE] }, 'bench']]),
  });
}
