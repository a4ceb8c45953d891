/** Where a site's mail lies, as its Dovecot says it, and how the shared namespace says the same of an owner's. One reader a version. */
import type { Doveconf } from '../doctor/doveconf.ts';
import type { Section } from '../doctor/doveconf-text.ts';
import { Failure } from '../shared/failure.ts';

export interface Storage {
  /** For people: `maildir:~/Maildir`. */
  readonly shown: string;
  /** Between folders, where no namespace says it. */
  readonly separator: string;
  /** The owner's login in a prefix. */
  readonly owner: string;
  /** Lines of our mandat.conf and what they are here. Fails `config` for what can't be shared. */
  inShared(): Readonly<Record<string, string>>;
}

/** @param inbox the private namespace, which may say it otherwise than the rest */
export function storageOf({ all, syntax }: Doveconf, inbox: Section | undefined): Storage {
  const setting = (name: string) => inbox?.settings.get(name) || (all.settings.get(name) ?? '');
  return syntax.version === '2.3' ? inOneLine(all.settings.get('mail_location') ?? '') : inSettings(setting);
}

const SHAREABLE = /^(maildir|sdbox|mdbox|dbox)$/;

function mustBeShareable(driver: string, said: string): void {
  if (SHAREABLE.test(driver)) return;
  throw new Failure(
    'config',
    `${said} can't be shared`,
    'Maildir, sdbox and mdbox can: the site must move to one of them first',
  );
}

/** 2.3: `mail_location = maildir:~/Maildir`. */
function inOneLine(location: string): Storage {
  return {
    shown: location,
    separator: /^maildir:/.test(location) && !/:LAYOUT=fs/.test(location) ? '.' : '/',
    owner: '%%u',
    inShared: () => ({ 'location = maildir:%%h/Maildir\n': `location = ${ofTheOwner(location)}\n` }),
  };
}

/** `%%` for what is the owner's. */
function ofTheOwner(location: string): string {
  mustBeShareable(/^(\w*):/.exec(location)?.[1] ?? '', `mail_location = ${location}`);
  const unknown = /%(?!L?[hund]|\{L?[hund]\})/.exec(location.replaceAll('%%', ''));
  if (unknown !== null)
    throw new Failure(
      'config',
      `mail_location = ${location} names what only the session's own user has`,
      'write it with %h, %u, %n or %d, or set mandat up by hand',
    );
  return location.replace(/(?<=[:=])~(?=\/|:|$)/g, '%h').replaceAll('%', '%%');
}

/** Where 2.4 keeps the parts of a mailbox; what isn't set lies below mail_path. */
const PATHS = ['mail_path', 'mail_inbox_path', 'mail_index_path', 'mail_control_path', 'mail_alt_path'] as const;

/** 2.4: `mail_driver = maildir`, `mail_path = ~/Maildir`. */
function inSettings(setting: (name: string) => string): Storage {
  const driver = setting('mail_driver');
  const shown = `${driver}:${setting('mail_path')}`;
  return {
    shown,
    // A Maildir is Maildir++ unless somebody said otherwise, of which doveconf tells nothing (dovecot-2.4.ts).
    separator: driver === 'maildir' || setting('mailbox_list_layout') === 'maildir++' ? '.' : '/',
    owner: '$user',
    inShared: () => {
      mustBeShareable(driver, `mail_driver = ${driver}`);
      const paths = PATHS.map((name) => [name, setting(name)] as const).filter(([, value]) => value !== '');
      const lines = [`mail_driver = ${driver}`, ...paths.map(([name, value]) => `${name} = ${withOwner(name, value)}`)];
      return {
        '  mail_driver = maildir\n  mail_path = %{owner_home}/Maildir\n': lines.map((line) => `  ${line}\n`).join(''),
      };
    },
  };
}

/** `%{owner_...}` for what is the owner's: `%{user | domain}` is `%{owner_user | domain}` there. */
function withOwner(name: string, value: string): string {
  const unknown = [...value.matchAll(/%\{\s*([\w:]+)|%(?!\{)/g)].find(([, word = '']) => !/^(home|user)$/.test(word));
  if (unknown !== undefined)
    throw new Failure(
      'config',
      `${name} = ${value} names what only the session's own user has`,
      'write it with %{home} or %{user}, or set mandat up by hand',
    );
  return value.replace(/^~(?=\/|$)/, '%{home}').replace(/%\{\s*(home|user)\b/g, '%{owner_$1');
}
