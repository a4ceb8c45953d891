/**
 * What a text value must look like. A rule takes the value and returns every problem it finds, none when it is good;
 * messages may repeat the value. Rules for places are in places.ts.
 */
import { distance } from 'fastest-levenshtein';
import { GOOD, type Problem, quoted, type Rule, shaped } from './rule.ts';
import { SHORT_NAME, SHORT_NAME_IS } from './short-name.ts';

export const accountName: Rule = shaped(
  /^[!-~]{1,254}$/,
  'a login',
  'give the login in printable ASCII without spaces, as the server knows it',
);

/** A short name of the site's own: a version, a label. */
export const word: Rule = shaped(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  'a version',
  'write 1 to 64 of A-Z a-z 0-9 . _ -, for example 2026-11',
);

/** A mail server in the table's column `server`. */
export const serverName: Rule = shaped(
  SHORT_NAME,
  "a mail server's name in the table",
  `write ${SHORT_NAME_IS}, for example mx1`,
);

/** Another program of the site, as it stands in the trail. */
export const serviceName: Rule = shaped(
  SHORT_NAME,
  "a service's name",
  `write ${SHORT_NAME_IS}, for example [portal.services.roundcube]`,
);

/** Of a token of an identity provider. */
export const claimName: Rule = shaped(
  /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,199}$/,
  "a claim's name",
  'write it as the tokens have it, for example preferred_username',
);

/** What somebody is a member of, by a claim. */
export const claimGroup: Rule = shaped(
  /^group:[^\p{Cc}]{1,200}$/u,
  'a group of the identity provider',
  'write "group:NAME", NAME as the claim has it',
);

/** Separated by blanks. RFC 6749 section 3.3 */
export const words: Rule = shaped(
  /^[!#-[\]-~]{1,200}(?: [!#-[\]-~]{1,200}){0,20}$/,
  'a list of words',
  'write them with one blank between, without quotes inside',
);

/** Separated by commas; as people write them. */
export const folderNames: Rule = (value) => {
  const names = value.split(',').map((name) => name.trim());
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return names.every((name) => /^[^\u0000-\u001f\u007f"%*]{1,200}$/.test(name))
    ? GOOD
    : [
        {
          message: `${quoted(value)} is not a list of folder names`,
          remedy: 'write them with commas between, such as "Sent, Envoyés"; without " % *',
        },
      ];
};

/** Or its number, for a group that only another machine or container has a name for; never root's 0. */
export const groupName: Rule = shaped(
  /^([a-z_][a-z0-9_-]{0,31}|[1-9][0-9]{0,8})$/i,
  'the name or number of a Unix group',
  'give a group that "getent group" lists, for example postfix; or its number, where another container has the group',
);

/** A separator that can stand in a login would let OWNER*MASTER be cut at the wrong place. */
export const separator: Rule = shaped(
  /^[!-~]$(?<![A-Za-z0-9._@+-])/,
  'one printable character that no login holds',
  'give the character that stands in auth_master_user_separator, for example *',
);

/** The place of an owner's folders among a delegate's: OWNER once, for their login. */
export const sharedFolders: Rule = shaped(
  /^(?!.*OWNER.*OWNER)[^\p{Cc}]{0,100}OWNER[^\p{Cc}]{0,100}$/u,
  "a folder's name with OWNER in it",
  'write it as a delegate sees it, OWNER in the place of the login: for example shared/OWNER',
);

/** The right letters of RFC 4314 section 2.1 that a delegate may be given. */
const RIGHTS = 'lrswipkxte';
const NEVER: Readonly<Record<string, Problem>> = {
  a: {
    message: '"a" (administer) would let a delegate pass the mailbox on to others',
    remedy: 'take "a" out: mandat alone grants and revokes',
  },
  c: {
    message: '"c" is obsolete (RFC 4314 section 2.1.1): it means k, on some servers x too',
    remedy: 'write "k", and "x" if they may delete and rename folders',
  },
  d: {
    message: '"d" is obsolete (RFC 4314 section 2.1.1): it means t and e, on some servers x too',
    remedy: 'write "te", and "x" if they may delete and rename folders',
  },
};

export const rights: Rule = (value) => {
  const problems: Problem[] = [];
  const letters = new Set(value);
  for (const letter of letters) {
    if (RIGHTS.includes(letter)) continue;
    const never = NEVER[letter];
    problems.push(never ?? { message: `${quoted(letter)} is not a right`, remedy: `use letters of "${RIGHTS}"` });
  }
  for (const letter of letters) {
    if (value.split(letter).length > 2) {
      problems.push({ message: `${quoted(letter)} stands there more than once`, remedy: 'write each letter once' });
    }
  }
  for (const [letter, why] of [
    ['l', 'they would not see the mailbox'],
    ['r', 'they could not open it'],
  ] as const) {
    if (!letters.has(letter)) {
      problems.push({
        message: `"${letter}" is missing from ${quoted(value)}: without it ${why}`,
        remedy: `add "${letter}"`,
      });
    }
  }
  return problems;
};

/** A fixed offset such as +01:00 is refused although Intl may know it: it would be an hour off for half the year. */
export const timeZone: Rule = (value) => {
  if (!/^[+-]/.test(value) && isKnownZone(value)) return GOOD;
  const far = (zone: string) => distance(zone.toLowerCase(), value.toLowerCase());
  const nearest = Intl.supportedValuesOf('timeZone').reduce((best, zone) => (far(zone) < far(best) ? zone : best));
  const remedy = `give a name such as "${far(nearest) <= 4 ? nearest : 'Europe/Paris'}"`;
  return [{ message: `${quoted(value)} is not an IANA time zone`, remedy }];
};

function isKnownZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** A file's mode as chmod takes it. What nobody may ever do: execute it. */
const mode = (others: RegExp, what: string): Rule =>
  shaped(others, what, 'write four digits in quotes, such as "0640"');

/** Others may read it at most. */
export const fileMode = mode(/^0[46][04][04]$/, 'a mode in which nobody but the owner may write');
export const socketMode = mode(/^0[06][06][06]$/, 'a mode of a socket: 6 for whoever may ask, 0 for who may not');

/** What is wrong with a value that should be one of these words, or a list of some of them. */
export const severalOf =
  (options: readonly string[]) =>
  (value: unknown): readonly Problem[] => {
    const list = options.map((option) => `"${option}"`).join(', ');
    const remedy = `write one of ${list}, or a list of them in [brackets]`;
    if (typeof value !== 'string' && !Array.isArray(value)) {
      return [{ message: 'this is neither text nor a list of texts', remedy }];
    }
    const words: readonly unknown[] = typeof value === 'string' ? [value] : value;
    if (words.length === 0) return [{ message: 'the list is empty', remedy }];
    const unknown = words.filter((word) => typeof word !== 'string' || !options.includes(word));
    const twice = options.filter((option) => words.filter((word) => word === option).length > 1);
    return [
      ...unknown.map((word) => ({
        message: `${typeof word === 'string' ? quoted(word.slice(0, 60)) : 'what is no text'} is not known here`,
        remedy,
      })),
      ...twice.map((word) => ({ message: `"${word}" stands there more than once`, remedy: 'write it once' })),
    ];
  };

/** What is wrong with a value that should be a list of mail servers. */
export const serverList = (value: unknown): readonly Problem[] => {
  const remedy = 'write a list of names: ["mx1", "mx2"]';
  if (!Array.isArray(value) || !value.every((one): one is string => typeof one === 'string')) {
    return [{ message: 'this is not a list of texts', remedy }];
  }
  if (value.length > new Set(value).size) return [{ message: 'a server stands there twice', remedy: 'write it once' }];
  return value.flatMap((one) => serverName(one));
};

/** What is wrong with a value that should be a list of texts, each judged by a rule. */
export const listOf =
  (rule: Rule) =>
  (value: unknown): readonly Problem[] => {
    const remedy = 'write a list in [brackets], each text in "quotes"; an empty one is []';
    if (!Array.isArray(value) || !value.every((one): one is string => typeof one === 'string')) {
      return [{ message: 'this is not a list of texts', remedy }];
    }
    if (value.length > new Set(value).size) return [{ message: 'one stands there twice', remedy: 'write it once' }];
    return value.flatMap((one) => rule(one));
  };

/** What is wrong with a value that should be a command's words. None of them is repeated: one may be a password. */
export const commandWords = (value: unknown): readonly Problem[] => {
  const remedy = 'write a list: ["/full/path/of/program", "argument", "argument"]; no shell sees it';
  if (!Array.isArray(value) || !value.every((one): one is string => typeof one === 'string')) {
    return [{ message: 'this is not a list of texts', remedy }];
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a NUL ends an argument
  if (value.some((one) => /\u0000/.test(one))) return [{ message: 'an argument holds a NUL', remedy: 'take it out' }];
  return value[0]?.startsWith('/') ? GOOD : [{ message: "the program isn't named by its full path", remedy }];
};

/** The same, of a command that gets a login as an argument of its own. */
export const loginCommandWords = (value: unknown): readonly Problem[] => {
  const problems = commandWords(value);
  if (problems.length > 0) return problems;
  const remedy =
    'write the program, its arguments, and "{login}" once as a word of its own, or leave it out: then the login comes last';
  const words = value as readonly string[];
  if (words.some((word) => word !== '{login}' && /\{login\}/i.test(word))) {
    return [{ message: '{login} stands within another word: a login is an argument of its own', remedy }];
  }
  if (words.filter((word) => word === '{login}').length > 1) return [{ message: '{login} stands there twice', remedy }];
  return GOOD;
};
