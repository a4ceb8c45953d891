/** A private Cyrus with mandat set up on it, and what its users see there, asked over raw IMAP. */
import { type CyrusLab, type CyrusOptions, startCyrus } from '../../config/lab/cyrus.ts';
import { quoted } from '../../config/lab/raw-imap.ts';
import { password, type Site, siteOn } from './site.ts';
import { list, sorted, withLogin, words } from './wire.ts';

export type CyrusSite = Site<CyrusLab> & CyrusNames;

export interface CyrusNames {
  /** An owner's own name of a folder. */
  own(...folder: readonly string[]): string;
  /** What a delegate sees of somebody's: the INBOX, or a folder. */
  shared(owner: string, ...folder: readonly string[]): string;
}

export interface CyrusSiteOptions extends Partial<Omit<CyrusOptions, 'users'>> {
  readonly users: readonly string[];
  readonly extraImap?: string;
  /** Default: there, with config/cyrus/mandat-end-sessions. */
  readonly sessions?: boolean;
}

export async function startCyrusSite({
  users,
  extraImap = '',
  sessions = true,
  ...options
}: CyrusSiteOptions): Promise<CyrusSite> {
  const domain = options.virtualDomains === true ? '@ex.test' : '';
  const loginOf = (name: string) => `${name}${domain}`;
  const lab = await startCyrus({
    ...options,
    users: users.map((name) => ({ login: loginOf(name), password: password(name) })),
  });
  const dots = options.namespace === 'dots';
  const delimiter = dots ? '.' : '/';
  const sharedPrefix = dots ? 'user.' : 'Other Users/';
  const toml = sessions ? sessionsOf(lab) : '';
  const site = await siteOn(lab, { sharedPrefix, imap: extraImap, toml, loginOf });
  return {
    ...site,
    own: (...folder) => [...(dots ? ['INBOX'] : []), ...folder].join(delimiter) || 'INBOX',
    shared: (owner, ...folder) => [`${sharedPrefix}${owner}`, ...folder].join(delimiter),
  };
}

function sessionsOf({ sessions: { end, list } }: CyrusLab): string {
  return `[sessions]\nkind = "command"\nend_command = ${JSON.stringify(end)}\nlist_command = ${JSON.stringify(list)}\n`;
}

/** What a fresh session of the delegate lists of others' folders, with their own MYRIGHTS. */
export async function seen(site: CyrusSite, delegate: string): Promise<Record<string, string>> {
  return withLogin(site, delegate, async (imap) => {
    const names = (await list(imap, '*')).filter((name) => name.startsWith(site.sharedPrefix));
    const rights = names.map(async (name) => {
      const { lines } = await imap.command(`MYRIGHTS ${quoted(name)}`);
      return [name, sorted(lines.map(words).find(([, kind]) => kind === 'MYRIGHTS')?.[3] ?? '')] as const;
    });
    return Object.fromEntries(await Promise.all(rights));
  });
}

/** Everything but the owner's entry, in each of their folders that has more, as GETACL says it. */
export async function acls(site: CyrusSite, owner: string): Promise<Record<string, Record<string, string>>> {
  return withLogin(site, owner, async (imap) => {
    const found: Record<string, Record<string, string>> = {};
    for (const folder of (await list(imap, '*')).filter((name) => !name.startsWith(site.sharedPrefix))) {
      const { lines } = await imap.command(`GETACL ${quoted(folder)}`);
      const [, , , ...pairs] = words(lines.find((line) => line.startsWith('* ACL')) ?? '');
      const there: Record<string, string> = {};
      for (let at = 0; at + 1 < pairs.length; at += 2) there[pairs[at] ?? ''] = pairs[at + 1] ?? '';
      delete there[site.loginOf(owner)];
      if (Object.keys(there).length > 0) found[folder] = there;
    }
    return found;
  });
}

/** LSUB, of others' folders: Cyrus shows what is dead, too. */
export async function subscriptions(site: CyrusSite, delegate: string): Promise<readonly string[]> {
  return withLogin(site, delegate, async (imap) => {
    const { lines } = await imap.command('LSUB "" "*"');
    const found = lines.map(words).filter(([, kind]) => kind === 'LSUB');
    return found
      .map((one) => one[4] ?? '')
      .filter((name) => name.startsWith(site.sharedPrefix))
      .sort();
  });
}
