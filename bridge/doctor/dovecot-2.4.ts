/** Dovecot 2.4's configuration, read. `all` is what `doveconf -a` prints, with what stands in `protocol imap`. */
import { eventsIn, isYes, type Section, sectionsNamed, words } from './doveconf-text.ts';
import type { KeepDeleted, Syntax } from './dovecot-syntax.ts';

/** Where a listener of this name listens that has no `port`: doveconf doesn't say. */
const USUAL_PORTS: Readonly<Record<string, number>> = { imap: 143, imaps: 993 };

export const dovecot24: Syntax = {
  version: '2.4',
  lines: {
    aclCache: 'acl_cache_ttl = 0',
    aclUser: 'acl_user = %{user}',
    sharingMap: 'acl_sharing_map { dict file { path = ... } }',
    privateIndex: 'take mail_index_private_path out of the shared namespace',
    onlyImap: 'auth_username_format = %{protocol}/%{user} in the passdb and an entry imap/...',
  },
  sharingMapName: 'acl_sharing_map',

  events: (all) => eventsIn(all, 'driver', 'http_post_url'),
  imapPorts: (all) => {
    const listeners = sectionsNamed(all, 'service imap-login').flatMap((service) =>
      sectionsNamed(service, 'inet_listener'),
    );
    return new Set(
      listeners.map(({ name, settings }) =>
        Number(settings.get('port') ?? USUAL_PORTS[name.replace('inet_listener ', '')] ?? 0),
      ),
    );
  },

  aclCache: ({ settings }) => {
    const ttl = settings.get('acl_cache_ttl') ?? '30 secs';
    return { seconds: secondsIn(ttl), words: `acl_cache_ttl = ${ttl}` };
  },

  hasSharingMap: (all) => sectionsNamed(all, 'acl_sharing_map').some(({ sections }) => sections.length > 0),
  sharesSocket,
  inheritsFromInbox: ({ settings }) => isYes(settings.get('acl_defaults_from_inbox')),
  hasPrivateIndex: ({ settings }) => (settings.get('mail_index_private_path') ?? '') !== '',

  // A Maildir is Maildir++ unless somebody said `fs`, and doveconf shows `fs` in both cases (2.4.1).
  ownSeparator: (all, namespace) => {
    const setting = (name: string) => namespace.settings.get(name) ?? all.settings.get(name) ?? '';
    if (/^maildir\+\+$/i.test(setting('mailbox_list_layout'))) return '.';
    return /^maildir$/i.test(setting('mail_driver')) ? undefined : '/';
  },

  beforeOwner: (prefix) => prefix.replace(/(\$|%\{).*$/, ''),
  /** Written `ssl_server_cert_file = FILE` or `ssl_server { cert_file = FILE }`. */
  certificate: (all) => {
    const grouped = sectionsNamed(all, 'ssl_server').map(({ settings }) => settings.get('cert_file'));
    return grouped.find((file) => file !== undefined) || all.settings.get('ssl_server_cert_file') || undefined;
  },
  keepDeleted,
  kickInVain,
};

/** `30 secs`, `2 mins`, `0`; a number alone counts seconds. */
function secondsIn(time: string): number {
  const [, count = '0', unit = 's'] = /^(\d+)\s*([a-z]*)/i.exec(time) ?? [];
  const [first = 's'] = unit.toLowerCase();
  if (/^(ms|msec)/i.test(unit)) return Number(count) / 1000;
  return Number(count) * ({ s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }[first] ?? 1);
}

/** What a list holds: `name = one two`, or `name { one = yes }`, in several places that are added up. */
function listed({ settings, sections }: Section, list: string): ReadonlySet<string> {
  const switches = sections.filter(({ name }) => name === list).flatMap((one) => [...one.settings]);
  const on = switches.filter(([, value]) => isYes(value)).map(([name]) => name);
  return new Set([...words(settings.get(list)), ...on]);
}

/** The block keeps the name `file` that it has in mandat.conf; its driver says what it is. */
function sharesSocket(all: Section): string | undefined {
  const dicts = sectionsNamed(all, 'acl_sharing_map').flatMap(({ sections }) => sections);
  const ours = dicts.find(
    ({ settings }) => settings.get('driver') === 'proxy' && settings.get('proxy_name') === 'mandat',
  );
  return ours?.settings.get('proxy_socket_path');
}

const SCRIPT = 'keep-deleted.sieve';

/** The sections of this kind, wherever they stand, each with those around it. */
function* everywhere(
  section: Section,
  kind: string,
  around: readonly Section[] = [],
): Generator<{ readonly one: Section; readonly around: readonly Section[] }> {
  for (const one of section.sections) {
    if (one.name.startsWith('protocol ')) continue; // that of IMAP is among the others already
    if (one.name.startsWith(`${kind} `)) yield { one, around };
    yield* everywhere(one, kind, [...around, one]);
  }
}

function keepDeleted(all: Section): KeepDeleted | undefined {
  for (const { one, around } of everywhere(all, 'sieve_script')) {
    const script = one.settings.get('path') ?? '';
    if (!script.endsWith(SCRIPT)) continue;
    const from = around.find(({ name }) => name.startsWith('imapsieve_from '));
    const narrow =
      from === undefined ? [] : [`${from.name} takes no patterns, and is asked for that very folder alone`];
    return { script, from: undefined, lacking: [...narrow, ...lacking(all, one)] };
  }
  return undefined;
}

function lacking(all: Section, { settings }: Section): readonly string[] {
  const cause = words(settings.get('cause') ?? 'delivery');
  return [
    ...(listed(all, 'mail_plugins').has('imap_sieve') ? [] : ['protocol imap has no imap_sieve in mail_plugins']),
    ...(listed(all, 'sieve_plugins').has('sieve_imapsieve') ? [] : ['sieve_plugins lacks sieve_imapsieve']),
    ...(cause.includes('copy') ? [] : [`it runs at ${cause.join(', ')} and not at a copy (cause)`]),
    ...(settings.get('type') === 'before' ? [] : ['its type is not before']),
    ...(isYes(all.settings.get('imapsieve_expunge_discarded'))
      ? []
      : ["imapsieve_expunge_discarded is not yes: it stays in the delegate's Trash, too"]),
  ];
}

/**
 * A process asks itself whether it still serves that user, and takes itself for the owner's, unless it can't be asked. One that serves
 * several sessions must be asked, and then knows: docs/server-notes.md, "Dovecot 2.4".
 */
function kickInVain(all: Section): string | undefined {
  const services = sectionsNamed(all, 'service imap').filter(({ name }) => name === 'service imap');
  const setting = (name: string, otherwise: string) =>
    services.map(({ settings }) => settings.get(name)).findLast((value) => value !== undefined) ?? otherwise;
  const listeners = services.flatMap((service) => sectionsNamed(service, 'unix_listener'));
  const closed = listeners.some(
    ({ name, settings }) => name === 'unix_listener srv.imap/%{pid}' && /^0+$/.test(settings.get('mode') ?? ''),
  );
  const several = setting('client_limit', '1') !== '1' && setting('restart_request_count', '1') !== '1';
  if (several && closed) return 'service imap has client_limit above 1 and its srv.imap/%{pid} closed';
  if (!several && !closed) return 'service imap has no unix_listener "srv.imap/%{pid}" { mode = 0 }';
  return undefined;
}
