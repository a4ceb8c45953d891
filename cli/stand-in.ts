import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { Failure, failureOf } from '../bridge/shared/failure.ts';
import { type FromStandIn, standIn } from '../bridge/sidecar/stand-in.ts';
import { standInPlaces } from '../bridge/sidecar/stand-in-places.ts';
import { seconds } from './arguments.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';

interface Options {
  readonly for: number;
  readonly foreground?: boolean;
  /** It is the one in the background, and has a channel to whoever started it. */
  readonly background?: boolean;
}

export function standInCommand(program: Command, run: Runner): void {
  program
    .command('stand-in')
    .description(
      'before an upgrade or a restart: let submissions wait, instead of refusing them, until the sidecar is there again, and hand them on',
    )
    .option(
      '--for <seconds>',
      'end after this time, even if the sidecar is not there again; Postfix waits 100 s',
      seconds,
      300,
    )
    .option('--foreground', 'stay; otherwise it goes on in the background and ends by itself')
    .addOption(new Option('--background').hideHelp())
    .action(
      run((session: Session, options: Options) =>
        options.foreground === true || options.background === true
          ? standingIn(session, options)
          : inBackground(session, options.for),
      ),
    );
}

async function standingIn({ config, files, out }: Session, options: Options): Promise<ExitStatus> {
  const tell = (what: FromStandIn) => options.background === true && process.connected && process.send?.(what);
  try {
    const { places, ports } = standInPlaces(config, files);
    if (places.length === 0) {
      const why =
        ports.length === 0 ? 'no socket is configured' : `${ports.join(', ')} can't be taken over: it is a port`;
      throw new Failure(
        'config',
        `there is nothing to stand in for: ${why}`,
        'see [submission] listen and socketmap_path',
      );
    }
    const post = await standIn(places, options.for * 1000);
    const stop = () => void post.close();
    process.once('SIGTERM', stop).once('SIGINT', stop);
    if (options.background === true) tell({ kind: 'standing', ports });
    else said(out, options.for, ports);
    return (await post.ended) ? EXIT.done : EXIT.failed;
  } catch (error) {
    const { code, message, hint } = failureOf(error);
    tell({ kind: 'failed', code, message, hint });
    throw error;
  } finally {
    if (options.background === true && process.connected) process.disconnect();
  }
}

/** The same, by a process that nobody waits for: it has loaded all that it needs, so the program may be moved away under it. */
async function inBackground({ config, out }: Session, forSeconds: number): Promise<ExitStatus> {
  const program = path.resolve(process.argv[1] ?? '');
  const own = [program, '--config', config.file, 'stand-in', '--background', '--for', String(forSeconds)];
  const child = spawn(process.execPath, [...process.execArgv, ...own], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    cwd: '/',
  });
  const answer = await answerOf(child);
  if (answer.kind === 'failed') throw new Failure(answer.code, answer.message, answer.hint);
  child.unref();
  if (child.connected) child.disconnect();
  said(out, forSeconds, answer.ports, child.pid);
  return EXIT.done;
}

function answerOf(child: ChildProcess): Promise<FromStandIn> {
  return new Promise((resolve, reject) => {
    const ended = (why: string) => reject(new Failure('retry', `the stand-in ${why}`, 'try it with --foreground'));
    child.once('message', resolve);
    child.once('exit', (status, signal) => ended(`ended with ${signal ?? `status ${status}`}`));
    child.once('error', ({ message }) => ended(`could not be started: ${message}`));
  });
}

function said(out: Session['out'], forSeconds: number, ports: readonly string[], pid?: number): void {
  if (ports.length > 0)
    out.warn(`mandat: ${ports.join(', ')}: a port can't be taken over, and is refused while nobody listens`);
  const who = pid === undefined ? '' : ` (process ${pid})`;
  out.result({ pid: pid ?? process.pid, seconds: forSeconds, ports }, `standing in for ${forSeconds} s at most${who}`);
}
