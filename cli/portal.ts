import type { Command } from 'commander';
import { Failure } from '../bridge/shared/failure.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { openLog } from './log.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { keepHeapSmall } from './small-heap.ts';

export function portalCommand(program: Command, run: Runner): void {
  program
    .command('portal')
    .description(
      'the people\'s own screens and the HTTP API alone, in the foreground; "mandat run" starts them itself, unless [portal] process is "unit"',
    )
    .action(run((session: Session) => serving(session)));
}

/** One that hangs is ended by systemd: it asks no more than that the event loop turns. */
const SERVING = { alive: () => [], line: () => 'answering people' };

async function serving({ config }: Session): Promise<ExitStatus> {
  if (config.portal === undefined)
    throw new Failure('config', 'no section [portal] is configured', 'docs/portal.md says how');
  keepHeapSmall();
  const { startPortal } = await import('../bridge/portal/portal.ts');
  const { openSupervisor } = await import('../bridge/health/supervisor.ts');
  const { hurryStores } = await import('../bridge/configured/stores.ts');
  const log = openLog(config.log.level);
  const asked = untilTold();
  const portal = await startPortal(config, { env: process.env, log });
  const supervisor = process.channel === undefined ? openSupervisor(process.env, SERVING, log) : undefined;
  await supervisor?.ready();
  await asked;
  await supervisor?.stopping();
  await hurryStores(config);
  await portal.close();
  if (process.connected) process.disconnect(); // or it would keep this process alive
  return EXIT.done;
}

/** By a signal; or the sidecar that has started it is gone, however it ended. */
function untilTold(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    if (process.channel !== undefined) process.once('disconnect', () => resolve());
  });
}
