/** What owners and delegates see, asked over raw IMAP, so that mandat's own eyes are not used to judge it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { folderName } from '../../bridge/imap/folder-name.ts';
import { quoted, type RawImap } from '../../config/lab/raw-imap.ts';
import { at, type Ground, type Site } from './site.ts';

/** By folder name as on the wire, by identifier: rights, sorted by letter as {@link sorted} does. */
export type Entries = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What a delegate gets by default, with the virtual letters that Dovecot adds. */
export const FULL = sorted('lrswipkxte');
export const SPECIAL = sorted('lrswipkte');
export const SPECIALS: readonly string[] = ['Drafts', 'Junk', 'Sent', 'Trash'];

/** Rights as a set of letters: alphabetical, without the virtual `c` and `d` (RFC 4314 section 2.1.1). */
export function sorted(rights: string): string {
  return [...rights]
    .filter((letter) => !'cd'.includes(letter))
    .sort()
    .join('');
}

/** A delegate's name of an owner's folder. */
export function sharedName(owner: string, folder: string, prefix = 'shared/'): string {
  return folder === 'INBOX' ? `${prefix}${at(owner)}` : `${prefix}${at(owner)}/${folder}`;
}

/** The words of a response: atoms, quoted strings unquoted, literals, lists in their parentheses. */
export function words(line: string): string[] {
  const found: string[] = [];
  let rest = line;
  while (rest !== '') {
    const literal = /^\{(\d+)\}\r\n/.exec(rest);
    const word = literal ??
      /^"((?:[^"\\]|\\.)*)"/s.exec(rest) ??
      /^\([^)]*\)/.exec(rest) ??
      /^[^\s("]+/.exec(rest) ?? [rest];
    if (literal) {
      const end = literal[0].length + Number(literal[1]);
      found.push(rest.slice(literal[0].length, end));
      rest = rest.slice(end).trimStart();
    } else {
      found.push(rest.startsWith('"') ? (word[1] ?? '').replace(/\\(.)/g, '$1') : word[0]);
      rest = rest.slice(word[0].length).trimStart();
    }
  }
  return found;
}

/** Folders by the pattern, selectable ones only. */
export async function list(imap: RawImap, pattern: string): Promise<string[]> {
  const { lines } = await imap.command(`LIST "" ${quoted(pattern)}`);
  return lines
    .map(words)
    .filter(([, kind, flags]) => kind === 'LIST' && !/\\(NoSelect|NonExistent)/i.test(flags ?? ''))
    .map((found) => found[4] ?? '')
    .sort();
}

export async function withLogin<T>(site: Site<Ground>, name: string, work: (imap: RawImap) => Promise<T>): Promise<T> {
  const imap = await site.login(name);
  try {
    return await work(imap);
  } finally {
    imap.close();
  }
}

/** Every explicit entry in the owner's own tree, but for the owner's. */
export async function entries(site: Site, owner: string): Promise<Entries> {
  return withLogin(site, owner, async (imap) => {
    const folders = (await list(imap, '*')).filter((name) => !name.startsWith('shared/'));
    const all = await Promise.all(folders.map(async (folder) => [folder, await acl(imap, folder)] as const));
    const others = ([identifier]: readonly [string, string]) => identifier !== at(owner) && identifier !== 'owner';
    return Object.fromEntries(
      all.map(([folder, there]) => [folder, Object.fromEntries(Object.entries(there).filter(others))]),
    );
  });
}

export async function acl(imap: RawImap, folder: string): Promise<Record<string, string>> {
  const { status, text, lines } = await imap.command(`GETACL ${quoted(folder)}`);
  if (status !== 'OK') throw new Error(`GETACL ${folder}: ${text}`);
  const [, , , ...pairs] = words(lines.find((line) => line.startsWith('* ACL')) ?? '');
  const there: Record<string, string> = {};
  for (let at = 0; at + 1 < pairs.length; at += 2) there[pairs[at] ?? ''] = sorted(pairs[at + 1] ?? '');
  return there;
}

/** One person's entry in each folder of the owner's that has one. */
export async function entriesOf(site: Site, owner: string, delegate: string): Promise<Record<string, string>> {
  const all = Object.entries(await entries(site, owner));
  return Object.fromEntries(
    all.flatMap(([folder, there]) => {
      const entry = there[at(delegate)];
      return entry === undefined ? [] : [[folder, entry]];
    }),
  );
}

/** What a fresh session of the delegate lists of the owner's tree, with their own MYRIGHTS; by the owner's names. */
export async function seen(site: Site, owner: string, delegate: string): Promise<Record<string, string>> {
  return withLogin(site, delegate, async (imap) => {
    const root = sharedName(owner, 'INBOX', folderName(site.sharedPrefix));
    const names = [...(await list(imap, root)), ...(await list(imap, `${root}/*`))];
    const rights = await Promise.all(
      names.map(async (name) => {
        const { lines } = await imap.command(`MYRIGHTS ${quoted(name)}`);
        const found = lines.map(words).find(([, kind]) => kind === 'MYRIGHTS');
        return [name === root ? 'INBOX' : name.slice(root.length + 1), sorted(found?.[3] ?? '')] as const;
      }),
    );
    return Object.fromEntries(rights);
  });
}

/** What a delegate should see: full rights on these folders and INBOX, no `x` on the special ones. */
export function granted(...folders: readonly string[]): Record<string, string> {
  return Object.fromEntries([
    ...['INBOX', ...folders].map((folder) => [folder, FULL]),
    ...SPECIALS.map((folder) => [folder, SPECIAL]),
  ]);
}

/**
 * The delegate's subscriptions in the owner's tree, by the owner's names, from the file in which Dovecot keeps them: asked over
 * IMAP it hides those that lead nowhere, and shows them again at the next grant.
 */
export function subscribed(site: Site, owner: string, delegate: string): string[] {
  const home = path.join(site.lab.directory, 'mail', at(delegate));
  const file = ['Maildir', 'sdbox']
    .map((kind) => path.join(home, kind, 'subscriptions'))
    .find((one) => existsSync(one));
  const lines = file === undefined ? [] : readFileSync(file, 'utf8').split('\n').slice(2);
  // A tab stands where the storage has its separator: a slash, or in Maildir++ a dot.
  const plain = (name: string) => name.replace(/[\t.]/g, '/');
  // The namespace's prefix stands there as it is configured, the rest as on the wire.
  const root = `${plain(sharedName(owner, 'INBOX', site.sharedPrefix))}/`;
  return lines
    .map(plain)
    .filter((name) => name.startsWith(root))
    .map((name) => name.slice(root.length))
    .sort();
}

/** Every file in which Dovecot keeps ACLs, shares and subscriptions: text and time of the last change. */
export function serverFiles(site: Site): Record<string, string> {
  const found: Record<string, string> = {};
  for (const below of ['mail', 'dovecot/shared']) {
    const top = path.join(site.lab.directory, below);
    for (const name of readdirSync(top, { recursive: true, encoding: 'utf8' })) {
      if (!/(^|\/)(dovecot-acl|subscriptions|shared-mailboxes\.db)$/.test(name)) continue;
      const file = path.join(top, name);
      found[path.join(below, name)] = `${statSync(file).mtimeMs}\n${readFileSync(file, 'utf8')}`;
    }
  }
  return found;
}

/** One command that must succeed, as a user. */
export async function does(site: Site<Ground>, name: string, ...lines: readonly string[]): Promise<void> {
  await withLogin(site, name, async (imap) => {
    for (const line of lines) {
      const { status, text } = await imap.command(line);
      if (status !== 'OK') throw new Error(`${name}: ${line}: ${status} ${text}`);
    }
  });
}
