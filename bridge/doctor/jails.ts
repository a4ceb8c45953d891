/**
 * fail2ban's configuration as jail.conf(5) has it read: jail.conf, jail.d/*.conf, jail.local, jail.d/*.local, the later over the earlier, section by section,
 * [DEFAULT] beneath each.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import path from 'node:path';

export interface Jail {
  readonly name: string;
  /** Addresses and networks that it never bans, as they are written. */
  readonly ignored: readonly string[];
  /** Never the machine's own addresses (its default). */
  readonly ignoresSelf: boolean;
}

/** Those that are on and count failed logins at a mail server; undefined where there is no fail2ban. */
export function mailJails(directory: string): readonly Jail[] | undefined {
  if (!existsSync(path.join(directory, 'jail.conf')) && !existsSync(path.join(directory, 'jail.local')))
    return undefined;
  const sections = new Map<string, Map<string, string>>();
  for (const file of filesIn(directory)) merge(sections, readFileSync(file, 'utf8'));
  const defaults = sections.get('DEFAULT') ?? new Map<string, string>();
  return [...sections].flatMap(([name, own]) => {
    const value = (key: string, otherwise = '') =>
      resolved(own.get(key) ?? defaults.get(key) ?? otherwise, own, defaults, name);
    if (name === 'DEFAULT' || name === 'INCLUDES' || !yes(value('enabled', 'false'))) return [];
    if (!MAIL.test(name) && !MAIL.test(value('filter'))) return [];
    return [
      {
        name,
        ignored: value('ignoreip')
          .split(/[\s,]+/)
          .filter(Boolean),
        ignoresSelf: yes(value('ignoreself', 'true')),
      },
    ];
  });
}

const MAIL = /dovecot|imap|courier|cyrus|mail/i;

function filesIn(directory: string): readonly string[] {
  const among = (end: string) => {
    const below = path.join(directory, 'jail.d');
    const names = existsSync(below)
      ? readdirSync(below)
          .filter((name) => name.endsWith(end))
          .sort()
      : [];
    return names.map((name) => path.join(below, name));
  };
  const all = [
    path.join(directory, 'jail.conf'),
    ...among('.conf'),
    path.join(directory, 'jail.local'),
    ...among('.local'),
  ];
  return all.filter((file) => existsSync(file));
}

/** INI as Python's configparser reads it: a line that begins with blanks goes on from the one before. */
function merge(sections: Map<string, Map<string, string>>, text: string): void {
  let section: Map<string, string> | undefined;
  let key: string | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.replace(/(?:^|\s)[;#].*$/, '').trimEnd();
    const header = /^\[([^\]]+)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      section = sections.get(header) ?? new Map();
      sections.set(header, section);
      key = undefined;
    } else if (/^\s+\S/.test(line) && key !== undefined) {
      section?.set(key, `${section.get(key)} ${line.trim()}`);
    } else {
      const [, name, value] = /^([^\s=:]+)\s*[=:]\s*(.*)$/.exec(line) ?? [];
      key = name;
      if (name !== undefined) section?.set(name, value ?? '');
    }
  }
}

/** `%(name)s`, as deep as anybody writes it. */
function resolved(value: string, own: Map<string, string>, defaults: Map<string, string>, name: string): string {
  let text = value;
  for (let depth = 0; depth < 5 && text.includes('%('); depth++) {
    text = text.replace(/%\(([^)]+)\)s/g, (_, key: string) =>
      key === '__name__' ? name : (own.get(key) ?? defaults.get(key) ?? ''),
    );
  }
  return text;
}

const yes = (value: string) => /^(?:true|yes|on|1)$/i.test(value.trim());

/** Whether one of them is the address, or a network that it lies in. Names aren't looked up. */
export function covers(written: readonly string[], address: string): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  for (const one of written) {
    const [net = '', bits] = one.split('/');
    const bare = net.replace(/^\[|\]$/g, '');
    const kind = isIP(bare);
    if (kind === 0) continue;
    const prefix = Number(bits ?? (kind === 6 ? 128 : 32));
    if (Number.isInteger(prefix) && prefix >= 0 && prefix <= (kind === 6 ? 128 : 32))
      list.addSubnet(bare, prefix, kind === 6 ? 'ipv6' : 'ipv4');
  }
  return isIP(address) !== 0 && list.check(address, family);
}
