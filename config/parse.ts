/**
 * From the text of a configuration file to a `Config`.
 */
import { dirname, join, resolve } from 'node:path';
import { parse as parseToml, TomlError } from 'smol-toml';
import * as z from 'zod';
import { camelize } from './camel.ts';
import { explain } from './explain.ts';
import { bare, docs } from './fields.ts';
import { ConfigError, type Mistake } from './mistake.ts';
import { type Config, schema } from './schema.ts';
import { withSchemeDefaults } from './scheme-defaults.ts';

/**
 * Checks `text`, the content of `file`; relative paths in it start from the directory of `file`, which is absolute.
 * The file system is not looked at.
 * Throws ConfigError with every mistake, or with the first one where the text is not TOML.
 */
export function parseConfig(text: string, file: string): Config {
  const document = readToml(text, file);
  const checked = schema.safeParse(withSchemeDefaults(document));
  if (!checked.success) {
    throw new ConfigError(file, unlike(checked.error.issues.flatMap((issue) => explain(issue, document))));
  }
  const base = dirname(file);
  const runtimeDir = runtimeDirectory(base, checked.data);
  const absolute = withAbsolutePaths(schema, checked.data, { base, runtimeDir }) as typeof checked.data;
  return Object.freeze({ ...camelize(absolute), runtimeDir, file });
}

/** What a packaged service has, where the data lie as a packaged service has them. */
function runtimeDirectory(
  base: string,
  given: { readonly data_dir: string; readonly runtime_dir?: string | undefined },
) {
  if (given.runtime_dir !== undefined) return resolve(base, given.runtime_dir);
  const dataDir = resolve(base, given.data_dir);
  return dataDir === '/var/lib/mandat' ? '/run/mandat' : join(dataDir, 'run');
}

/** A number can break two bounds at once: said once is enough. */
const unlike = (mistakes: readonly Mistake[]): readonly Mistake[] => [
  ...new Map(mistakes.map((mistake) => [`${mistake.path}: ${mistake.message}`, mistake])).values(),
];

/** TomlError's own message quotes the lines around the mistake, which may hold a secret: only its first line is kept. */
function readToml(text: string, file: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const message = (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, '');
    const path = `line ${error.line}, column ${error.column}`;
    const remedy = 'mend the line: key = value, text in "quotes", numbers and true/false without';
    throw new ConfigError(file, [{ path, message: `not TOML: ${message}`, remedy }]);
  }
}

interface From {
  readonly base: string;
  readonly runtimeDir: string;
}

/** A copy of `value` with every key that the schema marks as a path or a socket made absolute. */
function withAbsolutePaths(field: z.core.$ZodType, value: unknown, from: From): unknown {
  const section = bare(field);
  if (section instanceof z.ZodObject && typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, withAbsolutePaths(section.shape[key], inner, from)]),
    );
  }
  if (section instanceof z.ZodRecord && typeof value === 'object' && value !== null) {
    const one = section.valueType;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, withAbsolutePaths(one, inner, from)]),
    );
  }
  if (typeof value !== 'string') return value;
  const { isPath, isSocket } = docs.get(field) ?? {};
  if (isPath === true) return resolve(from.base, value);
  return isSocket === true && !/:\d+$/.test(value) ? resolve(from.runtimeDir, value) : value;
}
