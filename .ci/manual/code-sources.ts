// Codes as they stand in the code: what docs/reference/codes.md must have, read from the sources and from the released table.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { DELEGATIONS } from '../../bridge/store/databases.ts';
import { released } from '../../bridge/store/table/schema.ts';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The product's own sources, by their path from the root. */
export function sources(rooms: readonly string[] = ['acl', 'bridge', 'cli', 'config']): ReadonlyMap<string, string> {
  const files = rooms.flatMap((room) =>
    readdirSync(path.join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .map((name) => path.posix.join(room, name))
      .filter((file) => file.endsWith('.ts') && !file.startsWith('config/lab/')),
  );
  return new Map(files.sort().map((file) => [file, readFileSync(path.join(ROOT, file), 'utf8')]));
}

const matches = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, one = '']) => one);
const sorted = (names: Iterable<string>): readonly string[] => [...new Set(names)].sort();

/** Of others: codes of SQLite, Node and OpenSSL, a capability of Cyrus, and names of environment variables. */
const NOT_OURS =
  /^(?:SQLITE_|ERR_|OAUTH_|NOTIFY_SOCKET$|WATCHDOG_|CERT_|ALTNAME_|NO_ATOMIC_RENAME|EAI_)|^MANDAT_(?:CONFIG|.*_PASSWORD|.*_API_KEY|SERVICE_KEY_NAME|.*_SECRET)$/;

/** Rules that refuse something, by their names, wherever they stand in the code. */
export function rules(): readonly string[] {
  const all = [...sources().values()];
  const plain = all.flatMap((text) => matches(text, /'([A-Z]+(?:_[A-Z]+)+)'/g)).filter((name) => !NOT_OURS.test(name));
  const kinds = all.flatMap((text) => matches(text, /^ +prefix: '([a-z]+)'/gm));
  const ends = all.flatMap((text) => matches(text, /rule: `\$\{kind\.prefix\.toUpperCase\(\)\}(_[A-Z]+)`/g));
  return sorted([...plain, ...kinds.flatMap((kind) => ends.map((end) => `${kind.toUpperCase()}${end}`))]);
}

const tableRules = (): string => {
  const database = released(DELEGATIONS.migrations);
  try {
    return database.prepare<[], string>("SELECT coalesce(sql, '') FROM sqlite_schema").pluck().all().join('\n');
  } finally {
    database.close();
  }
};

/** What the table's triggers refuse, by code, with their sentences. */
export function refusalsOfTheTable(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const [, code = '', said = ''] of tableRules().matchAll(/'(MANDAT_[A-Z_]+): ((?:[^']|'')*)'/g)) {
    found.set(code, sorted([...(found.get(code) ?? []), said.replaceAll("''", "'")]));
  }
  return found;
}

/** What somebody did in a mailbox has words of its own (bridge/trace/access.ts), and stands in no audit trail. */
const OF_THE_TRACE = /^bridge\/trace\/(?:accesses-of-event|done-by-command)\.ts$/;

/** Actions of the audit trail: those that triggers note, and those that stand in the code. */
export function actions(): { readonly noted: readonly string[]; readonly written: readonly string[] } {
  const noted = matches(tableRules(), /\(SELECT reason FROM writer\), '([a-z-]+)'/g);
  const trails = [...sources(['bridge', 'cli'])].filter(([file]) => !OF_THE_TRACE.test(file));
  const written = trails.flatMap(([, text]) => [
    ...matches(text, /\baction: '([a-z-]+)'/g),
    ...matches(text, /\baction: \w+ \? '([a-z-]+)'/g),
    ...matches(text, /\baction: \w+ \? '[a-z-]+' : '([a-z-]+)'/g),
  ]);
  return { noted: sorted(noted), written: sorted(written) };
}

/** Environment variables that the program reads. */
export function environment(): readonly string[] {
  return sorted(
    [...sources().values()].flatMap((text) => [
      ...matches(text, /\benv\.([A-Z][A-Z_]+)/g),
      ...matches(text, /\b(?:envName|CONFIG_ENV)(?: =|:) '([A-Z_]+)'/g),
    ]),
  );
}

/** An answer with an enhanced status code (RFC 3463), `...` for what is put in; with the code before it, where that stands beside it. */
export function answers(): readonly {
  readonly file: string;
  readonly code: string | undefined;
  readonly says: string;
}[] {
  const literal =
    /(?:(?<code>\b[245]\d\d), ?)?(?<quote>['"`])(?<says>[245]\.\d{1,3}\.\d{1,3}(?: (?:(?!\k<quote>).)*)?)\k<quote>/g;
  return [...sources(['acl', 'bridge']).entries()].flatMap(([file, text]) =>
    [...text.matchAll(literal)].map(({ groups }) => ({
      file,
      code: groups?.code,
      says: (groups?.says ?? '').replace(/\$\{[^}]*\}/g, '...').replaceAll("\\'", "'"),
    })),
  );
}

/** What the socketmap says. */
export function socketmapAnswers(): readonly string[] {
  const said = [...sources(['bridge']).entries()].flatMap(([file, text]) =>
    /\/sender\//.test(file)
      ? [...text.matchAll(/(['`])((?:OK|NOTFOUND|TEMP|PERM) .*?)\1/g)].map(([, , one = '']) => one)
      : [],
  );
  return sorted(said.map((one) => one.replace(/\$\{[^}]*\}/g, '...').trim()));
}
