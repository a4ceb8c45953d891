// docs/reference/files-and-modes.md, from the list of every file and directory of mandat's.

import { code, MADE, page, table } from './markdown.ts';
import {
  BACKUPS,
  DATA,
  IN_POSTGRESQL,
  type Place,
  RUNTIME,
  SERVERS,
  SETTINGS,
  SHARES,
  STANDING_IN,
  TRACE,
} from './words/places.ts';

export function filesPage(): string {
  return page([
    MADE('.ci/manual/words/places.ts'),
    '# Files and modes',
    `${code('DATA')} is ${code('data_dir')} (${code('/var/lib/mandat')}), ${code('RUN')} is ${code('runtime_dir')} (${code('/run/mandat')}), ${code('CONFIG')} is the directory of ${code('mandat.toml')} (${code('/etc/mandat')}), ${code('N')} a number. Owner ${code('mandat')} is whoever runs the sidecar; a root command becomes them. Group ${code('mandat')} at the table is a Unix group of that name, for other programs that write it; elsewhere it is the owner's own.`,
    `${code('mandat init')} makes the directories, the table, the state and the key, whatever the umask; everything else is made by whom it serves when it is needed. What is there keeps its mode. ${code('mandat doctor')} compares ("data directory", "data files", "sender map", "sockets"), and says with which command a wrong one is mended. A link in the place of a file is not followed, and a directory that others may write is refused.`,
    '## data_dir',
    listed(DATA),
    `Files get their name when they are whole: while one is being made, a draft lies beside it (${code('NAME.PID')}, ${code('.NAME.mandat')} for the text file of sender rules).`,
    `With ${code('[trace]')} ([trace.md](../trace.md)), from the first access on:`,
    listed(TRACE),
    `With ${code('database')} ([postgresql.md](../postgresql.md#a-database-that-is-older)), instead of table and state:`,
    listed(IN_POSTGRESQL),
    `With ${code('[shares]')} ([scale.md](../scale.md#a-list-of-shares-that-doesnt-grow)):`,
    listed(SHARES),
    `With ${code('mandat backup')} and ${code('mandat restore')} ([backup.md](../backup.md)):`,
    listed(BACKUPS),
    '## runtime_dir',
    `Where ${code('[submission]')} and the socketmap are configured. No file is kept here; a socket is made as ${code('NAME.sock~')} first.`,
    listed(RUNTIME),
    `While ${code('mandat stand-in')} waits:`,
    listed(STANDING_IN),
    '## Configuration',
    `As ${code('mandat setup')} writes them. A secret may belong to whoever runs mandat, and be read by them and root alone.`,
    listed(SETTINGS),
    '## At Dovecot, Postfix and systemd',
    `What ${code('mandat setup')} writes there.`,
    listed(SERVERS),
  ]);
}

function listed(places: readonly Place[]): string {
  return table(
    ['path', 'owner:group', 'mode', 'what is in it', 'who else', 'backup'],
    places.map(({ path, kind, owner, group, mode, holds, others, backup }) => [
      code(`${path}${kind === 'directory' ? '/' : ''}`),
      `${owner}:${group}`,
      mode,
      kind === 'file' || kind === 'directory' ? holds : `${kind}: ${holds}`,
      others,
      backup,
    ]),
  );
}
