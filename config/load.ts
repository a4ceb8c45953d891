/**
 * Finding and reading the configuration file.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from './mistake.ts';
import { parseConfig } from './parse.ts';
import type { Config } from './schema.ts';

export const CONFIG_ENV = 'MANDAT_CONFIG';
export const SYSTEM_FILE = '/etc/mandat/mandat.toml';

export interface LoadOptions {
  /** What --config gave. */
  readonly path?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** A place to look: how it was named, and the absolute path if it was. */
export interface Place {
  readonly source: string;
  readonly file: string | undefined;
  /** Named by the user: it must be there, the search doesn't go on. */
  readonly chosen: boolean;
}

/** Where the file is looked for, in this order. An empty variable counts as unset. */
export function places({ path, env, cwd }: LoadOptions): readonly Place[] {
  const chosen = (source: string, name: string | undefined): Place => ({
    source,
    file: name ? resolve(cwd, name) : undefined,
    chosen: true,
  });
  return [
    chosen('--config', path),
    chosen(`$${CONFIG_ENV}`, env[CONFIG_ENV]),
    { source: './mandat.toml', file: resolve(cwd, 'mandat.toml'), chosen: false },
    { source: SYSTEM_FILE, file: SYSTEM_FILE, chosen: false },
  ];
}

/**
 * The configuration from --config, $MANDAT_CONFIG, ./mandat.toml or /etc/mandat/mandat.toml, whichever is first.
 * A file that is named but missing, or there but unreadable, is an error: falling through to another one would run
 * with settings nobody chose.
 * Throws ConfigError.
 */
export function loadConfig(options: LoadOptions): Config {
  const looked: string[] = [];
  for (const { source, file, chosen } of places(options)) {
    if (file === undefined) {
      looked.push(`${source} (not given)`);
      continue;
    }
    const text = read(file);
    if (text !== undefined) return parseConfig(text, file);
    if (chosen) {
      const message = `${source} names this file, and it does not exist`;
      throw new ConfigError(file, [{ path: '', message, remedy: `correct ${source}, or create the file` }]);
    }
    looked.push(`${file} (does not exist)`);
  }
  throw new ConfigError('configuration', [
    {
      path: '',
      message: `no file found; looked at ${looked.join(', ')}`,
      remedy: 'copy config/mandat.toml to one of these places, or give --config FILE',
    },
  ]);
}

/** The file's text, undefined when there is none. */
function read(file: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConfigError(file, [unreadable(code)], { cause: error });
  }
}

function unreadable(code: string | undefined) {
  switch (code) {
    case 'EISDIR':
      return { path: '', message: 'it is a directory', remedy: 'name the file inside it' };
    case 'EACCES':
    case 'EPERM':
      return { path: '', message: 'it may not be read', remedy: 'give the user that runs mandat the right to read it' };
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return { path: '', message: 'it is not UTF-8 text', remedy: 'save it as UTF-8' };
    default:
      return {
        path: '',
        message: `it cannot be read (${code ?? 'unknown error'})`,
        remedy: 'check the path and the disk',
      };
  }
}
