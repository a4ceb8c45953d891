import { type Command, InvalidArgumentError } from 'commander';
import type { Done } from '../bridge/moving/database-copy.ts';
import type { Progress } from '../bridge/moving/move.ts';
import { databaseUrl } from '../config/database-url.ts';
import { confirmed } from './confirm.ts';
import { EXIT } from './exit.ts';
import { counted } from './output.ts';
import { openWaiting } from './progress.ts';
import type { Runner } from './runner.ts';

interface Options {
  readonly to: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly yes?: boolean;
}

export function databaseCommand(program: Command, run: Runner): void {
  const database = program.command('database').description('where the delegation table is kept');
  database
    .command('copy')
    .description(
      "bring the table, and all that is mandat's own, from files into PostgreSQL or back, also while the sidecar runs; what was left is closed then",
    )
    .requiredOption('--to <where>', 'postgres://USER@HOST/DATABASE, or "files" for those in data_dir', where)
    .option('--password-file <file>', 'holds the password for it; default: database_password_file')
    .option('--ca-file <file>', 'authorities of its certificate; default: database_ca_file')
    .option('--yes', 'do not ask before the old place is closed')
    .action(
      run(async (session, { to, passwordFile, caFile, yes }: Options) => {
        const { out, config, files, writer } = session;
        const { copyDatabase } = await import('../bridge/moving/database-copy.ts');
        let waiting = openWaiting(out, WORDS.copy);
        let phase: Progress['phase'] = 'copy';
        const say = (text: string) => {
          waiting.clear();
          if (!out.json) out.warn(text);
        };
        let goesOn = false;
        try {
          const done = await copyDatabase({
            config,
            files,
            to,
            passwordFile,
            caFile,
            writer,
            begun: (from, there, again) => {
              goesOn = again;
              const how = again ? 'an earlier copy goes on' : 'a copy begins';
              say(`${how}: from ${from} to ${there}`);
            },
            agreed: async (rows) => {
              waiting.end();
              const question = `${counted(rows, 'row')} are there. Close what is left now? From then on whoever writes there is refused, and the sidecar works on the new place once mandat.toml names it.`;
              return confirmed(session, question, yes);
            },
            told: (progress) => {
              if (progress.phase === phase) return;
              phase = progress.phase;
              waiting.end();
              waiting = openWaiting(out, WORDS[phase]);
            },
          });
          waiting.end();
          if (done === undefined) {
            out.result(
              { moved: false, goesOn },
              'the copy stays unfinished, and what is in use stays in use: the same command goes on with it',
            );
            return EXIT.failed;
          }
          out.result(
            { moved: true, goesOn, to, ...done.moved, aside: done.aside ?? null, roles: done.roles ?? null },
            told(to, done),
          );
          return EXIT.done;
        } finally {
          waiting.end();
        }
      }),
    );
}

const WORDS: Readonly<Record<Progress['phase'], string>> = {
  copy: 'copying',
  again: 'bringing over what was committed meanwhile',
  last: 'nobody writes now: the rest is brought over',
};

function where(typed: string): string {
  if (typed === 'files') return typed;
  const [problem] = databaseUrl(typed);
  if (problem !== undefined) throw new InvalidArgumentError(`${problem.message}: ${problem.remedy}`);
  return typed;
}

function told(to: string, { moved, aside, roles }: Done): string {
  const lines =
    moved === undefined
      ? ['an earlier copy was whole but for its last step, which is done now']
      : [
          `moved from ${moved.from} to ${moved.to}: ${counted(sum(moved.tables), 'row')} in ${counted(Object.keys(moved.tables).length, 'table')}, each read back and counted there`,
          `its audit trail was proven there: ${counted(moved.proven, 'entry', 'entries')}; nobody could write for ${moved.heldMs} ms`,
          ...moved.others.map((name) => `${name} is not mandat's, and stays where it is`),
        ];
  return [
    ...lines,
    ...(aside === undefined ? [] : [`what had been in its place lies in ${aside}: it may be deleted`]),
    ...(roles === undefined || roles.missing.length === 0
      ? []
      : [`no roles for other programs yet: as a superuser ${roles.missing.join('; ')}; then "mandat init"`]),
    to === 'files'
      ? 'now take "database" out of mandat.toml and restart: systemctl restart mandat'
      : `now write database = "${to}" into mandat.toml and restart: systemctl restart mandat`,
    'whoever writes to the old place is refused (MANDAT_MOVED) and told of the new one; the same command with the other --to leads back',
  ].join('\n');
}

const sum = (tables: NonNullable<Done['moved']>['tables']) =>
  Object.values(tables).reduce((all, { rows }) => all + rows, 0);
