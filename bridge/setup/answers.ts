/** What `mandat setup` is told, by questions or by a file of answers. */
import { parse } from 'smol-toml';
import * as z from 'zod';
import { databaseUrl } from '../../config/database-url.ts';
import { SHORT_NAME, SHORT_NAME_IS } from '../../config/short-name.ts';
import { Failure } from '../shared/failure.ts';

const login = z.string().regex(/^[^\s"\\]+$/, 'a login has no blanks');

const absolute = z.string().regex(/^\/[^\s"\\]*$/, 'an absolute path');

const mailServer = z.string().regex(SHORT_NAME, `a name of ${SHORT_NAME_IS}, such as mx1`);

const named = z.strictObject({
  /** What identifies a delegate. */
  scheme: z.enum(['login', 'rpps']).default('login'),
  /** Two accounts of this server: who is logged in as, before and after. */
  try_as: z.tuple([login, login]),
  /** Where the databases are. */
  data_dir: absolute.default('/var/lib/mandat'),
  /** The site's PostgreSQL, `postgres://user@host/name`, where it shall hold the table; a file does where none is named. */
  database: z
    .string()
    .refine((value) => databaseUrl(value).length === 0, 'an address such as postgres://mandat@db.example.org/mandat')
    .optional(),
  /** With its password, alone; the user below has to be able to read it. */
  database_password_file: absolute.optional(),
  /** With the authority of its certificate, where that is one of the site's own. */
  database_ca_file: absolute.optional(),
  /** What this mail server is called in a table that several share. */
  server: mailServer.default('main'),
  /** Those that share folders with one another, this one among them. */
  cluster: z.array(mailServer).optional(),
  /** The Unix user that the sidecar runs as. */
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]*$/, 'a Unix user')
    .default('mandat'),
  /** Whether Dovecot's own namespace may get `/` as its separator, where it has another. */
  change_separator: z.boolean().default(false),
  /** What delegates read above delegated mailboxes. */
  prefix: z
    .string()
    .regex(/^[^/%"*\\{}#\r\n]+$/, 'a name without / % " * \\')
    .default('shared'),
  /** Whether INBOX's entry is the default of every folder. */
  inherit: z.boolean().default(true),
  /** Whether Dovecot tells mandat at once of folders that are made and of entries that anybody changes. */
  events: z.boolean().default(true),
  /** Whether delegates may send: Postfix is set up too. */
  sending: z.boolean().default(true),
  /** Whether the systemd unit is installed and started. */
  service: z.boolean().default(true),
});

const schema = named
  .refine(({ server, cluster }) => cluster?.includes(server) !== false, {
    path: ['cluster'],
    message: 'the names of all servers that share folders, this one among them',
  })
  .refine(({ database, server, cluster }) => database !== undefined || (server === 'main' && cluster === undefined), {
    path: ['server'],
    message: 'several mail servers share a table in PostgreSQL only: name a database, or leave out server and cluster',
  });

export type Answers = z.output<typeof schema>;

/** Fails `config` with everything that is wrong with it. */
export function readAnswers(text: string, file: string): Answers {
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    const [first = ''] = String((error as Error).message).split('\n');
    throw new Failure('config', `${file}: ${first}`, 'write it as TOML: key = value, text in quotes');
  }
  const checked = schema.safeParse(document);
  if (checked.success) return checked.data;
  const mistakes = checked.error.issues.map(({ path, message, ...issue }) =>
    issue.code === 'unrecognized_keys'
      ? `unknown: ${(issue as { keys: string[] }).keys.join(', ')}`
      : `${path.join('.') || 'the file'}: ${message}`,
  );
  throw new Failure(
    'config',
    `${file}: ${mistakes.join('; ')}`,
    `answers are: ${Object.keys(named.shape).join(', ')}; nothing was changed`,
  );
}

/** The same, from what somebody typed; what isn't given keeps its default. */
export const answersOf = (given: Readonly<Record<string, unknown>>): Answers => schema.parse(given);

/** What is wrong with one answer, or undefined. */
export function answerFault(key: keyof Answers, value: unknown): string | undefined {
  const checked = named.shape[key].safeParse(value);
  return checked.success ? undefined : checked.error.issues.map(({ message }) => message).join('; ');
}

export const defaultOf = (key: Exclude<keyof Answers, 'try_as'>): unknown => named.shape[key].parse(undefined);
