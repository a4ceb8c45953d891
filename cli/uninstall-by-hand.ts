/** What mandat doesn't take out by itself: its lines in the servers' configuration, and its files. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Leftover } from '../bridge/removal/leftovers.ts';
import type { DataFiles } from '../bridge/store/files/data-files.ts';
import type { InDatabase } from '../bridge/store/postgres/remains.ts';
import { TABLE_SCHEMA } from '../bridge/store/postgres/schema-names.ts';
import { monthFiles, monthOf, traceDirectory } from '../bridge/trace/trace-files.ts';
import type { Config } from '../config/schema.ts';
import { counted, type Output, oneLine } from './output.ts';

export interface ByHand {
  /** Lines in the servers' configuration. */
  readonly leftovers: readonly Leftover[];
  /** Configuration that could not be looked at, and why. */
  readonly unread: readonly { readonly file: string; readonly why: string }[];
  /** Files and directories of mandat's that are there, and go last. */
  readonly files: readonly string[];
  /** The trace of access, which stays among them; null where there is none. */
  readonly trace: { readonly directory: string; readonly months: readonly string[] } | null;
}

/** Looks with the rights of who typed the command. */
export async function byHand(
  config: Config,
  files: DataFiles,
  given: { readonly dovecotConfig?: string | undefined; readonly postfixConfig?: string | undefined },
): Promise<ByHand> {
  const { leftInDovecot, leftInPostfix } = await import('../bridge/removal/leftovers.ts');
  const { askDoveconf } = await import('../bridge/doctor/doveconf.ts');
  const postfix = given.postfixConfig ?? '/etc/postfix';
  const inPostfix = leftInPostfix(postfix, config, files);
  const dovecot = await askDoveconf(given.dovecotConfig);
  const dovecotFile = dovecot.found?.file ?? given.dovecotConfig ?? '/etc/dovecot/dovecot.conf';
  const inDovecot = leftInDovecot(dovecotFile, dovecot.found?.syntax.version ?? '2.3', config, files);
  const places = [
    join(dirname(dovecotFile), 'mandat'),
    join(postfix, 'mandat.cf'),
    join(postfix, 'identity.re'),
    '/etc/systemd/system/mandat.service',
    '/etc/systemd/system/mandat-filter.service',
    '/etc/systemd/system/mandat-shares.socket',
    '/etc/systemd/system/mandat-shares.service',
    ...(config.file === undefined ? [] : [config.file]),
    config.runtimeDir,
    files.directory,
  ];
  return {
    leftovers: [...inPostfix.found, ...inDovecot.found],
    unread: [...inPostfix.unread, ...inDovecot.unread],
    files: places.filter((place) => existsSync(place)),
    trace: traceLeft(files),
  };
}

/** What a superuser of PostgreSQL takes out, last of all; none where there are files. */
export function databaseLines(remains: InDatabase | undefined): readonly string[] {
  if (remains === undefined) return [];
  const { place, schemas, roles, servers } = remains;
  const own = schemas.filter((name) => name !== TABLE_SCHEMA);
  const waits = servers.map(({ server, delegations }) => `${server} (${counted(delegations, 'delegation')})`);
  return [
    `   in PostgreSQL (${place}), to go last: ${['the schemas', schemas.join(', '), ...(roles.length === 0 ? [] : ['and the roles', roles.join(', ')])].join(' ')}`,
    `   the table may stay, without: DROP SCHEMA ${own.join(', ')} CASCADE`,
    ...(waits.length === 0
      ? []
      : [`   not before "mandat uninstall" is done for the other mail servers as well: ${waits.join(', ')}`]),
  ];
}

function traceLeft(files: DataFiles): ByHand['trace'] {
  const directory = traceDirectory(files);
  try {
    const months = [...new Set(monthFiles(directory).map(monthOf))];
    return months.length === 0 ? null : { directory, months };
  } catch {
    return null; // who may not look there takes nothing off either
  }
}

/** `number`: of the step that it is. */
export function byHandLines(
  { leftovers, unread, files, trace }: ByHand,
  out: Output,
  number?: number,
): readonly string[] {
  const step = number === undefined ? '' : `${number}. `;
  const line = ({ file, line: at, text }: Leftover) => `   ${file}:${at}: ${oneLine(text)}`;
  const certain = leftovers.filter((one) => one.certain);
  const alike = leftovers.filter((one) => !one.certain);
  const kept = [...new Set(leftovers.map(({ file }) => `${file}.before-mandat`))].filter((file) => existsSync(file));
  return [
    certain.length === 0
      ? `${step}the servers' configuration does not name mandat`
      : `${step}${out.colour.bad(`left to do by hand: ${counted(certain.length, 'line')} in the servers' configuration`)}`,
    ...certain.map(line),
    ...(kept.length === 0 ? [] : [`   as it was before "mandat setup": ${kept.join(', ')}`]),
    ...(alike.length === 0 ? [] : ["   as in mandat's fragments, or this site's own:", ...alike.map(line)]),
    ...unread.map(({ file, why }) => `   could not be read: ${file} (${why})`),
    `   files of mandat's, to go last: ${files.join(', ')}`,
    ...(trace === null
      ? []
      : [
          `   among them the trace of access, ${trace.directory}: ${counted(trace.months.length, 'month')} (${[...new Set([trace.months[0], trace.months.at(-1)])].join(' to ')}). It is kept, and once the sidecar is off nothing deletes its months when their time comes: how long you must keep them is a question of your duties`,
        ]),
  ];
}
