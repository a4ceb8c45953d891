import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readAnswers } from '../bridge/setup/answers.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { dataFiles } from '../bridge/store/files/data-files.ts';
import { loadConfig, SYSTEM_FILE } from '../config/load.ts';
import { confirmed } from './confirm.ts';
import { examined, summary } from './doctor.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { type Output, openOutput } from './output.ts';
import { type GlobalOptions, report } from './runner.ts';
import { askedAnswers } from './setup-questions.ts';

interface Options {
  readonly answers?: string;
  readonly yes?: boolean;
  readonly dovecotConfig?: string;
  readonly postfixConfig?: string;
}

/** Needs no configuration: it writes the first one. */
export function setupCommand(program: Command): void {
  program
    .command('setup')
    .description(
      'set mandat up on the Dovecot and Postfix of this machine: looks, shows each change, tries it, undoes what fails',
    )
    .option('--answers <file>', 'answers to its questions, as TOML; without it they are asked at the terminal')
    .option('--yes', 'make the changes without asking again')
    .option('--dovecot-config <file>', "Dovecot's configuration, if not the one that doveconf reads by itself")
    .option('--postfix-config <directory>', "Postfix's configuration, if not /etc/postfix")
    .action(async (given: Options) => {
      const options = program.opts<GlobalOptions>();
      const out = openOutput(options.json === true);
      try {
        process.exitCode = await setup(out, options, given);
      } catch (error) {
        process.exitCode = report(out, error);
      }
    });
}

async function setup(out: Output, { config }: GlobalOptions, given: Options): Promise<ExitStatus> {
  const { setUp } = await import('../bridge/setup/setup.ts'); // the IMAP library takes its time to load
  const configFile = resolve(config ?? process.env.MANDAT_CONFIG ?? SYSTEM_FILE);
  const at = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
  const [dovecotConfig, postfixConfig] = [at(given.dovecotConfig), at(given.postfixConfig)];
  const answers =
    given.answers === undefined
      ? await askedAnswers(out, configFile)
      : readAnswers(textOf(given.answers), given.answers);
  const outcome = await setUp(answers, {
    configFile,
    dovecotConfig,
    postfixConfig,
    program: [process.execPath, ...process.argv.slice(1, 2)],
    say: (line) => out.say(line),
    agreed: (question) => confirmed({ out }, question, given.yes),
  });
  if (outcome === 'declined') return EXIT.failed;
  const made = loadConfig({ path: configFile, env: process.env, cwd: process.cwd() });
  const lines = await examined(out, made, dataFiles(made.dataDir), { dovecotConfig, postfixConfig });
  out.result(
    { configFile, checks: lines.length, failed: lines.filter(({ status }) => status === 'fail').length },
    summary(lines),
  );
  return lines.some(({ status }) => status === 'fail') ? EXIT.failed : EXIT.done;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Failure(
      'config',
      `${file} can't be read (${(error as NodeJS.ErrnoException).code})`,
      'name a file of answers; nothing was changed',
    );
  }
}
