/** Dovecot's configuration as its own `doveconf` reads it, with every default: the settings that no IMAP command shows. */
import { runTool } from './tool.ts';

export interface Section {
  /** `namespace shared`, `plugin`, `inet_listener imap`; empty for the whole. */
  readonly name: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly sections: readonly Section[];
}

export interface Doveconf {
  /** For people: `doveconf -c FILE`. */
  readonly source: string;
  readonly all: Section;
}

/** Or why there is none to be had. */
export type Reading<T> = { readonly found: T } | { readonly found: undefined; readonly why: string };

/**
 * What holds for IMAP sessions. Without a file, the configuration of this machine, and only when its login service listens at
 * `port`: another Dovecot would answer for itself.
 */
export async function readDoveconf(file: string | undefined, port: number): Promise<Reading<Doveconf>> {
  const chosen = file === undefined ? [] : ['-c', file];
  // Not -n: together with -f it leaves out settings that aren't the default.
  const answer = await runTool('doveconf', [...chosen, '-f', 'protocol=imap']);
  const source = ['doveconf', ...chosen].join(' ');
  if (answer.missing) return { found: undefined, why: 'doveconf is not on this machine' };
  if (answer.status !== 0) return { found: undefined, why: `${source}: ${answer.complaint}` };
  const all = parseDoveconf(answer.stdout);
  if (file === undefined && !imapPorts(all).has(port)) {
    const why = `${source} is not of the server at port ${port}: give --dovecot-config FILE`;
    return { found: undefined, why };
  }
  return { found: { source, all } };
}

/** `plugin { name = value }`. */
export function pluginSetting({ all }: Doveconf, name: string): string | undefined {
  return sectionsNamed(all, 'plugin')
    .map(({ settings }) => settings.get(name))
    .find((value) => value !== undefined);
}

export function sectionsNamed({ sections }: Section, kind: string): readonly Section[] {
  return sections.filter(({ name }) => name === kind || name.startsWith(`${kind} `));
}

/** Ports of the IMAP login service; 0 stands for a listener that is off. */
export function imapPorts(all: Section): ReadonlySet<number> {
  const listeners = sectionsNamed(all, 'service imap-login').flatMap((service) =>
    sectionsNamed(service, 'inet_listener'),
  );
  return new Set(listeners.map(({ settings }) => Number(settings.get('port') ?? 0)));
}

export function parseDoveconf(text: string): Section {
  const whole = blank('');
  const open = [whole];
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const inner = open.at(-1) ?? whole;
    if (line === '' || line.startsWith('#')) continue;
    if (line === '}') {
      open.pop();
    } else if (line.endsWith('{') && !/^\S+ =/.test(line)) {
      const section = blank(line.slice(0, -1).trim());
      inner.sections.push(section);
      open.push(section);
    } else {
      const [, name = line, value = ''] = /^(\S+) =\s?(.*)$/.exec(line) ?? [];
      inner.settings.set(name, value.replace(/^"(.*)"$/, '$1'));
    }
  }
  return whole;
}

const blank = (name: string) => ({ name, settings: new Map<string, string>(), sections: [] as Section[] });
