/**
 * What Postfix needs, as text put into main.cf and master.cf: each line below the service it is for, so that nothing that comes from
 * outside meets it. Pure: text and what postconf said in, text out.
 */
import type { Service } from '../doctor/postconf.ts';
import { tablesIn } from '../doctor/sender-maps.ts';
import { Failure } from '../shared/failure.ts';

/** A fragment's lines without its comments: `-o name=value`, or a service of its own. */
export const linesOf = (fragment: string): readonly string[] =>
  fragment.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));

export interface Option {
  readonly name: string;
  readonly value: string;
}

export const optionsOf = (fragment: string): readonly Option[] =>
  linesOf(fragment).flatMap((line) => {
    const [, name, value] = /^\s+-o (\w+)=(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, value: value ?? '' }];
  });

/** Where the line of a service ends: its last `-o`, or its own line. Undefined where master.cf has no such service. */
function block(lines: readonly string[], service: string): { readonly from: number; readonly to: number } | undefined {
  const starts = (line: string) => {
    const [name, type] = line.split(/\s+/);
    return `${name}/${type}` === service;
  };
  const from = lines.findIndex((line) => !/^[\s#]/.test(line) && starts(line));
  if (from === -1) return undefined;
  let to = from;
  for (let at = from + 1; at < lines.length; at++) {
    const line = lines[at] ?? '';
    if (/^\s+\S/.test(line) && !/^\s*#/.test(line)) to = at;
    else if (line !== '' && !/^\s*#/.test(line)) break;
  }
  return { from, to };
}

/** `-o` settings below a service. One that stands there already gives way; a list of restrictions keeps what it has behind ours. */
export function withOptions(master: string, service: string, options: readonly Option[]): string {
  const lines = master.split('\n');
  const found = block(lines, service);
  if (found === undefined) throw new Failure('config', `master.cf has no service ${service}`);
  const own = lines.slice(found.from, found.to + 1);
  const rest = own.slice(1).flatMap((line) => {
    const [, name = '', value = ''] = /^\s+-o\s+(\w+)\s*=\s*(.*)$/.exec(line) ?? [];
    const ours = options.find((option) => option.name === name);
    if (ours === undefined || ours.value === value) return ours === undefined ? [line] : [];
    return [];
  });
  const kept = (name: string) =>
    own
      .map((line) => new RegExp(`^\\s+-o\\s+${name}\\s*=\\s*(.*)$`).exec(line)?.[1])
      .find((value) => value !== undefined);
  const put = options.map(({ name, value }) => {
    const before = kept(name);
    const joined =
      before !== undefined && JOINED.has(name) && !before.split(/[\s,]+/).includes(value)
        ? `${value},${before.replaceAll(/\s*,\s*|\s+/g, ',')}`
        : value;
    return `  -o ${name}=${joined}`;
  });
  return [...lines.slice(0, found.from), own[0], ...rest, ...put, ...lines.slice(found.to + 1)].join('\n');
}

/** Of these a site's own entries stay, behind ours. */
const JOINED = new Set(['smtpd_sender_restrictions', 'smtpd_recipient_restrictions']);

/** A service of its own, at the end; none where its very line is there. */
export function withService(master: string, lines: readonly string[]): string {
  const [first = ''] = lines;
  const words = (line: string) => line.trim().split(/\s+/).join(' ');
  if (master.split('\n').some((line) => words(line) === words(first))) return master;
  return `${master.replace(/\n*$/, '\n')}${lines.join('\n')}\n`;
}

/**
 * smtpd_sender_login_maps with mandat's map and what the site had. Fails `config` where that is more than one table: which of them answers
 * first is the site's to say.
 */
export function withMaps(main: string, had: string, ours: readonly string[]): string {
  const asked = tablesIn(had);
  if (asked.some(({ name }) => name.endsWith('/mandat.cf'))) return main;
  if (asked.length > 1)
    throw new Failure(
      'config',
      `smtpd_sender_login_maps has several tables: ${had}`,
      'join them by hand: config/postfix/main.cf.fragment says how',
    );
  const site = asked[0];
  // Whoever has a table of who may use which address doesn't want everybody to have their login's as well.
  const tables =
    site === undefined ? ours : [ours[0] ?? '', `${site.proxied ? 'proxy:' : ''}${site.type}:${site.name}`];
  const without = main.replace(/^smtpd_sender_login_maps\s*=.*\n(?:[ \t]+\S.*\n)*/gm, '').replace(/\n*$/, '\n');
  return `${without}\n# mandat: who may send from which address ("mandat setup")\nsmtpd_sender_login_maps = unionmap:{\n    ${tables.join(',\n    ')}}\n`;
}

/** Of these alone nothing is lost: smtpd_relay_restrictions, which we set too, asks for a login as well. */
const NO_MORE_THAN_A_LOGIN = new Set(['permit_sasl_authenticated', 'permit_mynetworks', 'reject']);

/**
 * What has to be set beside `smtpd_delay_reject=no`, with which client and helo restrictions come before anybody could log in: those that only
 * ask for a login give way. Undefined where a site's own would refuse its users: then a refusal waits for RCPT TO, as before.
 */
export function toRefuseAtOnce(service: Pick<Service, 'setting'>): readonly Option[] | undefined {
  const options: Option[] = [];
  for (const list of ['client', 'helo']) {
    const name = `smtpd_${list}_restrictions`;
    const words = service
      .setting(name)
      .split(/[\s,]+/)
      .filter((word) => word !== '');
    if (!words.includes('permit_sasl_authenticated') && !words.includes('reject')) continue;
    if (!words.every((word) => NO_MORE_THAN_A_LOGIN.has(word))) return undefined;
    options.push({ name, value: '' });
  }
  return options;
}
