/** The configuration's own file, the secrets, and the files below data_dir: are they there, and whose are they? */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  DOVEADM_API_KEY,
  EVENTS_PASSWORD,
  IMAP_ADMIN_PASSWORD,
  readSecret,
  type SecretName,
  SMTP_PASSWORD,
} from '../../config/secret.ts';
import { doveadm, impersonation } from '../configured/drivers.ts';
import { stateIsThere } from '../configured/stores.ts';
import { DELEGATIONS, groupId, STATE, SUBMISSIONS } from '../store/databases.ts';
import { type DataFiles, SHARED_GROUP } from '../store/files/data-files.ts';
import { dataOwner, refuseUnsafePlaces } from '../store/files/directories.ts';
import { refuseOldPlaces } from '../store/files/old-layout.ts';
import { monthFiles, TRACE, traceDirectory } from '../trace/trace-files.ts';
import { traceHeadFile } from '../trace/trace-head.ts';
import type { Subject } from './examined-site.ts';
import { type Check, type Finding, fail, ok, skipped } from './finding.ts';
import { barrier, may, modeOf, ownersOf, type User, userNamed } from './permissions.ts';

export const configuration: Check = {
  name: 'configuration',
  needs: [],
  look: ({ config: { file } }) => ok(file), // what others may change has been refused when it was read
};

export const imapPassword: Check = {
  name: 'IMAP password',
  needs: [],
  look: (subject) =>
    secret(subject, IMAP_ADMIN_PASSWORD, subject.config.imap.adminPasswordFile, () =>
      impersonation(subject.config, subject.env),
    ),
};

export const doveadmKey: Check = {
  name: 'doveadm key',
  needs: [],
  look: (subject) => {
    const { sessions } = subject.config;
    if (sessions === undefined) return skipped('[sessions] is not configured');
    if (sessions.kind === 'command') return skipped('sessions are ended by commands');
    return secret(subject, DOVEADM_API_KEY, sessions.apiKeyFile, () => doveadm(subject.config, subject.env));
  },
};

export const eventsPassword: Check = {
  name: 'events password',
  needs: [],
  look: (subject) => {
    const { events } = subject.config;
    if (events === undefined) return skipped('[events] is not configured');
    if (events.listen === 'off') return skipped('events are read from a log alone');
    return secret(subject, EVENTS_PASSWORD, events.passwordFile, () =>
      readSecret({ ...EVENTS_PASSWORD, file: events.passwordFile, env: subject.env }),
    );
  },
};

export const smtpPassword: Check = {
  name: 'SMTP password',
  needs: [],
  look: (subject) => {
    const { notices } = subject.config;
    if (notices === undefined) return skipped('[notices] is not configured');
    if (notices.user === undefined) return ok('none: nobody logs in to send notices');
    return secret(subject, SMTP_PASSWORD, notices.passwordFile, () =>
      readSecret({ ...SMTP_PASSWORD, file: notices.passwordFile, env: subject.env }),
    );
  },
};

/** Reading it is the check: the loader refuses what others may read. What root can read, the sidecar's user may not. */
function secret({ files, env }: Subject, { envName }: SecretName, file: string, read: () => unknown): Finding {
  read();
  if (env[envName] !== undefined) return ok(`from $${envName}`);
  const stat = statSync(file);
  const user = sidecarUser(files);
  if (user !== undefined && !(barrier(user, file) === undefined && may(user, stat, 'read'))) {
    return fail(
      `${file} can't be read by ${user.name}, whose data directory it is (mode ${modeOf(stat)}, ${ownersOf(stat)})`,
      `chown ${user.name} ${file}, and let them through to it`,
    );
  }
  return ok(`${file}, mode ${modeOf(stat)}, ${ownersOf(stat)}`);
}

/** Whom the data belongs to is who runs the sidecar. */
function sidecarUser(files: DataFiles): User | undefined {
  const owner = dataOwner(files);
  return owner === undefined ? undefined : userNamed(owner.uid);
}

export const dataDirectory: Check = {
  name: 'data directory',
  needs: [],
  look: ({ config, files }) => {
    const { directory, senderDirectory } = files;
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat === undefined) return fail(`${directory} is not there`, 'run "mandat init", or check data_dir');
    if (!stat.isDirectory()) return fail(`${directory} is not a directory`, 'check data_dir');
    refuseOldPlaces(files);
    refuseUnsafePlaces(files);
    const postfix = config.senderRules === undefined ? undefined : userNamed(POSTFIX);
    const closed = postfix === undefined ? undefined : barrier(postfix, senderDirectory);
    if (closed !== undefined) {
      return fail(
        `Postfix (user ${POSTFIX}) can't pass through ${closed} to the sender map: every lookup would stop smtpd`,
        `chmod o+x ${closed}`,
      );
    }
    return ok(`${directory}, mode ${modeOf(stat)}, ${ownersOf(stat)}`);
  },
};

/** mail_owner of every packaged Postfix. */
export const POSTFIX = 'postfix';

/** Each file that there is, with the -wal and -shm that SQLite puts beside a database. */
export const dataModes: Check = {
  name: 'data files',
  needs: [dataDirectory],
  look: ({ files }) => {
    const uid = dataOwner(files)?.uid;
    const gid = groupId(SHARED_GROUP);
    const wanted = [
      { file: files.tableDirectory, mode: gid === undefined ? 0o700 : 0o2770, gid, anyOwner: false },
      { file: files.privateDirectory, mode: 0o700, gid: undefined, anyOwner: false },
      ...withJournal(files.delegations).map((file) => ({ file, mode: DELEGATIONS.mode, gid, anyOwner: true })),
      ...withJournal(files.state).map((file) => ({ file, mode: STATE.mode, gid: undefined, anyOwner: false })),
      ...withJournal(files.submissions).map((file) => ({
        file,
        mode: SUBMISSIONS.mode,
        gid: undefined,
        anyOwner: false,
      })),
      { file: traceDirectory(files), mode: 0o700, gid: undefined, anyOwner: false },
      ...monthFiles(traceDirectory(files))
        .flatMap((name) => withJournal(join(traceDirectory(files), name)))
        .map((file) => ({ file, mode: TRACE.mode, gid: undefined, anyOwner: false })),
      ...[files.sealKey, traceHeadFile(files), files.lock].map((file) => ({
        file,
        mode: 0o600,
        gid: undefined,
        anyOwner: false,
      })),
    ];
    const wrong: string[] = [];
    const mend = new Map<string, string[]>(); // files by command
    for (const one of wanted) {
      const stat = statSync(one.file, { throwIfNoEntry: false });
      if (stat === undefined) continue;
      const object = (what: string, command: string) => {
        wrong.push(`${one.file} has ${what}`);
        mend.set(command, [...(mend.get(command) ?? []), one.file]);
      };
      const [owner, group] = ownersOf(stat).split(':');
      // Programs of the shared group make the journals of the table as themselves.
      const anybodys = one.anyOwner && /-(wal|shm)$/.test(one.file);
      if ((stat.mode & 0o7777) !== one.mode) object(`mode ${modeOf(stat)}`, `chmod ${one.mode.toString(8)}`);
      if (stat.uid !== uid && !anybodys) object(`owner ${owner}`, `chown --reference=${files.directory}`);
      if (one.gid !== undefined && stat.gid !== one.gid) object(`group ${group}`, `chgrp ${SHARED_GROUP}`);
    }
    if (wrong.length > 0) {
      return fail(wrong.join('; '), [...mend].map(([command, all]) => [command, ...all].join(' ')).join('; '));
    }
    return ok('owners and modes are as init made them');
  },
};

const withJournal = (file: string) => [file, `${file}-wal`, `${file}-shm`];

/** Without it the trail sealed so far can't be proven any more. */
export const sealed: Check = {
  name: 'seal key',
  needs: [dataDirectory],
  look: async ({ config, files: { sealKey } }) => {
    if (existsSync(sealKey)) return ok(sealKey);
    return (await stateIsThere(config))
      ? fail(
          `${sealKey} is gone: the audit trail can't be proven`,
          'put it back from the backup; if there is none: "mandat init" names the other way',
        )
      : fail(`${sealKey} is not there`, 'run "mandat init"');
  },
};
