/** What each person really can do, through raw sessions of their own: mandat's own eyes aren't used to judge it. */
import { quoted, type RawImap } from '../../../config/lab/raw-imap.ts';
import type { RawSmtp } from '../../../config/lab/raw-smtp.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import type { Site } from '../../servers/site.ts';
import { askSender, senderAnswer, submissionAs } from '../../servers/submission.ts';
import { list, sorted, words } from '../../servers/wire.ts';
import type { Group } from './group.ts';
import type { Entries } from './history.ts';
import { ACCOUNTS, type Account, ADDRESSES, type Address, PEOPLE, type Person } from './people.ts';
import { asPerson } from './world.ts';

/** A person at somebody else's account. */
export interface Sight {
  /** Folders by the owner's names, with the person's own MYRIGHTS. */
  readonly rights: Readonly<Record<string, string>>;
  /** SELECT of the INBOX, and FETCH of its first message. */
  readonly reads: boolean;
  /** APPEND to the INBOX. */
  readonly writes: boolean;
}

export interface OwnSight {
  readonly folders: readonly string[];
  readonly entries: Entries;
  /** The owner's MYRIGHTS on each folder. */
  readonly rights: Readonly<Record<string, string>>;
}

export interface Seen {
  readonly own: Readonly<Record<Account, OwnSight>>;
  /** By person, by account. */
  readonly others: Readonly<Record<string, Readonly<Partial<Record<Account, Sight>>>>>;
  /** By person: addresses that Postfix takes. */
  readonly senders: Readonly<Record<string, readonly Address[]>>;
}

export async function lookAround(site: Site, group: Group): Promise<Seen> {
  const [people, senders] = await Promise.all([
    Promise.all(
      PEOPLE.map((name) =>
        asPerson(
          site,
          name,
          async (imap) => {
            const own = isAccount(name) ? await ownSight(imap, name, group) : undefined;
            const others: Partial<Record<Account, Sight>> = {};
            for (const account of ACCOUNTS)
              if (account !== name) others[account] = await sight(imap, group.at(account));
            return [name, { own, others }] as const;
          },
          group,
        ),
      ),
    ),
    Promise.all(PEOPLE.map(async (name) => [name, await addressesOf(site, name, group)] as const)),
  ]);
  return {
    own: Object.fromEntries(people.flatMap(([name, { own }]) => (own ? [[name, own]] : []))) as Seen['own'],
    others: Object.fromEntries(people.map(([name, { others }]) => [name, others])),
    senders: Object.fromEntries(senders),
  };
}

const isAccount = (name: Person): name is Account & Person => (ACCOUNTS as readonly string[]).includes(name);

export async function ownSight(imap: RawImap, account: Account, { at }: Group): Promise<OwnSight> {
  const folders = (await list(imap, '*')).filter((name) => !name.startsWith('shared/'));
  const answers = await Promise.all(
    folders.map(async (folder) => {
      const [acl, mine] = await Promise.all([
        imap.send(`GETACL ${quoted(folder)}`),
        imap.send(`MYRIGHTS ${quoted(folder)}`),
      ]);
      const [, , , ...pairs] = words(acl.lines.find((line) => line.startsWith('* ACL')) ?? '');
      const there: Record<string, string> = {};
      for (let i = 0; i + 1 < pairs.length; i += 2) there[pairs[i] ?? ''] = sorted(pairs[i + 1] ?? '');
      delete there[at(account)];
      delete there.owner;
      return { folder, there, rights: rightsIn(mine.lines) };
    }),
  );
  return {
    folders,
    entries: Object.fromEntries(answers.map(({ folder, there }) => [folder, there])),
    rights: Object.fromEntries(answers.map(({ folder, rights }) => [folder, rights])),
  };
}

async function sight(imap: RawImap, owner: string): Promise<Sight> {
  const root = `shared/${owner}`;
  const [inbox, below, selected, appended] = await Promise.all([
    list(imap, root),
    list(imap, `${root}/*`),
    imap.send(`EXAMINE ${quoted(root)}`),
    imap.append(root, 'Subject: probe\r\n\r\nprobe\r\n', '\\Deleted'),
  ]);
  const names = [...inbox, ...below];
  const [rights, fetched] = await Promise.all([
    Promise.all(
      names.map(async (name) => {
        const { lines } = await imap.send(`MYRIGHTS ${quoted(name)}`);
        return [name === root ? 'INBOX' : name.slice(root.length + 1), rightsIn(lines)] as const;
      }),
    ),
    selected.status === 'OK' ? imap.send('FETCH 1 (BODY.PEEK[])') : undefined,
  ]);
  if (appended.status === 'OK') {
    await imap.command(`SELECT ${quoted(root)}`);
    await imap.command('EXPUNGE');
  }
  if (selected.status === 'OK') await imap.command('UNSELECT');
  return {
    rights: Object.fromEntries(rights),
    reads: fetched?.lines.some((line) => /FETCH/.test(line)) ?? false,
    writes: appended.status === 'OK',
  };
}

function rightsIn(lines: readonly string[]): string {
  return sorted(lines.map(words).find(([, kind]) => kind === 'MYRIGHTS')?.[3] ?? '');
}

/** For a filter that is started anew on a machine that is busy with other things. */
const ANSWER_MS = 150_000;

async function addressesOf(site: Site, name: Person, { named, at }: Group): Promise<readonly Address[]> {
  const session: RawSmtp = await submissionAs(site, named(name));
  try {
    const taken: Address[] = [];
    for (const address of ADDRESSES) {
      // The filter may just be starting anew.
      const { code, text } = await waitFor('an answer of the submission service', ANSWER_MS, async () => {
        const answer = await askSender(session, at(address), 'patient@elsewhere.test');
        return answer.code !== 451 && answer;
      });
      if (code === 250) taken.push(address);
      else if (code !== 553) throw new Error(`MAIL FROM ${address} by ${name}: ${code} ${text}`);
    }
    return taken;
  } finally {
    session.close();
  }
}

/** Whether Postfix refuses somebody an address. */
export async function refuses(site: Site, name: Person, address: Address, { named, at }: Group): Promise<boolean> {
  return (await senderAnswer(site, named(name), at(address))).code === 553;
}
