/** The log of Dovecot's events: is it there, may whoever runs the sidecar read it and find what a rotation makes of it, and who else may write to it? */
import { type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { asRoot } from '../shared/unix-user.ts';
import { dataOwner } from '../store/files/directories.ts';
import { type Check, type Finding, fail, ok, skipped, warn } from './finding.ts';
import { barrier, may, modeOf, ownersOf, type User, userNamed } from './permissions.ts';

export const eventsLog: Check = {
  name: 'log of events',
  needs: [],
  look: ({ config: { events }, files }) => {
    if (events === undefined) return skipped('[events] is not configured');
    const { log } = events;
    if (log === undefined) return skipped('events come over HTTP: [events] log is not configured');
    const uid = dataOwner(files)?.uid;
    const user = uid === undefined ? undefined : userNamed(uid);
    const directory = dirname(resolve(log));
    const closed = user === undefined ? undefined : closedTo(user, log, directory);
    if (closed !== undefined) return closed;
    const stat = asRoot(() => statSync(log, { throwIfNoEntry: false }));
    if (stat === undefined)
      return fail(
        `${log} is not there: nothing is read from it`,
        `install -m 640 -g ${user?.name ?? 'mandat'} /dev/null ${log}, owned by whoever writes it (docs/trace.md, "From a log"); then "doveadm reload"`,
      );
    if (!stat.isFile()) return fail(`${log} is not a file`, 'check [events] log');
    if (user !== undefined && !may(user, stat, 'read'))
      return fail(
        `${log} can't be read by ${user.name}, whose data directory it is (mode ${modeOf(stat)}, ${ownersOf(stat)})`,
        `chgrp ${user.name} ${log} && chmod 640 ${log}, and the same in its rotation ("create", config/logrotate/dovecot-events)`,
      );
    return unsafe(log, stat) ?? ok(`${log}, mode ${modeOf(stat)}, ${ownersOf(stat)}, ${written(stat)}`);
  },
};

/** What a rotation has made of the log is found by what stands in its directory, so that has to be listed. */
function closedTo(user: User, log: string, directory: string): Finding | undefined {
  const at = barrier(user, log);
  if (at !== undefined)
    return fail(`${user.name} can't pass through ${at} to ${log}`, `let them through: chmod o+x ${at}`);
  const stat = asRoot(() => statSync(directory, { throwIfNoEntry: false }));
  if (stat === undefined || may(user, stat, 'read')) return undefined;
  return fail(
    `${user.name} can't list ${directory} (mode ${modeOf(stat)}, ${ownersOf(stat)}): what a rotation has made of ${log} would not be found`,
    `chmod o+r ${directory}, or give the log a directory of its own`,
  );
}

/** Whoever writes there can say of anybody what they did. */
function unsafe(log: string, stat: Stats): Finding | undefined {
  if ((stat.mode & 0o022) === 0) return undefined;
  return warn(
    `${log} may be written by others than its owner (mode ${modeOf(stat)}): they could put accesses into the trace that never were`,
    `chmod 640 ${log}`,
  );
}

const written = ({ size, mtime }: Stats) =>
  size === 0 ? 'nothing written yet' : `last written ${mtime.toISOString().replace(/\.\d+Z$/, 'Z')}`;
