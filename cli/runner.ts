/** Runs one command: opens its session, turns what it throws into a sentence and an exit status. No stack traces for users. */

import { Command } from 'commander';
import { type Actor, actorName } from '../acl/actor.ts';
import { noteRefusal } from '../bridge/acting/refusals.ts';
import { Failure, failureOf } from '../bridge/shared/failure.ts';
import { explained } from '../bridge/store/files/open.ts';
import { ConfigError } from '../config/mistake.ts';
import { EXIT, type ExitStatus, exitStatusOf } from './exit.ts';
import { pathOf } from './frame.ts';
import { type Output, openOutput } from './output.ts';
import { openSession, type Session } from './session.ts';

/**
 * Wraps an action for commander: positional arguments first, then the options. `open`: who may call it beside admins; what they may do
 * with it is the action's to ask (actor.ts). `acting`: as whom (session.ts).
 */
export type Runner = (
  action: (session: Session, ...args: never[]) => Promise<ExitStatus | undefined>,
  open?: readonly Exclude<Actor['kind'], 'admin'>[],
  acting?: 'owner' | 'caller',
) => (...args: unknown[]) => Promise<void>;

export interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly as?: string;
}

export function runner(program: Command): Runner {
  return (action, open = [], acting = 'owner') =>
    async (...args) => {
      const options = program.opts<GlobalOptions>();
      const out = openOutput(options.json === true);
      let session: Session | undefined;
      try {
        session = openSession(out, options, { acting, given: filesNamed(args.at(-1)) });
        const { actor } = session;
        if (actor.kind !== 'admin' && !open.includes(actor.kind)) {
          const whose = ['admins', ...open.map((kind) => `${kind}s`)].join(' and ');
          throw new Failure('refused', `${actorName(actor)} may not do this: it is for ${whose}`, '', {
            rule: 'MANDAT_ACTOR',
          });
        }
        if (session.config.database !== undefined) {
          const { takeSharedImports } = await import('./shared-imports.ts');
          await takeSharedImports(session, pathOf(args.at(-1)));
        }
        process.exitCode = (await action(session, ...(args as never[]))) ?? EXIT.done;
      } catch (error) {
        if (session !== undefined) await refused(session, error, args.at(-1));
        process.exitCode = report(out, session === undefined ? error : understood(error, session));
      }
    };
}

/** What the user gave where the command takes a <file>. */
function filesNamed(command: unknown): readonly string[] {
  if (!(command instanceof Command)) return [];
  const options = command.options.filter(({ flags }) => flags.includes('<file>'));
  const given = [
    ...command.registeredArguments.flatMap((one, at) => (one.name() === 'file' ? [command.processedArgs[at]] : [])),
    ...options.map((option) => command.getOptionValue(option.attributeName())),
  ];
  return given.filter((one): one is string => typeof one === 'string');
}

async function refused(session: Session, error: unknown, command: unknown): Promise<void> {
  if (!(error instanceof Failure) || error.rule !== 'MANDAT_ACTOR') return; // nothing else makes a caller the owner of the data
  try {
    session.becomeOwner();
    await noteRefusal(session, error, pathOf(command));
  } catch {} // they are refused all the same
}

/** What the system says of our files, wherever it came up, in words that say what to do. */
function understood(error: unknown, { config, files }: Session): unknown {
  if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') {
    return new Failure('config', `${files.directory} is not a directory`, `check data_dir in ${config.file}`, {
      cause: error,
    });
  }
  return explained(error, files.directory, "one of mandat's files");
}

/** Says on standard error what went wrong and what to do, and answers the exit status. */
export function report(out: Output, error: unknown): number {
  if (error instanceof ConfigError) {
    if (out.json) out.result({ error: { code: 'config', message: error.message, mistakes: error.mistakes } }, '');
    out.warn(error.message);
    return EXIT.usage;
  }
  const failure = failureOf(error);
  if (out.json) out.result({ error: documentOf(failure) }, '');
  out.warn(sentence(failure));
  return exitStatusOf(failure.code);
}

export function documentOf({ code, rule, message, hint }: Failure) {
  return { code, rule: rule ?? null, message, hint };
}

export function sentence({ message, hint, rule }: Pick<Failure, 'message' | 'hint' | 'rule'>): string {
  const name = rule?.startsWith('MANDAT_') ? ` (${rule})` : '';
  return `mandat: ${message}${name}${hint === '' ? '' : `\n        ${hint}`}`;
}
