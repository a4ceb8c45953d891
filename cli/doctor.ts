import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { Line } from '../bridge/doctor/examine.ts';
import type { DoctorOptions } from '../bridge/doctor/examined-site.ts';
import type { Status } from '../bridge/doctor/finding.ts';
import type { Address } from '../bridge/doctor/line-session.ts';
import { becomeForFiles } from '../bridge/shared/unix-user.ts';
import type { DataFiles } from '../bridge/store/files/data-files.ts';
import { dataOwner } from '../bridge/store/files/directories.ts';
import type { Config } from '../config/schema.ts';
import { readSecret } from '../config/secret.ts';
import { login } from './arguments.ts';
import { EXIT } from './exit.ts';
import { counted, type Output, oneLine } from './output.ts';
import { openWaiting } from './progress.ts';
import type { Runner } from './runner.ts';
import { groupsFor } from './session.ts';

interface Options {
  readonly probe?: string;
  readonly probeAs?: string;
  readonly probePasswordFile?: string;
  readonly smtp?: Address;
  readonly submission?: Address;
  readonly sieve?: Address;
  readonly dovecotConfig?: string;
  readonly postfixConfig?: string;
}

export function doctorCommand(program: Command, run: Runner): void {
  program
    .command('doctor')
    .description('examine the set-up: one line a check, the remedy below a bad one; exits 1 when a check fails')
    .option('--probe <mailbox>', 'try in this mailbox what only trying shows; nothing of it stays there')
    .option(
      '--probe-as <account>',
      'share a folder of it with this account for a moment, and look as this account, whose open sessions are cut',
    )
    .option(
      '--probe-password-file <file>',
      'the password of that account, mode 600: it submits a message; or $MANDAT_PROBE_PASSWORD',
    )
    .option('--smtp <host:port>', 'where mail from outside comes in, if not at port 25 of [imap] host', address)
    .option('--submission <host:port>', 'where users submit mail, if not at port 587 or 465 of [imap] host', address)
    .option('--sieve <host:port>', 'ManageSieve, if not at port 4190 of [imap] host', address)
    .option('--dovecot-config <file>', "Dovecot's configuration, if not the one that doveconf reads by itself")
    .option('--postfix-config <directory>', "Postfix's configuration, if not /etc/postfix")
    .action(
      run(
        async ({ out, config, files }, given: Options) => {
          const probePassword = passwordOf(given.probePasswordFile); // with the rights of who typed it
          const options = {
            ...given,
            probePassword,
            probe: given.probe === undefined ? undefined : login(given.probe),
            probeAs: given.probeAs === undefined ? undefined : login(given.probeAs),
            dovecotConfig: given.dovecotConfig === undefined ? undefined : resolve(given.dovecotConfig),
            postfixConfig: given.postfixConfig === undefined ? undefined : resolve(given.postfixConfig),
          };
          const lines = await examined(out, config, files, options);
          const document = lines.map(({ check, status, seen, remedy }) => ({
            check,
            status,
            seen,
            remedy: remedy === '' ? null : remedy,
          }));
          if (given.probe === undefined) out.say(NOT_TRIED);
          out.result(document, summary(lines));
          return lines.some(({ status }) => status === 'fail') ? EXIT.failed : EXIT.done;
        },
        [],
        'caller',
      ),
    );
}

/** Each finding is told as it is made; what is skipped because of another in one line at the end. */
export async function examined(
  out: Output,
  config: Config,
  files: DataFiles,
  options: DoctorOptions,
): Promise<readonly Line[]> {
  becomeForFiles(dataOwner(files), groupsFor(config)); // root's rights are for the servers' own programs (asRoot)
  const { examine, followsFrom } = await import('../bridge/doctor/examine.ts'); // the IMAP library takes its time to load
  const waiting = openWaiting(out, 'looking');
  const following = new Map<string, string[]>();
  const tell = (line: Line) => {
    const cause = followsFrom(line);
    if (cause !== undefined) return void following.set(cause, [...(following.get(cause) ?? []), line.check]);
    waiting.clear();
    out.say(shown(line, out));
  };
  const lines = await examine(config, process.env, options, tell).finally(waiting.end);
  for (const [cause, checks] of following) out.say(unmade(checks, cause, out));
  return lines;
}

/** Whatever is configured, and before the first delegation too. */
const NOT_TRIED =
  'What only trying shows was not tried: "mandat doctor --probe MAILBOX --probe-as ACCOUNT --probe-password-file FILE" shares, sends and cuts for real, and undoes it.';

/** Undefined where none is given. */
function passwordOf(file: string | undefined): (() => string) | undefined {
  const envName = 'MANDAT_PROBE_PASSWORD';
  if (file === undefined && process.env[envName] === undefined) return undefined;
  const password = readSecret({ name: '--probe-password-file', envName, file: resolve(file ?? ''), env: process.env });
  return () => password;
}

const WORDS: Readonly<Record<Status, string>> = { ok: 'ok', warn: 'WARN', fail: 'FAIL', skipped: 'skipped' };
const STATUS_WIDTH = 9;
const NAME_WIDTH = 24;

function shown({ check, status, seen, remedy }: Line, { colour }: Output): string {
  const paint = { ok: colour.good, warn: colour.bad, fail: colour.bad, skipped: colour.dim }[status];
  const word = paint(WORDS[status].padEnd(STATUS_WIDTH));
  const line = `${word}${check.padEnd(NAME_WIDTH)}${oneLine(seen)}`;
  return remedy === '' ? line : `${line}\n${' '.repeat(STATUS_WIDTH)}-> ${oneLine(remedy)}`;
}

/** One line for all that could not be looked at for the same reason. */
function unmade(checks: readonly string[], cause: string, { colour }: Output): string {
  return `${colour.dim(WORDS.skipped.padEnd(STATUS_WIDTH))}${checks.join(', ')}: ${oneLine(cause)}`;
}

export function summary(lines: readonly Line[]): string {
  const count = (status: Status) => lines.filter((line) => line.status === status).length;
  const [warnings, failures, left] = [count('warn'), count('fail'), count('skipped')];
  return `${counted(lines.length, 'check')}: ${count('ok')} ok, ${counted(warnings, 'warning')}, ${failures} failed, ${left} skipped`;
}

function address(typed: string): Address {
  const [, bracketed, bare, port] = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(typed) ?? [];
  const host = bracketed ?? bare;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new InvalidArgumentError('Write HOST:PORT, for example 127.0.0.1:587.');
  }
  return { host, port: Number(port) };
}
