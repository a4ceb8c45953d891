/** Keys of the configuration as pages show them, compared with the schema. */
import { keys } from '../../.ci/manual/configuration.ts';
import type { Block, Line } from './pages.ts';

const KNOWN = new Map<string, ReadonlySet<string>>();
for (const { section = '', name } of keys()) KNOWN.set(section, new Set([...(KNOWN.get(section) ?? []), name]));

export const isSection = (name: string): boolean => name !== '' && KNOWN.has(name);
const isKey = (section: string, name: string): boolean => KNOWN.get(section)?.has(name) === true;

/** Endings of files whose name may begin like a section: `imap.secret`, `sessions.conf`, `audit.ts`. */
const FILE = /\.(?:secret|conf|cf|ts|db|md|toml|json|csv|txt|sock|re|fragment|key|head|log|xml)$/;

/** Of code within a line: `[section] key`, `section.key`. */
export function keyFault(code: string): string | undefined {
  const [, section, key] = /^\[([a-z_]+)\](?:\s+([a-z_]+)\b)?/.exec(code) ?? [];
  if (section !== undefined) {
    if (!isSection(section)) return `no section [${section}]`;
    return key === undefined || isKey(section, key) ? undefined : `no key ${key} in [${section}]`;
  }
  const [, first = '', second = ''] = /^([a-z_]+)\.([a-z_]+)(?: =.*)?$/.exec(code) ?? [];
  if (!isSection(first) || FILE.test(code) || isKey(first, second)) return undefined;
  return `no key ${second} in [${first}]`;
}

/** Whether a block is of mandat.toml: said so, or with one of its sections in it. */
export function isConfiguration({ language, lines }: Block): boolean {
  if (language !== '' && language !== 'toml') return false;
  return lines.some(({ text }) => {
    const [, name = ''] = /^#?\[([a-z_]+)\]/.exec(text) ?? [];
    return isSection(name);
  });
}

/** Each line of such a block that names what there is not. */
export function configurationFaults({ lines }: Block): readonly (Line & { readonly fault: string })[] {
  let section = '';
  return lines.flatMap((line) => {
    const [, opened] = /^#?\[([^\]]+)\]/.exec(line.text) ?? [];
    if (opened !== undefined) {
      section = opened;
      return isSection(opened) ? [] : [{ ...line, fault: `no section [${opened}]` }];
    }
    const [, name] = /^#?([A-Za-z_-]+) *=/.exec(line.text) ?? [];
    if (name === undefined || isKey(section, name)) return [];
    return [{ ...line, fault: section === '' ? `no key ${name}` : `no key ${name} in [${section}]` }];
  });
}
