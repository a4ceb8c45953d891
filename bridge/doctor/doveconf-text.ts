/** What `doveconf` prints, as sections and settings: whatever Dovecot's version. Pure. */

export interface Section {
  /** `namespace shared`, `plugin`, `inet_listener imap`; empty for the whole. */
  readonly name: string;
  readonly settings: ReadonlyMap<string, string>;
  readonly sections: readonly Section[];
}

/** Of its first line: `# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf`. Empty where there is none. */
export const versionIn = (text: string): string => /^# (\d\S*) \(/.exec(text)?.[1] ?? '';

/** The file in that line. */
export const fileIn = (text: string): string | undefined => /^# \d\S* \([^)]*\): (\S+)$/m.exec(text)?.[1];

/** What holds for it: what stands in its own section beside all else, and before it. */
export function forProtocol(all: Section, protocol: string): Section {
  const own = sectionsNamed(all, 'protocol').filter(({ name }) => name === `protocol ${protocol}`);
  return {
    name: '',
    settings: new Map([...all.settings, ...own.flatMap(({ settings }) => [...settings])]),
    sections: [...all.sections, ...own.flatMap(({ sections }) => sections)],
  };
}

export function sectionsNamed({ sections }: Section, kind: string): readonly Section[] {
  return sections.filter(({ name }) => name === kind || name.startsWith(`${kind} `));
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
      const section = blank(line.slice(0, -1).trim().replaceAll('"', ''));
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

/** `plugin { name = value }` of Dovecot 2.3. */
export function pluginSetting(all: Section, name: string): string | undefined {
  return sectionsNamed(all, 'plugin')
    .map(({ settings }) => settings.get(name))
    .find((value) => value !== undefined);
}

export const words = (list = ''): readonly string[] => list.split(/[,\s]+/).filter((word) => word !== '');
export const isYes = (value = ''): boolean => /^y/i.test(value);

/** `event_exporter NAME`, as far as it sends by HTTP. */
export interface EventExporter {
  readonly name: string;
  /** As it is written; '' where it has none, or who asks may not read it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly user: string;
  readonly password: string;
  readonly byHttp: boolean;
  readonly format: string;
}

export interface EventMetric {
  readonly filter: string;
  /** Names of exporters. */
  readonly exporters: readonly string[];
}

/** Events that are sent; `driver` and `url` are what the version calls the settings. */
export function eventsIn(
  all: Section,
  driver: string,
  url: string,
): { readonly exporters: readonly EventExporter[]; readonly metrics: readonly EventMetric[] } {
  return {
    exporters: sectionsNamed(all, 'event_exporter').map(({ name, settings }) => ({
      name: name.replace(/^event_exporter /, ''),
      byHttp: settings.get(driver) === 'http-post',
      format: settings.get('format') ?? '',
      ...placeIn(settings.get(url) ?? ''),
    })),
    metrics: sectionsNamed(all, 'metric').map(({ settings }) => ({
      filter: settings.get('filter') ?? '',
      exporters: words(settings.get('exporter')),
    })),
  };
}

function placeIn(url: string): Omit<EventExporter, 'name' | 'byHttp' | 'format'> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const plain = (part = '') => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  };
  return {
    url,
    host: (parsed?.hostname ?? '').replace(/^\[(.*)\]$/, '$1'),
    port: Number(parsed?.port || 80),
    path: parsed?.pathname ?? '',
    user: plain(parsed?.username),
    password: plain(parsed?.password),
  };
}
