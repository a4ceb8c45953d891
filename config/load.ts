/**
 * Finding and reading the configuration file.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from './mistake.ts';
import { parseConfig } from './parse.ts';
import type { Config } from './schema.ts';
import { othersMayChange } from './trusted.ts';

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

/**
 * Where the file is looked for, in this order. An empty variable counts as unset. Never the working directory: who calls may stand in
 * somebody else's.
 */
export function places({ path, env, cwd }: LoadOptions): readonly Place[] {
  const chosen = (source: string, name: string | undefined): Place => ({
    source,
    file: name ? resolve(cwd, name) : undefined,
    chosen: true,
  });
  return [
    chosen('--config', path),
    chosen(`$${CONFIG_ENV}`, env[CONFIG_ENV]),
    { source: SYSTEM_FILE, file: SYSTEM_FILE, chosen: false },
  ];
}

/**
 * The configuration from --config, $MANDAT_CONFIG or /etc/mandat/mandat.toml, whichever is first.
 * A file that is named but missing, or there but unreadable, is an error: falling through to another one would run
 * with settings nobody chose. So is one that others than root and the caller may write.
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
      remedy: `copy config/mandat.toml to ${SYSTEM_FILE}, or give --config FILE`,
    },
  ]);
}

/** The file's text, undefined when there is none. */
function read(file: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe must not keep us waiting
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new ConfigError(file, [stat.isDirectory() ? unreadable('EISDIR') : NOT_A_FILE]);
    const wrong = othersMayChange(file);
    if (wrong !== undefined) throw new ConfigError(file, [wrong]);
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(fd));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ConfigError(file, [unreadable(code)], { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const NOT_A_FILE = { path: '', message: 'it is not a regular file', remedy: 'name a file' };

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
