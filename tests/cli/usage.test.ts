import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import t from 'tap';
import { buildProgram } from '../../cli/program.ts';
import { builtMandat } from './built.ts';
import { ran } from './commands.ts';
import { desk } from './desk.ts';

/** Every command there is, with what its help must name. */
const COMMANDS: readonly (readonly [command: string, names: readonly string[]])[] = [
  ['init', ['never empties or replaces']],
  ['mailbox', ['add', 'list', 'show', 'set', 'remove', 'contact', 'alias']],
  ['mailbox add', ['<address>', '--login', '--owner', '--kind', '"PER", "ORG", "APP", "CAB"', '--not-eligible']],
  ['mailbox list', []],
  ['mailbox show', ['<address>']],
  ['mailbox set', ['--address', '--login', 'the rest stays']],
  ['mailbox remove', ['its delegations end', '--yes']],
  ['mailbox contact', ['<address>', '--set <email>', '--language', '"fr", "en"', '--clear']],
  ['mailbox alias', ['add', 'remove']],
  ['mailbox alias add', ['<alias>']],
  ['mailbox alias remove', ['<alias>']],
  ['domain', ['set', 'list', 'remove']],
  ['domain set', ['<domain>', '--eligible', '--not-eligible', 'none of its delegations is in force']],
  ['domain list', []],
  ['domain remove', ['<domain>', 'eligible_domains']],
  ['delegate', ['add', 'list', 'show', 'set', 'credential', 'sync', 'remove']],
  ['delegate add', ['<id>', '--login', '--first-name', '--last-name', '--profession', '--credential-until']],
  ['delegate list', []],
  ['delegate show', ['<id>']],
  ['delegate set', ['--state', '"suspended"', 'the rest stays']],
  ['delegate credential', ['<id>', '--valid-until <time>', '--revoked']],
  ['delegate sync', ['<file>', 'all of them or none', '--dry-run']],
  ['delegate remove', ['their delegations end', '--yes']],
  [
    'account',
    ['show', 'activate', 'set-contact', 'confirm', 'cancel', 'accept-terms', 'opt-out', 'end', 'open-mailbox'],
  ],
  ['account show', ['<id>']],
  ['account activate', ['<id>', '--email', '--accept-terms', '--language', '--confirm-identity']],
  ['account set-contact', ['<id>', '--email', 'the old one hears of it']],
  ['account confirm', ['<id> <code>']],
  ['account cancel', ['<id>', 'everything stays as it was']],
  ['account accept-terms', ['<id> <version>']],
  ['account opt-out', ['<id> <what>', 'surveys', 'newsletters', '--no']],
  ['account end', ['<id>', '--yes', 'erased']],
  ['account open-mailbox', ['<id> <address>', '--login', '--wait <seconds>', '--no-wait']],
  ['directory', ['import', 'search', 'status']],
  ['directory import', ['[file]', 'the old one stays', '--whitelist <file>']],
  ['directory search', ['--last-name', '--first-name', '--profession', '--postal-code', '--city', '--id <number>']],
  ['directory status', ['how old it is']],
  [
    'grant',
    [
      '[mailbox] [delegate]',
      '--from <file>',
      '--atomic',
      '--starts',
      '--ends',
      '--note',
      '--wait <seconds>',
      '--no-wait',
    ],
  ],
  ['mailbox alias list', ['[address]']],
  ['revoke', ['[mailbox] [delegate]', '--from <file>', '--atomic', '--yes', '--wait <seconds>', '--no-wait']],
  ['send-mode', ['<mailbox> <delegate> <mode>', 'on-behalf', 'site']],
  ['suspend', ['<mailbox> <delegate>', 'the row stays', '--no-wait']],
  ['pause', ['--reason', '--all', '--wait <seconds>']],
  ['uninstall', ['--dry-run', '--quiet', '--yes', '--smtp-done', '--dovecot-config <file>', '--postfix-config']],
  ['adopt', ['[mailbox...]', '--dry-run', '--answers <file>', '--acknowledge', '--yes']],
  ['resume', ['<mailbox> <delegate>', '--no-wait']],
  ['list', ['--mailbox', '--delegate']],
  ['run', ['SIGTERM', 'SIGHUP']],
  ['status', ['exits 1']],
  ['sync', ['--dry-run', '--force']],
  ['verify', ['exits 1']],
  ['doctor', ['remedy', '--probe', '--probe-password-file', '--smtp', 'exits 1']],
  ['explain', ['<mailbox> [delegate]']],
  ['notices', ['list', 'retry', 'templates']],
  ['notices list', ['--state', '"waiting", "sending", "sent", "failed", "no-address"']],
  ['notices retry', ['[id...]']],
  ['notices templates', ['<directory>', 'what is there stays']],
  ['audit', ['list', 'verify', 'export']],
  ['audit list', ['--mailbox', '--delegate', '--since', '--limit', '--check', 'the same as "mandat audit"']],
  ['audit verify', ['--head <id:seal>', 'exits 1']],
  ['audit export', ['--format <format>', '"jsonl", "csv"', '--since', '--until', 'recorded']],
  ['trace', ['list', 'verify']],
  [
    'trace list',
    ['--mailbox', '--delegate', '--since', '--until', '--action', '--limit', '--format', '"fhir-auditevent"'],
  ],
  ['trace verify', ['exits 1']],
  ['who', ['<mailbox>', '--at <time>']],
  ['what', ['<delegate>', '--at <time>']],
  ['filter', ['submission filter', '[submission]']],
  ['portal', ['screens', 'HTTP API', '[portal]']],
  ['server', ['forget']],
  ['server forget', ['<name>', '--yes', 'audit trail stays']],
  ['shares', ['serve', 'import']],
  ['shares serve', ['answer Dovecot']],
  ['shares import', ['<file>']],
  ['stand-in', ['--for <seconds>', '--foreground', 'instead of refusing them']],
  ['history', ['<mailbox>']],
  ['database', ['copy']],
  ['database copy', ['--to <where>', '--password-file', '--ca-file', '--yes', 'postgres://', '"files"']],
  ['backup', ['<dir>', '--keep', '--with-directory', '--without-key']],
  ['restore', ['[dir]', '--yes']],
  ['restore accept', ['--yes']],
  ['setup', ['--answers', '--yes', '--dovecot-config', '--postfix-config']],
  ['withdraw', ['--all', '--undo', '--quiet', '--yes']],
  ['completion', ['<shell>']],
  ['man', []],
];

const whole = await buildProgram();

/** `mailbox alias add` and the like, all there are. */
function everyCommand(below: Command = whole, before = ''): readonly (readonly [name: string, command: Command])[] {
  return below.commands.flatMap((command) => {
    const name = `${before}${command.name()}`;
    return [[name, command] as const, ...everyCommand(command, `${name} `)];
  });
}

t.test('each command has its help', async (t) => {
  const commands = new Map(everyCommand());
  for (const [name, names] of COMMANDS) {
    const help = (commands.get(name)?.helpInformation() ?? '').replace(/\s+/g, ' ');
    t.match(help, new RegExp(`^Usage: mandat ${name}\\b`), name);
    for (const one of names) t.match(help, one, `${name} names ${one}`);
  }
  for (const [name, command] of commands) t.not(command.description(), '', `${name} says what it does`);
  const untold = [...commands.keys()].filter((name) => !COMMANDS.some(([one]) => one === name));
  t.same(untold, [], 'this table knows them all');
});

t.test('help and version need no configuration', async (t) => {
  const argv = await builtMandat();
  const nowhere = { cwd: t.testdir({}), env: { MANDAT_CONFIG: '' } };
  for (const words of [['grant'], ['mailbox', 'alias', 'add'], ['restore', 'accept']]) {
    const said = await ran([...argv, ...words, '--help'], nowhere);
    t.match(said, { status: 0, stdout: new RegExp(`^Usage: mandat ${words.join(' ')} `), stderr: '' });
  }
  const { status, stdout } = await ran([...argv, '--help'], nowhere);
  t.equal(status, 0);
  for (const [name] of COMMANDS) t.match(stdout, new RegExp(`^  ${name.split(' ')[0]}\\b`, 'm'), `lists ${name}`);
  for (const number of [0, 1, 2, 3, 4, 5])
    t.match(stdout, new RegExp(`^  ${number}  \\S`, 'm'), `exit status ${number}`);
  const places = /\$MANDAT_CONFIG, \/etc\/mandat\/mandat\.toml/;
  t.match(stdout, places, 'where the configuration is looked for');
  t.match(
    (await ran([...argv, '--version'], nowhere)).stdout,
    /^\d+\.\d+\.\d+ \((commit [0-9a-f]{12}(, and changes that were not committed)?|built without git: .*)\)\n$/,
    'the number is the first word',
  );
});

t.test('wrong usage: 2, with what is wrong; the same as JSON for who asked for it', async (t) => {
  const { mandat, json } = await desk(t);
  const cases: readonly (readonly [args: readonly string[], says: RegExp, why: string])[] = [
    [['frobnicate'], /unknown command.*frobnicate/, 'a command that is none'],
    [
      ['suspend', 'a@lab.test'],
      /missing required argument 'delegate'.*\n.*Usage: mandat suspend \[options\] <mailbox> <delegate>/s,
      'with the usage of that command',
    ],
    [
      ['grant'],
      /missing required argument 'mailbox'[\s\S]*mandat grant --help/,
      'the same of one that may take a file',
    ],
    [['revok', 'a@lab.test', 'b@lab.test'], /unknown command.*revoke/s, 'nearly one: it is suggested'],
    [['mailbox', 'frobnicate'], /unknown command/, 'below mailbox'],
    [['list', '--frobnicate'], /unknown option.*--frobnicate/, 'an option that is none'],
    [['list', 'x'], /too many arguments/, 'too many arguments'],
    [['grant', 'a@lab.test'], /missing required argument.*delegate/, 'too few'],
    [['list', '--mailbox'], /argument missing/, 'an option without its value'],
    [['grant', 'a@lab.test', 'b', '--wait', 'soon'], /seconds/, 'a number that is none'],
    [['grant', 'a@lab.test', 'b', '--wait', '-1'], /seconds/, 'nor that'],
    [['mailbox', 'add', 'a@lab.test', '--kind', 'per'], /PER, ORG, APP, CAB/, 'a value that is none: those there are'],
    [['delegate', 'add', 'b', '--state', 'gone'], /active, suspended/, 'the same'],
    [['delegate', 'add', '-bob'], /unknown option.*-bob/, 'a name that looks like an option'],
    [['mailbox', 'set', 'a@lab.test'], /nothing to change.*--help/s, 'a change that changes nothing'],
    [['delegate', 'set', 'b'], /nothing to change.*--help/s, 'the same'],
  ];
  for (const [args, says, why] of cases) {
    const { status, stdout, stderr } = await mandat(...args);
    t.match({ status, stdout, stderr }, { status: 2, stdout: '', stderr: says }, why);
  }
  for (const [args, says] of [cases[0], cases[6], cases[9]] as typeof cases)
    t.match(await json(...args), { error: { code: 'config', message: says } }, `${args.join(' ')}, as JSON`);
  t.equal((await mandat()).status, 2, 'no command at all: the help');
});

t.test('a configuration with five mistakes: all of them, and nothing is written', async (t) => {
  const { directory, mandat, json } = await desk(t, {
    init: false,
    config: `data_dir = "data"
colour = "blue"
[imap]
port = "143"
tsl = "none"
[policy]
max_delegates = 0
timezone = "Paris"
`,
  });
  const named = ['colour', 'imap.port', 'imap.tsl', 'policy.max_delegates', 'policy.timezone'];
  for (const command of [['init'], ['run'], ['grant', 'a@lab.test', 'b@lab.test']]) {
    const { status, stdout, stderr } = await mandat(...command);
    t.match({ status, stdout }, { status: 2, stdout: '' }, command.join(' '));
    for (const name of named) t.match(stderr, name, `${command[0]} names ${name}`);
    t.match(stderr, /tls/, 'and suggests the right key');
  }
  const { error } = (await json('init')) as { error: { mistakes: { path: string; remedy: string }[] } };
  t.same(error.mistakes.map(({ path }) => path).sort(), named);
  t.equal(existsSync(path.join(directory, 'data')), false, 'nothing was made');
});

t.test('where the configuration is found', async (t) => {
  const argv = await builtMandat();
  const { directory, configFile } = await desk(t);
  const elsewhere = t.testdir({});
  const list = (env: Readonly<Record<string, string>>, cwd: string, ...options: string[]) =>
    ran([...argv, ...options, 'mailbox', 'list'], { cwd, env: { MANDAT_CONFIG: '', ...env } });
  t.match(await list({}, directory), { status: 2, stderr: /no file found/ }, 'never in the working directory');
  t.match(await list({ MANDAT_CONFIG: configFile }, elsewhere), { status: 0 }, '$MANDAT_CONFIG');
  t.match(await list({ MANDAT_CONFIG: 'absent' }, elsewhere, '--config', configFile), { status: 0 }, '--config wins');
  t.match(await list({}, elsewhere, '--config', 'absent.toml'), {
    status: 2,
    stderr: /absent\.toml.*does not exist/s,
  });
  t.match(
    await list({ MANDAT_CONFIG: 'absent.toml' }, directory),
    { status: 2, stderr: /\$MANDAT_CONFIG/ },
    'no fall-through',
  );
  t.match(await list({}, elsewhere), { status: 2, stderr: /no file found.*\/etc\/mandat\/mandat\.toml/s });
  t.match(await list({}, elsewhere, '--config', elsewhere), { status: 2, stderr: /directory/ });
});

t.test('before init', async (t) => {
  const { mandat, directory } = await desk(t, { init: false });
  for (const command of [
    ['list'],
    ['status'],
    ['sync'],
    ['verify'],
    ['mailbox', 'add', 'a@lab.test'],
    ['run'],
    ['restore', 'accept', '--yes'],
  ]) {
    const { status, stderr } = await mandat(...command);
    t.match(
      { status, stderr },
      { status: 2, stderr: /(not there|can't be opened).*\n.*mandat init/ },
      command.join(' '),
    );
  }
  await writeFile(path.join(directory, 'data'), 'a file where the directory should be');
  for (const command of ['init', 'list', 'status'])
    t.match(await mandat(command), { status: 2, stderr: /data/ }, `data_dir is a file: ${command}`);
});
