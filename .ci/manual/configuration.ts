// docs/reference/configuration.md, from the schema: what config/mandat.toml says above each key, with its type and what it may be.

import { z } from 'zod';
import { databaseUrl } from '../../config/database-url.ts';
import { bare, docs, type Form, forms } from '../../config/fields.ts';
import { CONFIG_ENV, SYSTEM_FILE } from '../../config/load.ts';
import {
  doveadmUrl,
  filterAddress,
  healthAddress,
  hostName,
  ipAddress,
  issuerUrl,
  loopbackAddress,
  loopbackAddressOrOff,
  mailAddress,
  path,
  portalUrl,
  webUrl,
} from '../../config/places.ts';
import type { Rule } from '../../config/rule.ts';
import {
  accountName,
  claimGroup,
  claimName,
  fileMode,
  folderNames,
  groupName,
  rights,
  separator,
  serverName,
  sharedFolders,
  socketMode,
  timeZone,
  word,
  words as wordList,
} from '../../config/rules.ts';
import { schema } from '../../config/schema.ts';
import { withLogins } from '../../config/scheme-defaults.ts';
import { ENVIRONMENT, SECRETS } from './environment.ts';
import { anchor, code, MADE, page, prose, table } from './markdown.ts';

/** What a text must be, by the rule that judges it. */
const RULES = new Map<Rule, string>([
  [accountName, 'a login: printable ASCII without spaces, at most 254 characters'],
  [serverName, 'the name of a mail server in the table: 1 to 30 of `a-z 0-9 -`'],
  [word, 'a short name: 1 to 64 of `A-Z a-z 0-9 . _ -`'],
  [folderNames, 'names of folders, with commas between; none holds `"`, `%` or `*`'],
  [groupName, 'the name of a Unix group, or its number; never 0'],
  [separator, 'one printable character that no login holds'],
  [sharedFolders, "a folder's name with OWNER in it, once"],
  [rights, 'letters of `lrswipkxte`, each once; `l` and `r` among them'],
  [timeZone, 'a name of the IANA time zone database; no fixed offset'],
  [fileMode, 'a mode as four digits: nobody but the owner may write, nobody executes'],
  [socketMode, 'a mode as four digits, each `0` or `6`'],
  [hostName, 'a host name or an IP address, without port and brackets'],
  [ipAddress, 'an IP address'],
  [mailAddress, 'a mail address, without a name or brackets'],
  [claimName, "a claim's name, as the tokens have it"],
  [claimGroup, '`group:NAME`'],
  [wordList, 'words with one blank between'],
  [issuerUrl, 'an `https` address; `http` only on this machine'],
  [portalUrl, 'an `https` address without a path; `http` only on this machine'],
  [webUrl, 'a web address, `https://...`'],
  [path, 'a path'],
  [
    databaseUrl,
    '`postgres://USER@HOST:PORT/DATABASE`, or `postgres:///DATABASE?host=/run/postgresql` for a Unix socket; `?sslmode=` `verify-full`, `verify-ca`, or `disable` on this machine; never a password',
  ],
  [doveadmUrl, 'an `https` address; `http` only to a loopback address'],
  [loopbackAddress, 'a port of this machine: `127.0.0.1:PORT`'],
  [loopbackAddressOrOff, 'a port of this machine, `127.0.0.1:PORT`, or `off`'],
  [filterAddress, 'a Unix socket (a name or a path), or a port of this machine: `127.0.0.1:PORT`'],
  [healthAddress, 'a port of this machine, `127.0.0.1:PORT`, or a Unix socket: a path, or a name that ends in `.sock`'],
]);

interface Key {
  readonly section: string | undefined;
  readonly name: string;
  readonly field: z.core.$ZodType;
}

/** Every key, `[section] name`; top-level ones without a section. */
export function keys(): readonly Key[] {
  return Object.entries(schema.shape).flatMap(([name, field]): readonly Key[] => {
    const section = bare(field);
    if (!(section instanceof z.ZodObject)) return [{ section: undefined, name, field }];
    return Object.entries(section.shape).flatMap(([key, inner]) => keysOf(name, key, inner));
  });
}

/** Of sections with names of the site's own, the keys of each. */
function keysOf(section: string, name: string, field: z.core.$ZodType): readonly Key[] {
  const sections = bare(field);
  if (!(sections instanceof z.ZodRecord)) return [{ section, name, field }];
  const one = bare(sections.valueType);
  const within = one instanceof z.ZodObject ? Object.entries(one.shape) : [];
  return within.map(([key, inner]) => ({ section: `${section}.${name}.NAME`, name: key, field: inner }));
}

export function configurationPage(): string {
  const sections = Object.entries(schema.shape).filter(([, field]) => bare(field) instanceof z.ZodObject);
  return page([
    MADE('config/schema.ts, config/schema/ and .ci/manual/configuration.ts'),
    '# The configuration',
    `One TOML file. It is looked for at: ${code('--config FILE')}, else ${code(`$${CONFIG_ENV}`)}, else ${code(SYSTEM_FILE)}. One that is named and isn't there is an error, and so is an unknown key, and a file that others than root and whoever runs mandat may write: every mistake is told at once, each with its remedy, and nothing is started.`,
    'What is left out keeps its default. [config/mandat.toml](../../config/mandat.toml) has every key with its default, to be copied. Relative paths start from the directory of the file. SIGHUP makes the sidecar and the filter read the file again; one that cannot be used is named in the log, and the old one holds.',
    table(
      ['section', 'what it is about', 'left out'],
      [
        ['(top level)', 'where the files are', ''],
        ...sections.map(([name, field]) => [
          `[${code(`[${name}]`)}](#${anchor(`[${name}]`)})`,
          first(docs.get(field)?.comment ?? ''),
          field instanceof z.ZodOptional ? 'this is off' : 'defaults hold',
        ]),
      ],
    ),
    '## Top level',
    ...keys()
      .filter(({ section }) => section === undefined)
      .flatMap(keyParts),
    ...sections.flatMap(([name, field]) => sectionParts(name, field)),
    ...secretParts(),
  ]);
}

function sectionParts(name: string, field: z.core.$ZodType): readonly string[] {
  const optional = field instanceof z.ZodOptional ? ' This section may be left out.' : '';
  return [
    `## [${name}]`,
    prose(docs.get(field)?.comment ?? '') + optional,
    ...keys()
      .filter(({ section }) => section === name)
      .flatMap(keyParts),
    ...namedParts(name, field),
  ];
}

function namedParts(name: string, field: z.core.$ZodType): readonly string[] {
  const section = bare(field);
  if (!(section instanceof z.ZodObject)) return [];
  return Object.entries(section.shape)
    .filter(([, inner]) => bare(inner) instanceof z.ZodRecord)
    .flatMap(([key, inner]) => [
      `## [${name}.${key}.NAME]`,
      `${prose(docs.get(inner)?.comment ?? '')} This section may be left out.`,
      ...keys()
        .filter(({ section: one }) => one === `${name}.${key}.NAME`)
        .flatMap(keyParts),
    ]);
}

function keyParts(key: Key): readonly string[] {
  const { section, name, field } = key;
  const { comment = '', isPath = false, isSocket = false } = docs.get(field) ?? {};
  const where = isPath
    ? ' Relative to the directory of the configuration file.'
    : isSocket
      ? ' A name is one in `runtime_dir`.'
      : '';
  return [
    `### ${section === undefined ? name : `[${section}] ${name}`}`,
    prose(comment),
    `- Value: ${allowed(bare(field))}.${where}\n- ${defaultOf(key)}`,
  ];
}

function allowed(field: z.core.$ZodType): string {
  if (field instanceof z.ZodNumber) return `a whole number from ${field.minValue} to ${field.maxValue}`;
  if (field instanceof z.ZodBoolean) return `${code('true')} or ${code('false')}`;
  if (field instanceof z.ZodEnum) return `one of ${words(field.options.map(String))}`;
  const form = forms.get(field);
  if (form === undefined) throw new Error('a key whose form nobody knows: .ci/manual/configuration.ts');
  return formed(form);
}

function formed(form: Form): string {
  if (form.kind === 'one-or-several') return `one of ${words(form.options)}, or a list of several`;
  if (form.kind === 'command') {
    const login = form.login ? ` The login takes the place of ${code('"{login}"')}, or comes last` : '';
    return `a command as the list of its words, the program by its full path; no shell sees it${login && `.${login}`}`;
  }
  if (form.kind === 'server-names') return 'a list of names of mail servers, as `[server] name` has them';
  const said = RULES.get(form.rule);
  if (said === undefined) throw new Error('a rule that .ci/manual/configuration.ts has no words for');
  return form.kind === 'texts' ? `a list of texts, each ${said}` : `text: ${said}`;
}

function defaultOf({ section, name, field }: Key): string {
  if (!(field instanceof z.ZodOptional || field instanceof z.ZodDefault)) {
    return `Must be given. Example: ${code(JSON.stringify(docs.get(field)?.example))}`;
  }
  if (field instanceof z.ZodOptional) return `No default. Example: ${code(JSON.stringify(docs.get(field)?.example))}`;
  const value = field instanceof z.ZodDefault ? field.def.defaultValue : undefined;
  const instead = withLogins()[section ?? '']?.[name];
  const shown = `Default: ${code(JSON.stringify(value))}`;
  if (instead === undefined) return shown;
  const other = name === 'timezone' ? "the machine's own time zone" : code(JSON.stringify(instead));
  return `${shown}; with ${code('[identity] scheme = "login"')} ${other}`;
}

const words = (options: readonly string[]): string => options.map((one) => code(JSON.stringify(one))).join(', ');

/** The first sentence of what is said of a section. */
const first = (comment: string): string =>
  prose(/^[\s\S]*?[.:](?=\s|$)/.exec(comment)?.[0].replace(/:$/, '.') ?? comment);

function secretParts(): readonly string[] {
  return [
    '## Secrets',
    `A secret never stands in the configuration, on a command line or in a log. Each is one line in a file of its own, mode 600 (its group may read it at most, others nothing), and is read anew when it changes. Where the environment variable is set, it wins over the file. Where this user can't read the file, the service takes what systemd has passed of it (\`LoadCredential=\`, as in the unit), which changes at its next start.`,
    table(
      ['secret', 'key', 'environment variable', 'credential'],
      SECRETS.map(({ what, name, envName, credential = '' }) => [
        what,
        code(name),
        code(`$${envName}`),
        code(credential),
      ]),
    ),
    '## Environment',
    table(
      ['variable', 'what it does'],
      Object.entries(ENVIRONMENT).map(([name, does]) => [code(`$${name}`), does]),
    ),
  ];
}
