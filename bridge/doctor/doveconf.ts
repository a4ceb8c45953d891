/** Dovecot's configuration as its own `doveconf` reads it, with every default: the settings that no IMAP command shows. */

import { runTool } from '../shared/run-tool.ts';
import { fileIn, forProtocol, parseDoveconf, type Section, versionIn } from './doveconf-text.ts';
import type { Syntax } from './dovecot-syntax.ts';
import { syntaxOf } from './dovecot-versions.ts';

export interface Doveconf {
  /** For people: `doveconf -c FILE`. */
  readonly source: string;
  /** As it names itself: `2.3.19.1`, `2.4.1-4`. */
  readonly version: string;
  /** How what it says is to be read. */
  readonly syntax: Syntax;
  /** The file that it is about, where it says so. */
  readonly file: string | undefined;
  readonly all: Section;
}

/** Or why there is none to be had. */
export type Reading<T> = { readonly found: T } | { readonly found: undefined; readonly why: string };

/**
 * What holds for IMAP sessions. Without a file, the configuration of this machine, and only when its login service listens at
 * `port`: another Dovecot would answer for itself.
 */
export async function readDoveconf(file: string | undefined, port: number): Promise<Reading<Doveconf>> {
  const reading = await askDoveconf(file);
  if (file !== undefined || reading.found === undefined) return reading;
  const { source, syntax, all } = reading.found;
  if (syntax.imapPorts(all).has(port)) return reading;
  return {
    found: undefined,
    why: `${source} is not of the server at port ${port}: give --dovecot-config FILE`,
  };
}

/** Whatever server it is of. */
export async function askDoveconf(file: string | undefined): Promise<Reading<Doveconf>> {
  const chosen = file === undefined ? [] : ['-c', file];
  const source = ['doveconf', ...chosen].join(' ');
  // Not -n: together with -f it leaves out settings that aren't the default.
  const first = await runTool('doveconf', [...chosen, '-f', 'protocol=imap']);
  if (first.missing) return { found: undefined, why: 'doveconf is not on this machine' };
  if (first.status !== 0) return { found: undefined, why: `${source}: ${first.complaint}` };
  const version = versionIn(first.stdout);
  const syntax = syntaxOf(version);
  let all = parseDoveconf(first.stdout);
  if (syntax.version !== '2.3') {
    // 2.4 leaves out defaults with -f as well, and of a list shows only what the protocol adds to it.
    const whole = await runTool('doveconf', [...chosen, '-a']);
    if (whole.status !== 0) return { found: undefined, why: `${source}: ${whole.complaint}` };
    all = forProtocol(parseDoveconf(whole.stdout), 'imap');
  }
  return { found: { source, version, syntax, file: file ?? fileIn(first.stdout), all } };
}

/** Its event exporters with the passwords in their addresses, which it shows for these alone, and its metrics. */
export async function askEvents(file: string | undefined): Promise<Reading<Section>> {
  const chosen = file === undefined ? [] : ['-c', file];
  const exporters = await runTool('doveconf', [...chosen, '-P', 'event_exporter']);
  const metrics = await runTool('doveconf', [...chosen, 'metric']);
  const [bad] = [exporters, metrics].filter(({ status }) => status !== 0);
  if (bad !== undefined) return { found: undefined, why: `${['doveconf', ...chosen].join(' ')}: ${bad.complaint}` };
  return { found: parseDoveconf(`${exporters.stdout}\n${metrics.stdout}`) };
}
