/** What is said of a mailbox that moves to another mail server: what has become of it on both. */
import { type Part, waitForMove } from '../bridge/questions/wait-for-move.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { passHere, sidecarSeen } from './own-pass.ts';
import { openProgress } from './progress.ts';
import { sentence } from './runner.ts';
import type { Session } from './session.ts';

/** For both servers. */
const PATIENCE_MS = 60_000;

export interface Move {
  readonly mailboxId: number;
  readonly address: string;
  readonly from: string;
  readonly to: string;
}

export async function moved(session: Session, { mailboxId, address, from, to }: Move): Promise<ExitStatus> {
  const { out } = session;
  if (sidecarSeen(session) === false && (await session.touched()).some((one) => one.mailboxId === mailboxId)) {
    const progress = openProgress(out, 'in line');
    await passHere(session, [mailboxId], PATIENCE_MS, progress.at).finally(progress.end);
  }
  const parts = await session.table((table) =>
    session.state((state) => waitForMove(table, state, mailboxId, [from, to], PATIENCE_MS)),
  );
  const line = ({ server, done }: Part) => {
    const did = server === from ? 'what stood there is taken away' : 'what the table gives is in force';
    return `  ${server}: ${done ? `${did}, verified` : 'not yet'}`;
  };
  const document = parts.map(({ server, done, why }) => ({ server, done, why: why?.message ?? null }));
  out.result({ mailbox: address, servers: document }, [`${address} is on ${to} now`, ...parts.map(line)].join('\n'));
  for (const { server, done, why } of parts) {
    if (done) continue;
    const message = why === undefined ? `it goes on in the background: "mandat status --all" shows it` : why.message;
    out.warn(sentence({ message: `${server}: ${message}`, hint: why?.hint ?? '', rule: undefined }));
  }
  return parts.every(({ done }) => done) ? EXIT.done : EXIT.unreachable;
}
