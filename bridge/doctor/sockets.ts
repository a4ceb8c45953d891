/** The sockets that Postfix connects to: whoever may write their directory puts their own there, and is given the mail. */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { publishesAs } from '../sender/configured-outputs.ts';
import { refuseSharedDirectory } from '../shared/unix-socket.ts';
import { dataOwner } from '../store/files/directories.ts';
import { doorAt } from '../submission/listening-place.ts';
import type { Subject } from './examined-site.ts';
import { dataDirectory, POSTFIX } from './files.ts';
import { type Check, type Finding, fail, ok, skipped, worst } from './finding.ts';
import { barrier, modeOf, ownersOf, userNamed } from './permissions.ts';

export const sockets: Check = {
  name: 'sockets',
  needs: [dataDirectory],
  look: (subject) => {
    const places = [...new Set(socketsOf(subject).map((path) => dirname(path)))];
    return worst(places.map((place) => judge(subject, place))) ?? skipped('nobody connects to a socket of ours');
  },
};

/** Absolute paths. */
function socketsOf({ config }: Subject): readonly string[] {
  const { submission, senderRules } = config;
  const doors =
    submission === undefined
      ? []
      : [submission.listen, ...(submission.sentCopy === 'owner' ? [submission.copyListen] : [])];
  return [
    ...doors.map((listen) => doorAt(listen, config)).flatMap((door) => (door.kind === 'socket' ? [door.path] : [])),
    ...(senderRules !== undefined && publishesAs(config, 'socketmap') ? [senderRules.socketmapPath] : []),
  ];
}

function judge({ config, files }: Subject, directory: string): Finding {
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (stat === undefined)
    return fail(
      `${directory} is not there`,
      `"mandat init" or "mandat run" makes it (as root, where it is below /run)`,
    );
  refuseSharedDirectory(`${directory}/...`, 'runtime_dir in the configuration', dataOwner(files)?.uid);
  const user = userNamed(POSTFIX);
  const closed = user === undefined ? undefined : barrier(user, `${directory}/socket`);
  if (closed !== undefined)
    return fail(`user ${POSTFIX} can't pass through ${closed} to the sockets`, `chmod o+x ${closed}`);
  const apart = directory === config.runtimeDir ? '' : ' (another place than runtime_dir)';
  return ok(
    `${directory}${apart}, mode ${modeOf(stat)}, ${ownersOf(stat)}: only mandat writes there, Postfix passes through`,
  );
}
