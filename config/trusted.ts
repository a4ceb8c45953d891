/**
 * Whether nobody but root and the caller could change what is read at a path: the configuration names commands that are run, and where
 * secrets go.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import type { Mistake } from './mistake.ts';

/** As the kernel, which gives up there. */
const MOST_LINKS = 40;

/**
 * What is wrong with the first place on the way to an absolute path (directories, links, the file itself) that somebody else than root and
 * the user may write, or undefined. A directory whose sticky bit is set (/tmp) lets others only add, so what is in it counts. Fails where something isn't there.
 */
export function othersMayChange(path: string, uid = process.geteuid?.() ?? 0): Mistake | undefined {
  let left = partsOf(resolve(path));
  let here: string = sep;
  for (let links = 0; ; ) {
    const stat = lstatSync(here);
    const wrong = judge(here, stat, uid);
    if (wrong !== undefined) return wrong;
    if (stat.isSymbolicLink()) {
      if (++links > MOST_LINKS)
        return { path: '', message: `${path} leads through too many links`, remedy: 'name the file' };
      const target = readlinkSync(here);
      left = [...partsOf(target), ...left];
      here = target.startsWith(sep) ? sep : dirname(here);
      continue;
    }
    const [next, ...rest] = left;
    if (next === undefined) return undefined;
    left = rest;
    here = next === '..' ? dirname(here) : join(here, next); // of where a link has led, which the text of its path doesn't know
  }
}

const partsOf = (path: string) => path.split(sep).filter((part) => part !== '' && part !== '.');

function judge(path: string, stat: Stats, uid: number): Mistake | undefined {
  const mine = uid === 0 ? 'root' : `root and user ${uid}`;
  const refused = (why: string, remedy: string): Mistake => ({
    path: '',
    message: `${path} ${why}: it must be in the hands of ${mine} alone`,
    remedy,
  });
  if (stat.uid !== 0 && stat.uid !== uid) {
    return refused(`belongs to user ${stat.uid}`, `chown root ${path}, or keep the configuration in /etc/mandat`);
  }
  if (stat.isSymbolicLink() || (stat.mode & 0o022) === 0) return undefined;
  if (stat.isDirectory() && (stat.mode & 0o1000) !== 0) return undefined;
  const who = (stat.mode & 0o002) !== 0 ? 'everybody on this machine' : `group ${stat.gid}`;
  const mode = (stat.mode & 0o7777).toString(8);
  return refused(
    `may be written by ${who} (mode ${mode})`,
    `chmod go-w ${path}, or keep the configuration in /etc/mandat`,
  );
}
