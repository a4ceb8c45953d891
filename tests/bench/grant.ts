/**
 * Grant: from COMMIT of the row by another process to a fresh session of the delegate that lists every folder; and to the whole tree
 * verified. The floor is a raw, pipelined client that does the least the server allows for the same durable effect.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { RawImap } from '../../config/lab/raw-imap.ts';
import { DELEGATE, elapsed, type Ground, listAll, OWNER, prepare, RIGHTS, SHARED, sharedName } from './ground.ts';
import { type Comparison, compare } from './pairs.ts';

const execute = promisify(execFile);
const INSERT = `INSERT INTO delegation (mailbox, delegate) VALUES ('${OWNER}', '${DELEGATE}')`;
const MANY = 41;
const SPECIAL = ['Sent', 'Drafts', 'Junk', 'Trash'];

export interface GrantFigures {
  readonly folders: number;
  readonly inherit: boolean;
  readonly first: Comparison;
  readonly second: Comparison;
  /** An administrator's loop of `doveadm acl set` over all folders, in milliseconds. */
  readonly loop: number;
}

export async function grantFigures(folderCount: number, inherit: boolean, pairs: number): Promise<GrantFigures> {
  const ground = await prepare(folderCount, inherit);
  const label = `${folderCount} folders, ${inherit ? 'inherited' : 'not inherited'}`;
  try {
    const visible = inherit ? ground.folders.length : 1; // without inheritance the first phase opens INBOX
    const first = await compare(
      `in force, ${label}`,
      async () => {
        const took = await elapsed(async () => {
          await ground.reached('in_force', ground.commit(INSERT));
          await listAll(ground, visible); // more, where the second phase is ahead
        });
        await takeBack(ground);
        return took;
      },
      async () => {
        const took = await elapsed(async () => {
          const owner = await ground.as(OWNER);
          await owner.send(`SETACL INBOX ${DELEGATE} ${RIGHTS}`);
          owner.close();
          await listAll(ground, visible);
        });
        await undo(ground, ['INBOX']);
        return took;
      },
      // Tens of milliseconds each: many of them, or the spread says more of the machine than of us.
      folderCount >= 1000 ? pairs : Math.max(pairs, MANY),
    );
    const second = await compare(
      `verified, ${label}`,
      async () => {
        const took = await elapsed(async () => ground.reached('verified', ground.commit(INSERT)));
        await takeBack(ground);
        return took;
      },
      async () => {
        const took = await elapsed(() => wholeTree(ground, inherit));
        await undo(ground);
        return took;
      },
      folderCount >= 1000 ? Math.min(pairs, 7) : pairs,
    );
    const loop = await elapsed(() => administratorsLoop(ground));
    await undo(ground);
    return { folders: folderCount, inherit, first, second, loop };
  } finally {
    await ground.stop();
  }
}

/** Entries, subscriptions, and a look at each folder as the delegate, all pipelined. */
async function wholeTree(ground: Ground, inherit: boolean): Promise<void> {
  const owner = await ground.as(OWNER);
  const own = inherit ? ['INBOX', ...SPECIAL] : ground.folders;
  await Promise.all(
    own.map((name) =>
      owner.send(`SETACL ${name} ${DELEGATE} ${SPECIAL.includes(name) ? RIGHTS.replace('x', '') : RIGHTS}`),
    ),
  );
  owner.close();
  const delegate = await ground.as(DELEGATE);
  await Promise.all(ground.folders.map((name) => delegate.send(`SUBSCRIBE ${sharedName(name)}`)));
  delegate.close();
  const fresh = await ground.as(DELEGATE);
  const seen = await rightsSeen(ground, fresh);
  fresh.close();
  if (seen < ground.folders.length) throw new Error('the floor did not open the whole tree');
}

/** Of how many folders the delegate is told their rights. */
async function rightsSeen({ folders, tellsAtOnce }: Ground, delegate: RawImap): Promise<number> {
  const questions = tellsAtOnce
    ? [`LIST "" ("${SHARED}" "${SHARED}/*") RETURN (MYRIGHTS)`]
    : folders.map((name) => `MYRIGHTS ${sharedName(name)}`);
  const answers = await Promise.all(questions.map((line) => delegate.send(line)));
  return answers.flatMap(({ lines }) => lines).filter((line) => line.startsWith('* MYRIGHTS')).length;
}

async function takeBack(ground: Ground): Promise<void> {
  await ground.reached('verified', ground.commit('DELETE FROM delegation'));
}

/** Puts the server back to where it was before the floor's turn. */
async function undo(ground: Ground, folders = ground.folders): Promise<void> {
  const owner = await ground.as(OWNER);
  await Promise.all(folders.map((name) => owner.send(`DELETEACL ${name} ${DELEGATE}`)));
  owner.close();
  const delegate = await ground.as(DELEGATE);
  await Promise.all(folders.map((name) => delegate.send(`UNSUBSCRIBE ${sharedName(name)}`)));
  delegate.close();
}

async function administratorsLoop({ site, folders }: Ground): Promise<void> {
  const { lab } = site;
  const entry = [
    'lookup',
    'read',
    'write',
    'write-seen',
    'insert',
    'post',
    'create',
    'delete',
    'write-deleted',
    'expunge',
  ];
  for (const name of folders) {
    await execute('doveadm', [
      '-c',
      path.join(lab.directory, 'dovecot', 'dovecot.conf'),
      'acl',
      'set',
      '-u',
      OWNER,
      name,
      `user=${DELEGATE}`,
      ...entry,
    ]);
  }
}
