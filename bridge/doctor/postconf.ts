/** Postfix's configuration as its own `postconf` reads it, names in it expanded, and its lookups as its own `postmap` makes them. */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { runTool } from '../shared/run-tool.ts';
import { asRoot } from '../shared/unix-user.ts';
import type { Reading } from './doveconf.ts';

export interface Service {
  /** As master.cf names it: `submission`, `127.0.0.1:587`. */
  readonly name: string;
  /** Where mail from outside comes in: port 25, or behind the postscreen that listens there. */
  readonly atPort25: boolean;
  readonly chroot: boolean;
  /** What the service goes by: its own `-o`, else main.cf. */
  setting(name: string): string;
  /** Given with `-o` in master.cf. */
  overrides(name: string): boolean;
}

export type Lookup =
  | { readonly kind: 'found'; readonly values: readonly string[] }
  | { readonly kind: 'unknown' }
  /** What kills the smtpd that asks. */
  | { readonly kind: 'error'; readonly complaint: string };

export interface Postfix {
  /** For people: `postconf -c DIR`. */
  readonly source: string;
  /** Of main.cf, defaults included; empty when there is no such setting. */
  main(name: string): string;
  /** The smtpd services that listen, or that postscreen hands clients to. */
  readonly smtpd: readonly Service[];
  /** Those that bring mail to somebody's LMTP server. */
  readonly lmtp: readonly Pick<Service, 'name' | 'chroot'>[];
  /** Its proxymap services, as proxymap_service_name reaches them: `proxymap`, `../public/proxymap`. */
  readonly proxymaps: readonly string[];
  /** Kinds of table that it can read: `sqlite`, `regexp`. */
  readonly tableTypes: ReadonlySet<string>;
  runs(): Promise<boolean>;
  lookUp(address: string, map: string): Promise<Lookup>;
}

/** Without a directory, this machine's own Postfix. */
export async function readPostfix(directory: string | undefined): Promise<Reading<Postfix>> {
  if (directory !== undefined && !existsSync(join(directory, 'main.cf'))) {
    return { found: undefined, why: `there is no main.cf in ${directory}` };
  }
  const chosen = directory === undefined ? [] : ['-c', directory];
  const [main, services, overrides, types] = await Promise.all(
    [['-x'], ['-M'], ['-x', '-P'], ['-m']].map((args) => runTool('postconf', [...chosen, ...args])),
  );
  if (main === undefined || services === undefined || overrides === undefined || types === undefined) {
    throw new Error('four questions, four answers');
  }
  const source = ['postconf', ...chosen].join(' ');
  if (main.missing) return { found: undefined, why: 'Postfix is not on this machine' };
  const failed = [main, services, overrides, types].find(({ status }) => status !== 0);
  if (failed !== undefined) return { found: undefined, why: `${source}: ${failed.complaint}` };

  const settings = parseSettings(main.stdout);
  const own = parseSettings(overrides.stdout); // by `service/type/name`
  return {
    found: {
      source,
      main: (name) => settings.get(name) ?? '',
      smtpd: parseServices(services.stdout, settings).map(({ key, ...line }) => ({
        ...line,
        setting: (wanted) => own.get(`${key}/${wanted}`) ?? settings.get(wanted) ?? '',
        overrides: (wanted) => own.has(`${key}/${wanted}`),
      })),
      lmtp: parseServices(services.stdout, settings, LMTP),
      proxymaps: proxymapsIn(services.stdout),
      tableTypes: new Set(types.stdout.split(/\s+/)),
      runs: () => answers(join(settings.get('queue_directory') ?? '', 'private/proxymap')),
      lookUp: (address, map) => lookUp(chosen, address, map),
    },
  };
}

/** A lookup that takes longer has failed already: proxymap dies of an error, and postmap asks the next one. */
const PATIENCE_MS = 4_000;

/** postmap exits with 1 and says nothing where a table doesn't know the address. */
async function lookUp(chosen: readonly string[], address: string, map: string): Promise<Lookup> {
  const answer = await runTool('postmap', [...chosen, '-q', address, map], PATIENCE_MS);
  if (answer.status === 0) return { kind: 'found', values: answer.stdout.trim().split(/[,\s]+/) };
  if (answer.status === 1 && answer.said === '') return { kind: 'unknown' };
  return { kind: 'error', complaint: answer.complaint };
}

/** A lookup through proxy: would wait for a Postfix that is down for minutes. */
function answers(socketFile: string): Promise<boolean> {
  if (!asRoot(() => existsSync(socketFile))) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = asRoot(() => connect(socketFile)); // in a directory of Postfix's alone
    const answer = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.setTimeout(2000, () => answer(false));
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}

/** `name = value` lines, of postconf and of a table's own file. */
export function parseSettings(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^(\S+) =\s?(.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value ?? '']];
    }),
  );
}

/** `-` in the private column is a yes. */
export function proxymapsIn(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , isPrivate = '', , , , , command = ''] = line.trim().split(/\s+/);
    if (command !== 'proxymap') return [];
    return [isPrivate === 'n' ? `../public/${name}` : name];
  });
}

export interface ServiceLine {
  /** `service/type`, as `postconf -P` names it. */
  readonly key: string;
  readonly name: string;
  readonly atPort25: boolean;
  readonly chroot: boolean;
}

interface Kind {
  readonly command: string;
  readonly types: readonly string[];
}
const SMTPD: Kind = { command: 'smtpd', types: ['inet', 'pass'] };
const LMTP: Kind = { command: 'lmtp', types: ['unix'] };

/** The lines of master.cf of this kind. `-` in the chroot column is a default that changed with compatibility_level 1. */
export function parseServices(
  text: string,
  settings: ReadonlyMap<string, string>,
  wanted: Kind = SMTPD,
): readonly ServiceLine[] {
  const byDefault = Number.parseFloat(settings.get('compatibility_level') ?? '0') < 1;
  return text.split('\n').flatMap((line) => {
    const [name = '', type = '', , , chroot = '', , , command = ''] = line.trim().split(/\s+/);
    if (command !== wanted.command || !wanted.types.includes(type)) return [];
    const atPort25 = type === 'pass' || /(^|:)(smtp|25)$/.test(name);
    return [{ key: `${name}/${type}`, name, atPort25, chroot: chroot === '-' ? byDefault : chroot === 'y' }];
  });
}
