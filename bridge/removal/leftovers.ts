/** What of mandat stands in the servers' own configuration, file and line, for whoever takes it out by hand. Nothing is changed here. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import { shipped } from '../shared/shipped-files.ts';
import { asRoot } from '../shared/unix-user.ts';
import type { DataFiles } from '../store/files/data-files.ts';

export interface Leftover {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
  /** False: as in one of our fragments, but it names nothing of ours; the site's own where it stood there before. */
  readonly certain: boolean;
}

export interface Reading {
  readonly found: readonly Leftover[];
  /** Files that could not be read, and why. */
  readonly unread: readonly { readonly file: string; readonly why: string }[];
}

/** Names that only mandat has: of its files, services and user, not of a directory that is called like it by chance. */
const NAMED = /(?:^|[\s/="'{<(:,@!])(?:mandat(?=$|[\s/.:,;"'})>@])|mandat-copy|mandat\.cf)|before-mandat/i;

/** Others stand in every site's configuration: `}`, `driver = passwd-file`. */
const TELLING = /^-o \w+=|^smtpd_sender_login_maps|\bacl\b|\bacl_|^doveadm_|^proxymap /;

/** Pure. `paths`: places that only mandat uses. `ours`: lines of our fragments. `before`: the file as it was before mandat, where it is kept. */
export function leftoversIn(
  file: string,
  text: string,
  paths: readonly string[],
  ours: ReadonlySet<string>,
  before?: string,
): readonly Leftover[] {
  const old = new Set((before ?? '').split('\n').map(plain));
  return text.split('\n').flatMap((line, at) => {
    const bare = plain(line);
    if (bare === '' || bare.startsWith('#')) return [];
    const certain = NAMED.test(bare) || paths.some((path) => bare.includes(path));
    const alike = ours.has(bare) && TELLING.test(bare) && !old.has(bare);
    return certain || alike ? [{ file, line: at + 1, text: bare, certain: certain || before !== undefined }] : [];
  });
}

const plain = (line: string) => line.trim().split(/\s+/).join(' ');

/** In these files, and in what they include. */
function readAll(files: readonly string[], paths: readonly string[], fragments: readonly string[]): Reading {
  const ours = new Set(fragments.flatMap((name) => readFileSync(name, 'utf8').split('\n').map(plain)));
  const found: Leftover[] = [];
  const unread: { file: string; why: string }[] = [];
  const seen = new Set<string>();
  const take = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    try {
      const text = asRoot(() => readFileSync(file, 'utf8'));
      found.push(...leftoversIn(file, text, paths, ours, keptOf(file)));
      for (const below of includedIn(file, text)) take(below);
    } catch (error) {
      unread.push({ file, why: error instanceof Error && 'code' in error ? String(error.code) : 'it is no text' });
    }
  };
  for (const file of files) take(file);
  return { found, unread };
}

/** As `mandat setup` found it. */
function keptOf(file: string): string | undefined {
  const kept = `${file}.before-mandat`;
  return asRoot(() => (existsSync(kept) ? readFileSync(kept, 'utf8') : undefined));
}

/** Of Dovecot: `!include FILE`, with a `*` in its last part. Ours among them is a line to take out, not a file to look through. */
function includedIn(file: string, text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [, named = ''] = /^\s*!include(?:_try)?\s+(\S+)/.exec(line) ?? [];
    if (named === '' || NAMED.test(named)) return [];
    const path = isAbsolute(named) ? named : join(dirname(file), named);
    if (!path.includes('*')) return asRoot(() => existsSync(path)) ? [path] : [];
    const pattern = new RegExp(
      `^${(path.split('/').at(-1) ?? '').replace(/[.+^$()[\]{}|\\]/g, '\\$&').replaceAll('*', '.*')}$`,
    );
    const there = asRoot(() => (existsSync(dirname(path)) ? readdirSync(dirname(path)) : []));
    return there.filter((name) => pattern.test(name)).map((name) => join(dirname(path), name));
  });
}

const fragmentsIn = (directory: string) =>
  readdirSync(shipped(directory))
    .filter((name) => !name.endsWith('.sql'))
    .map((name) => join(shipped(directory), name));

/** `directory`: with main.cf and master.cf. */
export function leftInPostfix(directory: string, config: Config, files: DataFiles): Reading {
  const there = ['main.cf', 'master.cf'].map((name) => join(directory, name)).filter((file) => existsSync(file));
  return readAll(there, placesOf(config, files, join(directory, 'identity.re')), fragmentsIn('postfix'));
}

/** `file`: dovecot.conf. */
export function leftInDovecot(file: string, version: '2.3' | '2.4', config: Config, files: DataFiles): Reading {
  return readAll(existsSync(file) ? [file] : [], placesOf(config, files), fragmentsIn(`dovecot/${version}`));
}

function placesOf({ runtimeDir, submission, senderRules }: Config, files: DataFiles, ...more: readonly string[]) {
  const sockets = [submission?.listen, submission?.copyListen].filter((one) => one?.startsWith('/') === true);
  const file = senderRules?.filePath;
  return [
    files.senderDirectory,
    ...(file === undefined ? [] : [file]),
    ...(sockets as string[]),
    `${runtimeDir}/`,
    ...more,
  ];
}
