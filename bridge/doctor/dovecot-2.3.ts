/** Dovecot 2.3's configuration, read. `all` is what `doveconf -f protocol=imap` prints. */
import { eventsIn, isYes, pluginSetting, type Section, sectionsNamed, words } from './doveconf-text.ts';
import type { KeepDeleted, Syntax } from './dovecot-syntax.ts';

/** What Dovecot takes without a word from the administrator. */
const DEFAULT_CACHE_SECS = 30;

export const dovecot23: Syntax = {
  version: '2.3',
  lines: {
    aclCache: 'plugin { acl = vfile::cache_secs=0 }',
    aclUser: 'plugin { acl_user = %u }',
    sharingMap: 'plugin { acl_shared_dict = ... }',
    privateIndex: 'take INDEXPVT out of the location of the shared namespace',
    onlyImap: 'username_format=%s/%u and an entry imap/...',
  },
  sharingMapName: 'acl_shared_dict',

  events: (all) => eventsIn(all, 'transport', 'transport_args'),
  imapPorts: (all) => {
    const listeners = sectionsNamed(all, 'service imap-login').flatMap((service) =>
      sectionsNamed(service, 'inet_listener'),
    );
    return new Set(listeners.map(({ settings }) => Number(settings.get('port') ?? 0)));
  },

  aclCache: (all) => {
    const acl = pluginSetting(all, 'acl') ?? '';
    const given = /:cache_secs=(\d+)/.exec(acl)?.[1];
    return { seconds: given === undefined ? DEFAULT_CACHE_SECS : Number(given), words: `acl = ${acl}` };
  },

  hasSharingMap: (all) => (pluginSetting(all, 'acl_shared_dict') ?? '') !== '',
  sharesSocket: (all) => /^proxy:(?:\w+=\d+:)*(\/[^:]+):mandat$/.exec(pluginSetting(all, 'acl_shared_dict') ?? '')?.[1],
  inheritsFromInbox: (all) => isYes(pluginSetting(all, 'acl_defaults_from_inbox')),
  hasPrivateIndex: ({ settings }) => (settings.get('location') ?? '').includes('INDEXPVT'),

  ownSeparator: (all, { settings }) => {
    const location = settings.get('location') || (all.settings.get('mail_location') ?? '');
    return /^maildir:/i.test(location) && !/:LAYOUT=fs/i.test(location) ? '.' : '/';
  },

  beforeOwner: (prefix) => prefix.replace(/%%.*$/, ''),
  certificate: ({ settings }) => /^<(.+)$/.exec(settings.get('ssl_cert') ?? '')?.[1],
  keepDeleted,
  kickInVain: () => undefined,
};

const SCRIPT = 'keep-deleted.sieve';

/** Dovecot reads rules from 1 on, up to the first number without a name. */
const MOST_RULES = 100;

function keepDeleted(all: Section): KeepDeleted | undefined {
  for (let number = 1; number <= MOST_RULES; number++) {
    const setting = (name: string) => pluginSetting(all, `imapsieve_mailbox${number}_${name}`) ?? '';
    const script = setting('before')
      .replace(/^file:/, '')
      .replace(/;.*/, '');
    if (script.endsWith(SCRIPT)) return { script, from: setting('from'), lacking: lacking(all, number) };
  }
  return undefined;
}

function lacking(all: Section, number: number): readonly string[] {
  const plugin = (name: string) => pluginSetting(all, name) ?? '';
  const nameless = Array.from({ length: number }, (_, at) => at + 1).find(
    (one) => plugin(`imapsieve_mailbox${one}_name`) === '',
  );
  return [
    ...(words(all.settings.get('mail_plugins')).includes('imap_sieve')
      ? []
      : ['protocol imap has no imap_sieve in mail_plugins']),
    ...(words(plugin('sieve_plugins')).includes('sieve_imapsieve') ? [] : ['sieve_plugins lacks sieve_imapsieve']),
    ...(nameless === undefined ? [] : [`rule ${number} is not reached, since there is no rule ${nameless}`]),
    ...(isYes(plugin('imapsieve_expunge_discarded'))
      ? []
      : ["imapsieve_expunge_discarded is not yes: it stays in the delegate's Trash, too"]),
  ];
}
