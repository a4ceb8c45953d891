/** The questions of `mandat setup`, at the terminal: each has an answer that Enter takes. */
import { existsSync } from 'node:fs';
import { type Answers, answerFault, answersOf, defaultOf } from '../bridge/setup/answers.ts';
import { passwordFile } from '../bridge/setup/database.ts';
import { Failure } from '../bridge/shared/failure.ts';
import type { Output } from './output.ts';

type Key = keyof Answers;
/** Answered by one text, and with a default of its own. */
type Plain = Exclude<Key, 'try_as' | 'database' | 'database_password_file' | 'database_ca_file' | 'cluster'>;
type Ask = (
  message: string,
  preset: string | undefined,
  fault: (text: string) => string | undefined,
) => Promise<string>;

const FIRST: readonly (readonly [Plain, string])[] = [
  ['scheme', 'Delegates are known by their "login", or by an RPPS number ("rpps")?'],
  ['data_dir', 'Where shall the databases be?'],
];
const REST: readonly (readonly [Plain, string])[] = [
  ['user', 'Which Unix user shall run the sidecar?'],
  ['prefix', 'What do delegates read above delegated mailboxes?'],
  [
    'inherit',
    "Shall INBOX's entry be the default of every folder (faster; holds for what users have shared by hand too)?",
  ],
  ['events', 'Shall Dovecot tell mandat at once when anybody makes a folder or changes an entry?'],
  ['sending', 'Shall delegates send for owners (changes Postfix)?'],
  ['change_separator', 'If folders are named with a dot here, may that become a slash (needed; shown before)?'],
];

export async function askedAnswers(out: Output, configFile: string): Promise<Answers> {
  if (out.json || !process.stdin.isTTY || !process.stderr.isTTY)
    throw new Failure('config', 'there is no terminal to ask at', 'give --answers FILE; nothing was changed');
  const { default: input } = await import('@inquirer/input'); // only here, so that other commands start without it
  const ask: Ask = async (message, preset, fault) =>
    input(
      { message, ...(preset === undefined ? {} : { default: preset }), validate: (text) => fault(text) ?? true },
      { output: process.stderr },
    ).catch(() => {
      throw new Failure('config', 'cancelled, nothing was changed');
    });
  const words = (text: string) => text.trim().split(/[\s,]+/);
  const given: Record<string, unknown> = {};
  given.try_as = words(
    await ask('Two accounts of this server, to log in as before and after:', undefined, (text) =>
      answerFault('try_as', words(text)) === undefined ? undefined : 'two logins, with a blank between them',
    ),
  );
  for (const question of FIRST) given[question[0]] = await plain(ask, question);
  Object.assign(given, await askedDatabase(ask, configFile));
  for (const question of REST) given[question[0]] = await plain(ask, question);
  return answersOf(given);
}

async function plain(ask: Ask, [key, question]: readonly [Plain, string]): Promise<unknown> {
  const preset = defaultOf(key);
  const yesNo = typeof preset === 'boolean';
  const value = (text: string) =>
    yesNo
      ? ({ y: true, yes: true, n: false, no: false } as Record<string, boolean>)[text.trim().toLowerCase()]
      : text.trim();
  const shown = yesNo ? (preset ? 'yes' : 'no') : String(preset);
  return value(await ask(question, shown, (text) => answerFault(key, value(text))));
}

const FILES = 'files';
const NONE = 'none';

/** Where the table shall be; of PostgreSQL also what is needed to get in, and what this server is called there. */
async function askedDatabase(ask: Ask, configFile: string): Promise<Partial<Answers>> {
  const trimmed = async (message: string, preset: string, fault: (text: string) => string | undefined) =>
    (await ask(message, preset, (text) => fault(text.trim()))).trim();
  const database = await trimmed(
    'Where shall the table be: in "files" here, or in your PostgreSQL (its address: postgres://mandat@db.example.org/mandat)?',
    FILES,
    (text) => (text === FILES ? undefined : answerFault('database', text)),
  );
  if (database === FILES) return {};
  const file = (key: 'database_password_file' | 'database_ca_file') => (text: string) =>
    answerFault(key, text) ?? (existsSync(text) ? undefined : `there is no file ${text}`);
  const database_password_file = await trimmed(
    'Which file holds the password of that role, alone (docs/postgresql.md)?',
    passwordFile(configFile),
    file('database_password_file'),
  );
  const authority = await trimmed(
    "Which file holds the authority of PostgreSQL's certificate, where it is one of your own?",
    NONE,
    (text) => (text === NONE ? undefined : file('database_ca_file')(text)),
  );
  const server = await trimmed(
    'What is this mail server called in the table (several share one: each needs a name of its own)?',
    String(defaultOf('server')),
    (text) => answerFault('server', text),
  );
  const members = (text: string) => text.split(/[\s,]+/);
  const cluster = await trimmed(
    'Which mail servers share folders with one another, this one among them (names, with a blank between them)?',
    NONE,
    (text) => {
      if (text === NONE) return undefined;
      return (
        answerFault('cluster', members(text)) ?? (members(text).includes(server) ? undefined : `${server} is missing`)
      );
    },
  );
  return {
    database,
    database_password_file,
    server,
    ...(authority === NONE ? {} : { database_ca_file: authority }),
    ...(cluster === NONE ? {} : { cluster: members(cluster) }),
  };
}
