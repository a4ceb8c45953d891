/** What is said of a change to the table that isn't a delegation: what was done, and what came of it where no sidecar runs. */
import { EXIT, type ExitStatus } from './exit.ts';
import { counted } from './output.ts';
import { MADE_HERE, NO_SIDECAR, NOBODY_GOES_ON, passHere, passLines, sidecarSeen, unseen } from './own-pass.ts';
import { pauseOf, warnOfPause } from './paused.ts';
import { openProgress } from './progress.ts';
import { documentOf, sentence } from './runner.ts';
import type { Session } from './session.ts';

/** For another's pass to end. */
const PATIENCE_MS = 30_000;

/** Of `--no-wait`, where the change isn't waited for while a sidecar runs. */
export const SAVE_ONLY = 'only save it, also where no sidecar runs';

/**
 * Where no sidecar runs, passes are made over the mailboxes that the change concerns, unless `wait` is false. The exit status is what came
 * of them.
 */
export async function changed(
  session: Session,
  document: Readonly<Record<string, unknown>>,
  did: string,
  wait = true,
): Promise<ExitStatus> {
  const { out } = session;
  warnOfPause(session, await pauseOf(session));
  const sidecar = sidecarSeen(session);
  const touched = sidecar === false && wait ? await session.touched() : [];
  if (sidecar !== false || touched.length === 0) {
    const when = sidecar === undefined ? `. ${unseen(session)}` : sidecar ? '' : `. ${NO_SIDECAR}`;
    out.result({ ...document, sidecar: sidecar ?? null }, did + when);
    return EXIT.done;
  }
  const progress = openProgress(out, 'in line');
  const pass = await passHere(
    session,
    touched.map(({ mailboxId }) => mailboxId),
    PATIENCE_MS,
    progress.at,
  ).finally(progress.end);
  if (pass.by === 'sidecar') {
    out.result({ ...document, sidecar: true }, did);
    return EXIT.done;
  }
  if (pass.by === 'nobody') {
    const { code, message, hint } = pass.failure;
    out.result({ ...document, sidecar: false, verified: 0, failures: [documentOf(pass.failure)] }, `${did}: saved`);
    const hints = [hint, NOBODY_GOES_ON].filter((one) => one !== '').join('\n        ');
    out.warn(sentence({ message: `it has not taken effect yet, because: ${message}`, hint: hints, rule: undefined }));
    return code === 'retry' ? EXIT.unreachable : EXIT.failed;
  }
  const { line, failures, verified } = passLines(pass.report);
  const documents = failures.map(({ mailbox, failure }) => ({ mailbox, ...documentOf(failure) }));
  const { held } = pass.report;
  out.result({ ...document, sidecar: false, verified, held, failures: documents }, `${did}. ${MADE_HERE}\n${line}`);
  for (const { mailbox, failure } of failures)
    out.warn(sentence({ message: `${mailbox}: ${failure.message}`, hint: failure.hint, rule: undefined }));
  if (held > 0) {
    const lets = '"mandat sync --force" lets go';
    out.warn(`mandat: ${counted(held, 'delegation')} held back, since so many disappear at once: ${lets}`);
  }
  if (pass.report.results.some(({ kind }) => kind === 'paused')) return EXIT.failed;
  if (failures.length === 0) return held === 0 ? EXIT.done : EXIT.failed;
  out.warn(`mandat: ${NOBODY_GOES_ON}`);
  return failures.every(({ failure }) => failure.code === 'retry') ? EXIT.unreachable : EXIT.failed;
}
