/**
 * Private namespaces beside the one with INBOX: an archive's and a virtual one. What the site shares of them is mapped, whichever of its shared
 * namespaces the server names first; what it doesn't share is left out, and said so once.
 */
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { quoted } from '../../../config/lab/raw-imap.ts';
import { systemUser } from '../../../config/lab/system-ids.ts';
import { at, type Site } from '../site.ts';
import { does, list, sorted, withLogin, words } from '../wire.ts';
import { tell } from './story.ts';

const ARCHIVES = `namespace archives {
  prefix = Archives/
  separator = /
  location = maildir:~/Archives
}
`;
const VIRTUAL = `mail_plugins = $mail_plugins virtual
protocol imap {
  mail_plugins = $mail_plugins virtual
}
namespace virtual {
  prefix = virtual/
  separator = /
  location = virtual:~/virtual
}
`;
const shared = (prefix: string) => `namespace sharedarchives {
  type = shared
  prefix = ${prefix}
  separator = /
  location = maildir:%%h/Archives
  list = children
  subscriptions = no
}
`;

/** A folder that shows what lies in others. */
function virtualFolder(site: Site): void {
  const { uid, gid } = systemUser('mail');
  const home = path.join(site.lab.directory, 'mail', at('alice'));
  for (const directory of ['virtual', 'virtual/all']) {
    mkdirSync(path.join(home, directory), { recursive: true });
    chownSync(path.join(home, directory), uid, gid);
  }
  writeFileSync(path.join(home, 'virtual/all/dovecot-virtual'), 'Work\nPlain name\n  all\n');
}

const before = async (site: Site) => {
  virtualFolder(site);
  await does(site, 'alice', 'CREATE Archives/2023', 'CREATE Archives/2023/jan', 'CREATE "Archives/Plain name"');
};

const entriesIn = (site: Site, folder: string) =>
  withLogin(site, 'alice', async (alice) => (await alice.command(`GETACL ${quoted(folder)}`)).lines.join());

await Promise.all([
  tell({
    site: { extraDovecot: ARCHIVES + VIRTUAL },
    before,
    granted: async (t, site) => {
      for (const folder of ['Archives/2023', 'virtual/all'])
        t.notMatch(await entriesIn(site, folder), at('bob'), `no entry in ${folder}`);
      const notices = JSON.parse((await site.mandat('status', '--json')).stdout).notices as { message: string }[];
      t.match(
        notices.map(({ message }) => message).toSorted(),
        [
          /^1 folder in the private namespace virtual\/ can't be reached/,
          /^3 folders in the private namespace Archives\//,
        ],
        'status: each once',
      );
      const { stdout } = await site.mandat('explain', at('alice'));
      t.match(stdout, /3 folders in the private namespace Archives\/ can't be reached by delegates.*: left out/);
    },
  }),
  ...['shared-archives/%%u/', 'arch/%%u/'].map((prefix) =>
    tell({
      site: { extraDovecot: ARCHIVES + VIRTUAL + shared(prefix) },
      before,
      apart: ['Archives/2023', 'Archives/2023/jan', 'Archives/Plain name'],
      granted: async (t, site) => {
        const root = prefix.replace('%%u', at('alice'));
        await withLogin(site, 'bob', async (bob) => {
          const names = ['2023', '2023/jan', 'Plain name'].map((name) => `${root}${name}`);
          t.same(await list(bob, `${root}*`), names, 'what is shared of the archive is listed');
          for (const name of names) {
            const { lines } = await bob.command(`MYRIGHTS ${quoted(name)}`);
            t.equal(sorted(lines.map(words)[0]?.[3] ?? ''), sorted('lrswipkxte'));
            t.equal((await bob.command(`SELECT ${quoted(name)}`)).status, 'OK', name);
          }
          const { lines } = await bob.command(`LSUB "" ${quoted(`${root}*`)}`);
          t.equal(lines.length, names.length, 'and subscribed to');
        });
        t.notMatch(await entriesIn(site, 'virtual/all'), at('bob'), 'no entry in what is not');
      },
      revoked: async (t, site) => {
        for (const folder of ['Archives/2023', 'Archives/2023/jan', 'Archives/Plain name', 'virtual/all'])
          t.notMatch(await entriesIn(site, folder), at('bob'), `no entry is left in ${folder}`);
      },
    }),
  ),
]);
